"""Rounds of perceptrons on a CPU: the operations of a round are recorded once, and from then on played as one function.

A round of vanilla is some ninety operations on tensors, and finding out which they are (the steps, losses, modules, autograd)
takes a quarter of its time. The function has the same operations on the same values, so it computes the same bits. What differs
from round to round comes from outside: real images by their indices, z, uniforms and gamma; optimisers take their own steps.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.config.own import Own
from sparring.networks.layers.perceptron import is_hooked
from sparring.recipe import MoveBoth, Recipe
from sparring.training.capture import Batch, EagerSteps, FixedInputs, Round, StepInputs
from sparring.training.gan import GAN
from sparring.training.perceptron_pass import has_written_gradients
from sparring.training.player import Player
from sparring.training.step import Readings, Update

T = TypeVar("T")


def can_be_recorded(recipe: Recipe, gan: GAN) -> bool:
    """True if all that a round does is operations on tensors that depend on no value, in code of Sparring's own."""
    perceptrons = all(map(has_written_gradients, gan.networks)) and not any(
        isinstance(part, Own) for part in vars(recipe).values()
    )
    plain = gan.takes_images_unchanged and gan.condition is None and recipe.accumulate == 1
    return perceptrons and plain and not gan.guarded and not any(isinstance(move, MoveBoth) for move in recipe.round.moves)


class RecordedSteps(EagerSteps):
    """The first round of each kind is computed eagerly, the second one is recorded, and all others are played."""

    def __init__(self, gan: GAN, device: torch.device):
        super().__init__(device)
        self._gan, self._numbers = gan, FixedInputs(device)
        self._functions: dict[Hashable, Callable[[Iterator], tuple] | None] = {}
        self._recorder: _Recorder | None = None

    def number(self, name: str, value: float) -> Tensor:
        return self._numbers.number(name, value)

    def played(self, kind: Hashable, inputs: Iterator[StepInputs]) -> Round | None:
        function = self._functions.get(kind)
        if function is None or self._is_hooked():
            return None
        with torch.no_grad():
            readings, real, z = function((each.chosen, each.z) for each in inputs)
        return readings, (real, z, None)

    def noted(
        self, kind: Hashable, inputs: Iterator[StepInputs], readings: Readings, last: Callable[[], Batch]
    ) -> Iterator[StepInputs]:
        is_new = kind not in self._functions
        self._functions.setdefault(kind, None)
        if kind is None or is_new or self.failure or self._is_hooked():
            yield from inputs
            return
        self._recorder = recorder = _Recorder()
        self._gan.uniform_source = partial(recorder.draw, self._gan.draw_uniforms)
        try:
            for each in inputs:
                recorder.next_inputs(each.chosen, each.z)
                yield each
        finally:
            self._recorder = self._gan.uniform_source = None
        function = recorder.function(readings, *last()[:2])
        self.failure = recorder.failure
        self._functions[kind] = None if self.failure else function

    def run(self, kind: Hashable, compute: Callable[[], T], **about: Any) -> T:
        if self._recorder is None:
            return compute()
        if isinstance(compute, Update):
            for player, gradients in compute.sides:
                self._recorder.call(partial(_take_step, player), gradients)
                player.optimizer.update(gradients)
            compute = cast(Callable[[], T], compute.finish)
        with self._recorder:
            return compute()

    def _is_hooked(self) -> bool:
        return any(map(is_hooked, self._gan.networks))


def _take_step(player: Player, gradients: Sequence[Tensor]) -> None:
    player.gradients = gradients
    player.optimizer.step(gradients)


