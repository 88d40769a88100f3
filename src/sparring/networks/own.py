"""A user's own modules as the networks of a recipe."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Self

import torch
from torch import Generator, Tensor, nn
from torch.nn.parameter import is_lazy

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
        if any(is_lazy(t) for t in (*module.parameters(), *module.buffers())):
            name = type(module).__qualname__
            raise InputError(f"the {cls.argument} {name} has layers without weights yet; call it once before you pass it")
        tensors = [f"{name} {t.dtype} {tuple(t.shape)}" for name, t in module.state_dict().items()]
        return cls(type(module).__qualname__, fingerprint([repr(module), *tensors])).holding(module)

    def network(self) -> nn.Module:
        """A copy of the module, in training mode, on the CPU; InputError where it is not here."""
        return copy.deepcopy(self.require()).train().cpu()


@register("generator", listed=False)
@dataclass(frozen=True)
class ModuleGenerator(_OwnNetwork):
    """A module of the user's that makes images [B, *shape] in [-1, 1], or points, of z [B, num_z]."""

    argument: ClassVar[str] = "generator"

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        """A copy of the module; InputError where it is not here."""
        return self.network()


@register("discriminator", listed=False)
@dataclass(frozen=True)
class ModuleDiscriminator(_OwnNetwork):
    """A module of the user's that makes logits [B], or scores, of images [B, *shape] in [-1, 1], or of points."""

    argument: ClassVar[str] = "discriminator"

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        """A copy of the module; InputError where it is not here."""
        return self.network()


def check_output(part: object, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Try a module of the user's on two inputs of this shape, as in training and as in inference.

    part: a configuration; one of Sparring's own is not tried. Raises InputError unless the module gives two floats of the
    wanted shape, and for parameters that cannot be trained: there are none, or one is frozen or not used.
    """
    if not isinstance(part, _OwnNetwork):
        return
    name, given = f"the {part.argument} {part.module}", [2, *shape]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        network = _tried(f"{name} cannot be copied", part.network)
        for mode in (network.eval, network.train):
            mode()
            found = _tried(f"{name} fails on an input of {given}", lambda: network(torch.randn(given)))
            _check_shape(found, f"{name} gives", f"for an input of {given}; it must give", wanted)
    _check_trainable(network, found, name)


def _tried(what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except InputError:
        raise
    except Exception as error:  # of the user's code
        raise InputError(f"{what}: {type(error).__name__}: {' '.join(str(error).split())}") from error


def _check_shape(found: Any, gives: str, must_give: str, wanted: tuple[int, ...]) -> None:
    wants = [2, *wanted]
    if not isinstance(found, Tensor):
        raise InputError(f"{gives} a {type(found).__name__} {must_give} a tensor {wants}")
    if list(found.shape) != wants or found.dtype != torch.float32:
        came = f"{str(found.dtype).removeprefix('torch.')} {list(found.shape)}"
        advice = "; end it with nn.Flatten(0)" if not wanted and found.numel() == 2 else ""
        raise InputError(f"{gives} {came} {must_give} float32 {wants}{advice}")


def _check_trainable(network: nn.Module, output: Tensor, name: str) -> None:
    parameters = dict(network.named_parameters())
    if not parameters:
        raise InputError(f"{name} has no parameters to train")
    used = _leaves(output)
    for key, parameter in parameters.items():
        if not parameter.requires_grad:
            raise InputError(f"{name} has a frozen parameter {key!r}; make it a buffer, or set requires_grad")
        if parameter not in used:
            raise InputError(f"{name} has a parameter {key!r} that its output does not depend on; remove it")


def _leaves(output: Tensor) -> set[Tensor]:
    """The tensors that an output depends on, by its graph of gradients."""
    found, seen, waiting = set[Tensor](), set[Any](), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.add(node.variable)  # pyright: ignore[reportAttributeAccessIssue]
        waiting += [before for before, _ in node.next_functions]
    return found
