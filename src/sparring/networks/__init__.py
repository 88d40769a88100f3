"""Networks: an architecture a file, its frozen configuration beside it.

A generator's configuration builds a module z [B, num_z] -> [B, *shape], a discriminator's one [B, *shape] -> logits [B].
Images are [-1, 1] NCHW float.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import nn

from sparring import registry
from sparring.networks.dcgan import DcganDiscriminatorConfig, DcganGeneratorConfig
from sparring.networks.init import FirstLayer, Gaussian, GlorotNormal, GlorotUniform, Initial
from sparring.networks.mlp import MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.upsample import UpsampleDiscriminatorConfig, UpsampleGeneratorConfig

__all__ = [
    "DcganDiscriminatorConfig",
    "DcganGeneratorConfig",
    "DiscriminatorConfig",
    "FirstLayer",
    "Gaussian",
    "GeneratorConfig",
    "GlorotNormal",
    "GlorotUniform",
    "Initial",
    "MLPDiscriminatorConfig",
    "MLPGeneratorConfig",
    "UpsampleDiscriminatorConfig",
    "UpsampleGeneratorConfig",
    "build_discriminator",
    "build_generator",
    "seeded",
]


class GeneratorConfig(Protocol):
    """A frozen dataclass registered as "generator" that builds one."""

    @property
    def initial(self) -> Initial: ...

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module: ...


class DiscriminatorConfig(Protocol):
    """A frozen dataclass registered as "discriminator" that builds one."""

    @property
    def initial(self) -> Initial: ...

    def build(self, shape: tuple[int, ...]) -> nn.Module: ...


def build_generator(config: GeneratorConfig, num_z: int, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The generator with its initial values, a function of `seed` alone."""
    return _drawn(config.initial, lambda: config.build(num_z, shape), seed)


def build_discriminator(config: DiscriminatorConfig, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The discriminator with its initial values, a function of `seed` alone."""
    return _drawn(config.initial, lambda: config.build(shape), seed)


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """What `build` makes when PyTorch's default generator starts from `seed`; the user's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def _drawn(initial: Initial, build: Callable[[], nn.Module], seed: int) -> nn.Module:
    network = seeded(build, seed)
    initial.apply(network, torch.Generator().manual_seed(seed))
    return network


registry.import_all(__name__, __path__)