class _Recorder(TorchDispatchMode):
    """Writes down the operations within its blocks as lines of a Python function of the round's inputs.

    A tensor is known by its memory and its place there. One that no line has made is a constant of the function, such as a
    weight; the others are its variables. `failure`: what cannot be played again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failure: str | None = None
        self._lines: list[tuple[str, set[str]]] = []  # with the variables in them
        self._constants: dict[str, Any] = {}
        self._variables: dict[int, dict[tuple, str]] = {}  # by memory and place
        self._kept: list[Tensor] = []  # so that no memory is taken twice
        self._paused = False

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False, for PyTorch would import its compiler to keep it away from here: 70 MiB, and some seconds."""
        return False

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        found = operation(*args, **kwargs)
        if not self._paused:
            self._write(operation, args, kwargs, found)
        return found

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Note that a function is called, whose operations are not written down."""
        self._add(f"{self._constant(function)}({self._list(args)})", args)

    def draw(self, source: Callable[..., Tensor], *address: str | int) -> Tensor:
        """A tensor that its source makes anew in every round."""
        self._paused = True
        drawn = source(*address)
        self._paused = False
        self._add(f"{self._variable(drawn)} = {self._constant(source)}({self._list(address)})", drawn)
        return drawn

    def next_inputs(self, chosen: Tensor | None, z: Tensor) -> None:
        """Note that the next move begins with these."""
        names = ", ".join("_" if each is None else self._variable(each) for each in (chosen, z))
        self._add(f"{names} = next(inputs)", (chosen, z))

    def function(self, readings: dict[str, Tensor], *others: Tensor) -> Callable[[Iterator], tuple]:
        """The function of an iterator over the moves' inputs; it returns the readings, then the others, as they are then."""
        last_uses = {name: index for index, (_, names) in enumerate(self._lines) for name in names}
        named = ", ".join(f"{name!r}: {self._name(reading)}" for name, reading in readings.items())
        kept = self._names_in([*readings.values(), *others])
        body = []
        for index, (line, names) in enumerate(self._lines):
            over = sorted(name for name in names - kept if last_uses[name] == index)
            body += [line, *([f"del {', '.join(over)}"] if over else [])]
        source = "\n    ".join(["def play(inputs):", *body, f"return {{{named}}}, {self._list(others)}"])
        exec(compile(source, "<recorded round>", "exec"), self._constants)
        return self._constants["play"]

    def _write(self, operation: Any, args: Sequence, kwargs: dict[str, Any], found: Any) -> None:
        if operation is torch.ops.aten._local_scalar_dense.default:
            self.failure = "a round depends on a value"
        given = {_memory(tensor) for tensor in _tensors([args, kwargs.values()])}
        results, changes = _tensors(found), operation._schema.is_mutable
        if not changes and results and all(_memory(each) in given and not self._is_new(each) for each in results):
            return  # views that are known already, or of constants
        call = f"{self._constant(operation._op)}({self._list(args, kwargs)})"
        names = [] if changes else [self._variable(each, view=_memory(each) in given) for each in results]
        made = f"{', '.join(names)}{',' * isinstance(found, tuple | list)} = " if names else ""
        self._add(made + call, (args, kwargs.values(), found))

    def _is_new(self, view: Tensor) -> bool:
        places = self._variables.get(_memory(view))
        return places is not None and _place(view) not in places

    def _add(self, line: str, tensors: object) -> None:
        self._lines.append((line, self._names_in(tensors)))

    def _names_in(self, tensors: object) -> set[str]:
        return {name for each in _tensors(tensors) if (name := self._variables.get(_memory(each), {}).get(_place(each)))}

    def _variable(self, tensor: Tensor, view: bool = False) -> str:
        name = f"v{len(self._kept)}"
        self._kept.append(tensor)
        places = self._variables.setdefault(_memory(tensor), {})
        if not view:
            places.clear()
        places[_place(tensor)] = name
        return name

    def _constant(self, value: object) -> str:
        name = f"c{len(self._constants)}"
        self._constants[name] = value
        return name

    def _list(self, args: Sequence, kwargs: dict[str, Any] | None = None) -> str:
        named = (f"{name}={self._name(value)}" for name, value in (kwargs or {}).items())
        return ", ".join([*map(self._name, args), *named])

    def _name(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"[{self._list(value)}]"
        if isinstance(value, Tensor) and (places := self._variables.get(_memory(value))):
            if _place(value) in places:
                return places[_place(value)]
            self.failure = "a view was taken where no operation is seen"
        if isinstance(value, torch.Generator):
            self.failure = "a step draws from a generator of its own"
        return repr(value) if isinstance(value, int | str | None) else self._constant(value)


def _tensors(values: Any) -> list[Tensor]:
    """All tensors in values nested at will."""
    if isinstance(values, Tensor):
        return [values]
    is_nested = not isinstance(values, str) and hasattr(values, "__iter__")
    return [tensor for value in values for tensor in _tensors(value)] if is_nested else []


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _place(tensor: Tensor) -> tuple:
    return tensor.dtype, tensor.storage_offset(), tensor.shape, tensor.stride()
