"""A user's own modules as the networks of a recipe."""

import copy
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Self

import torch
from torch import Generator, Tensor, nn

from sparring.config.own import Own, fingerprint
from sparring.config.registry import register
from sparring.errors import InputError
from sparring.networks.init import Initial


@register("initial", listed=False)
@dataclass(frozen=True)
class AsPassed(Initial):
    """The weights that a module has when it is passed."""

    def apply(self, network: nn.Module, rng: Generator) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _OwnNetwork(Own):
    """A module, copied whenever a network is built, so that a training leaves the program's own as it was.

    Its fingerprint is that of its layers with their settings, and of the names, types and shapes of its weights and buffers;
    their values do not count, and neither does what a `forward` of the user's does with the layers.
    """

    module: str  # the class
    fingerprint: str
    initial: Annotated[Initial, "initial"] = field(default_factory=AsPassed)

    def __str__(self) -> str:
        return f"{self.module} (fingerprint {self.fingerprint[:8]})"

    @classmethod
    def of(cls, module: nn.Module) -> Self:
        """The part of this module, whose weights are the initial ones, whatever the seed."""
        tensors = [f"{name} {t.dtype} {tuple(t.shape)}" for name, t in module.state_dict().items()]
        return cls(type(module).__qualname__, fingerprint([repr(module), *tensors])).holding(module)

    def network(self) -> nn.Module:
        """A copy of the module, in training mode, on the CPU; InputError where it is not here."""
        return copy.deepcopy(self.require()).train().cpu()


@register("generator", listed=False)
@dataclass(frozen=True)
class OwnGenerator(_OwnNetwork):
    """A module of the user's that makes images [B, *shape] in [-1, 1], or points, of z [B, num_z]."""

    argument: ClassVar[str] = "generator"

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        """A copy of the module; InputError where it is not here."""
        return self.network()


@register("discriminator", listed=False)
@dataclass(frozen=True)
class OwnDiscriminator(_OwnNetwork):
    """A module of the user's that makes logits [B], or scores, of images [B, *shape] in [-1, 1], or of points."""

    argument: ClassVar[str] = "discriminator"

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """A copy of the module; InputError where it is not here."""
        return self.network()


def check_output(part: object, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Try a module of the user's on two inputs of this shape; InputError unless it gives two floats of the wanted shape.

    part: a configuration; one of Sparring's own is not tried.
    """
    if not isinstance(part, _OwnNetwork):
        return
    name, came, wants = f"the {part.argument} {part.module}", [2, *shape], [2, *wanted]
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            found = part.network().eval()(torch.randn(came))
    except Exception as error:  # of the user's code
        reason = " ".join(str(error).split())
        raise InputError(f"{name} fails on an input of {came}: {type(error).__name__}: {reason}") from error
    if not isinstance(found, Tensor):
        raise InputError(f"{name} gives a {type(found).__name__}; it must give a tensor {wants} for an input of {came}")
    if list(found.shape) != wants or found.dtype != torch.float32:
        gives = f"{str(found.dtype).removeprefix('torch.')} {list(found.shape)}"
        advice = "; end it with nn.Flatten(0)" if not wanted and found.numel() == 2 else ""
        raise InputError(f"{name} gives {gives} for an input of {came}; it must give float32 {wants}{advice}")
