"""Networks: an architecture a file, its frozen configuration beside it.

A generator's configuration builds a module z [B, num_z] -> [B, *shape], a discriminator's one [B, *shape] -> logits [B].
Images are [-1, 1] NCHW float.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, cast

import torch
from torch import Tensor, nn

from sparring.config import registry
from sparring.errors import InputError
from sparring.networks.dcgan import DcganDiscriminatorConfig, DcganGeneratorConfig
from sparring.networks.fastgan import FastganDiscriminatorConfig, FastganGeneratorConfig
from sparring.networks.init import FirstLayer, Gaussian, GlorotNormal, GlorotUniform, Initial
from sparring.networks.mlp import MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.own import ModuleDiscriminator, ModuleGenerator, check_output
from sparring.networks.r3 import R3DiscriminatorConfig, R3GeneratorConfig, Scaled
from sparring.networks.resnet import ResnetDiscriminatorConfig, ResnetGeneratorConfig
from sparring.networks.upsample import UpsampleDiscriminatorConfig, UpsampleGeneratorConfig
from sparring.storage import strict_json

M = TypeVar("M", bound=nn.Module)

__all__ = [
    "ConditionalDiscriminatorConfig",
    "DcganDiscriminatorConfig",
    "DcganGeneratorConfig",
    "DiscriminatorConfig",
    "FastganDiscriminatorConfig",
    "FastganGeneratorConfig",
    "FirstLayer",
    "Gaussian",
    "GeneratorConfig",
    "GlorotNormal",
    "GlorotUniform",
    "Initial",
    "MLPDiscriminatorConfig",
    "MLPGeneratorConfig",
    "ModuleDiscriminator",
    "ModuleGenerator",
    "R3DiscriminatorConfig",
    "R3GeneratorConfig",
    "ResnetDiscriminatorConfig",
    "ResnetGeneratorConfig",
    "Scaled",
    "UpsampleDiscriminatorConfig",
    "UpsampleGeneratorConfig",
    "build_discriminator",
    "build_generator",
    "check_fits",
    "check_output",
    "seeded",
]


class GeneratorConfig(Protocol):
    """A frozen dataclass registered as "generator" that builds one.

    Its `initial`, if it has one, draws the weights after building; without one they are those that `build` gives them.
    """

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module: ...


class DiscriminatorConfig(Protocol):
    """A frozen dataclass registered as "discriminator" that builds one; with `initial` as a generator's."""

    def build(self, shape: tuple[int, ...]) -> nn.Module: ...


class ConditionalDiscriminatorConfig(Protocol):
    """A discriminator's configuration that allows outputs beside the logit, [B, num_outputs], linear in the last features.

    A network may have one output more in training mode: values [B] that D minimises on real images beside its loss, such as the
    error of a reconstruction.
    """

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module: ...


def build_generator(config: GeneratorConfig, num_z: int, shape: tuple[int, ...], seed: int) -> nn.Module:
    """The generator with its initial values, a function of `seed` alone."""
    return _drawn(config, lambda: config.build(num_z, shape), seed)


def build_discriminator(config: DiscriminatorConfig, shape: tuple[int, ...], seed: int, num_outputs: int = 1) -> nn.Module:
    """The discriminator with its initial values, a function of `seed` alone.

    `num_outputs`: 1 gives logits [B]; more are for a condition, [B, num_outputs]. InputError where the network has no more.
    """
    return _drawn(config, lambda: _with_outputs(config, shape, num_outputs), seed)


def _with_outputs(config: DiscriminatorConfig | ConditionalDiscriminatorConfig, shape: tuple[int, ...], num: int) -> nn.Module:
    if num == 1:
        return config.build(shape)
    if "num_outputs" not in inspect.signature(config.build).parameters:
        name = registry.name_of(config)
        raise InputError(f"{name} gives logits alone, but the condition needs {num} outputs; its build takes no num_outputs")
    return cast(ConditionalDiscriminatorConfig, config).build(shape, num)


def seeded(build: Callable[[], M], seed: int) -> M:
    """The network that `build` makes with PyTorch's default generator seeded; the user's random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def check_fits(build: Callable[[], nn.Module], weights: Mapping[str, Tensor], where: str) -> None:
    """InputError, naming `where`, unless the network has weights and buffers of exactly these names, shapes and types.

    For settings out of a file: the network is laid out without memory first, so that numbers in the settings can take no more
    of it than the weights do. The weights must be finite.
    """
    try:
        with torch.device("meta"):
            wanted = seeded(build, seed=0).state_dict()
    except (RuntimeError, TypeError, OverflowError) as error:
        if "meta" in str(error):  # a network of the user's own that looks at values while it is built
            return
        raise InputError(f"{where}: no network can be built of its settings: {strict_json.one_line(str(error))}") from None
    for name in sorted(wanted.keys() | weights.keys()):
        if name not in wanted or name not in weights:
            raise InputError(f"{where}: the weights do not fit its settings: {_quoted(name)} is on one side only")
        mine, given = (f"{str(t.dtype).removeprefix('torch.')} {list(t.shape)}" for t in (wanted[name], weights[name]))
        if mine != given:
            raise InputError(f"{where}: the weights do not fit its settings: {_quoted(name)} is {given}, not {mine}")
        if not weights[name].isfinite().all():
            raise InputError(f"{where}: {_quoted(name)} holds values that are infinite or not a number")


def _quoted(name: str) -> str:
    return strict_json.one_line(name)


def _drawn(config: object, build: Callable[[], nn.Module], seed: int) -> nn.Module:
    network, initial = seeded(build, seed), getattr(config, "initial", None)
    if initial is not None:
        initial.apply(network, torch.Generator().manual_seed(seed))
    return network


registry.import_all(__name__, __path__)
