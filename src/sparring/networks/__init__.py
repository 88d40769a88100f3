"""Networks: an architecture a file, its frozen configuration beside it.

A generator's configuration builds a module z [B, num_z] -> [B, *shape], a discriminator's one [B, *shape] -> logits [B].
Images are [-1, 1] NCHW float.
"""

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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # what layers draw when they are made
        network = config.build(num_z, shape)
    config.initial.apply(network, torch.Generator().manual_seed(seed))
    return network


def build_discriminator(config: DiscriminatorConfig, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The discriminator with its initial values, a function of `seed` alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # what layers draw when they are made
        network = config.build(shape)
    config.initial.apply(network, torch.Generator().manual_seed(seed))
    return network


registry.import_all(__name__, __path__)
