"""How the parts of a round are computed: eagerly, or recorded once as CUDA graphs and replayed.

A round of small networks is hundreds of kernels, each faster than Python can launch the next one; a graph launches all of its
kernels at once. What differs from round to round comes from outside: before a replay the indices of real images, z, uniforms,
gamma, learning rates and the strength of the augmentation are copied into the tensors that the graph reads.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from sparring.errors import InputError
from sparring.recipe import Move, Recipe
from sparring.training.fast import FastSteps, ForwardPass
from sparring.training.step import Readings

T = TypeVar("T")
Replay = Callable[[], object]
Record = Callable[[Callable[[], T]], tuple[T, Replay]]
"""Records a computation without running it: its results, and a function that computes them anew in the same memory."""

EngineName = Literal["auto", "eager", "capture"]

TOLERANCE = 0.02
"""Of a gradient's norm: kernels that add in any order have changed it by 7e-4; stale inputs change it by about 1."""
WARM_UP = 2
"""Eager computations of a kind before it is recorded, in which libraries choose their algorithms."""


def check_engine(engine: EngineName, recipe: Recipe, device: torch.device, num_processes: int = 1) -> None:
    """InputError for "capture" where rounds cannot be recorded."""
    if engine != "capture":
        return
    if device.type != "cuda" or num_processes > 1:
        where = f"on {device.type}" if device.type != "cuda" else f"in {num_processes} processes"
        raise InputError(f"engine capture records rounds on CUDA in a single process, not {where}; use auto")
    if recipe.accumulate > 1:
        raise InputError("engine capture records whole batches; set accumulate=1, or use engine auto")


@dataclass(frozen=True)
class StepInputs:
    """A move of a round, and the one after it; the kind of its computation, the real images to draw, if any, and z.

    The images are `chosen` by their indices; `ahead` holds them where they come from main memory.
    """

    move: Move
    next_move: Move | None
    kind: Hashable
    chosen: Tensor | None
    ahead: Tensor | None
    z: Tensor


Batch = tuple[Tensor, Tensor, Tensor | None]
"""Real images, z, and the codes of the images."""
Round = tuple[Readings, Batch]
"""A round's readings, and the batch of its last step."""


class EagerSteps:
    """Everything is computed by Python, operation by operation."""

    def __init__(self, device: torch.device):
        self.device = device
        self.failure: str | None = None
        self.differences: list[float] = []

    def input(self, name: Hashable, values: Tensor) -> Tensor:
        """Values of this round on the device; `name` tells the inputs of a round apart."""
        return self._pinned(values).to(self.device, non_blocking=True)

    def number(self, name: str, value: float) -> float | Tensor:
        """A number of this round."""
        return value

    def run(
        self,
        kind: Hashable,
        compute: Callable[[], T],
        *,
        reads: Hashable = None,
        compared: Callable[[T], Sequence[Tensor]] | None = None,
    ) -> T:
        """The results of a computation. Those of one kind are the same operations, with the same Python numbers, on tensors of
        the same shapes. `reads`: the kind of the computation whose results this one takes, if it takes any. `compared`: of a
        computation that changes nothing but the networks' buffers, the tensors by which a replay is compared with it."""
        return compute()

    def played(self, kind: Hashable, inputs: Iterator[StepInputs]) -> Round | None:
        """The results of a round that is played as a whole; None, without taking any inputs, where its steps are to be taken.

        Rounds of one kind are the same operations on tensors of the same shapes; None is no kind.
        """

    def noted(
        self, kind: Hashable, inputs: Iterator[StepInputs], readings: Readings, last: Callable[[], Batch]
    ) -> Iterator[StepInputs]:
        """The inputs, one for each step that is taken. After the last one `readings` are complete, and `last` has its batch."""
        return inputs

    def _pinned(self, values: Tensor) -> Tensor:
        """The values where the device can fetch them by itself, so that the host need not wait for it."""
        return values.pin_memory() if self.device.type == "cuda" and values.device.type == "cpu" else values


@dataclass(frozen=True)
class _Recorded:
    results: object
    replay: Replay
    uniforms: dict[tuple, Tensor]  # by their GAN's index and their address


@dataclass(frozen=True)
class _State:
    """What a step's first half changes."""

    buffers: list[tuple[Tensor, Tensor]]  # of the networks, with their values
    rng: Tensor
    reused: list[tuple[Tensor, ForwardPass] | None]


class FixedInputs(EagerSteps):
    """Inputs and numbers of a round are always in the same memory, where a graph reads them."""

    def __init__(self, device: torch.device):
        super().__init__(device)
        self._inputs: dict[Hashable, Tensor] = {}
        self._numbers: dict[str, tuple[float, Tensor]] = {}

    def input(self, name: Hashable, values: Tensor) -> Tensor:
        key = (name, values.shape)
        if key not in self._inputs:
            self._inputs[key] = torch.empty_like(values, device=self.device)
        return self._inputs[key].copy_(self._pinned(values), non_blocking=True)

    def number(self, name: str, value: float) -> Tensor:
        before, tensor = self._numbers.get(name) or (None, torch.empty((), device=self.device))
        if value != before:
            tensor.fill_(value)
            self._numbers[name] = value, tensor
        return tensor


class GraphedSteps(FixedInputs):
    """Each kind of computation is done eagerly a few times, then recorded, then replayed.

    `gans`: the fast steps of the GAN, or of several whose computations are recorded together.
    Results are overwritten by the next computation of the same kind. `failure`: why all are eager from then on, once one could
    not be recorded, or its first replay differed. `differences` of first replays from eager steps, as a share of the gradient.
    """

    def __init__(self, gans: Sequence[FastSteps], device: torch.device, record: Record | None = None):
        super().__init__(device)
        self._gans, self._record = gans, record or _cuda_recorder()
        self._recorded: dict[Hashable, _Recorded] = {}
        self._seen: Counter[Hashable] = Counter()
        self._addresses: dict[Hashable, dict[tuple, None]] = {}

    def run(
        self,
        kind: Hashable,
        compute: Callable[[], T],
        *,
        reads: Hashable = None,
        compared: Callable[[T], Sequence[Tensor]] | None = None,
    ) -> T:
        if self.failure or (reads is not None and reads not in self._recorded):
            return compute()
        if kind not in self._recorded:
            self._seen[kind] += 1
            if self._seen[kind] <= WARM_UP:
                return self._with_uniforms(partial(self._noted, self._addresses.setdefault(kind, {})), compute)
            return self._recorded_or_eager(kind, compute, compared)
        return self._replayed(self._recorded[kind])

    def _replayed(self, recorded: _Recorded) -> Any:
        for address, uniforms in recorded.uniforms.items():
            uniforms.copy_(self._draw(*address))
        recorded.replay()
        return recorded.results

    def _recorded_or_eager(
        self, kind: Hashable, compute: Callable[[], T], compared: Callable[[T], Sequence[Tensor]] | None
    ) -> T:
        """Record a computation and replay it; where that fails, it is done eagerly, as all later ones are."""
        before = self._state()
        try:
            expected = None
            if compared is not None:
                self._forget()  # what is reused has a graph for one use, and that is for the recording
                expected = [tensor.clone() for tensor in compared(compute())]
                self._restore(before)
            uniforms = {address: self._draw(*address) for address in self._addresses[kind]}
            results, replay = self._with_uniforms(lambda *address: uniforms[address], partial(self._record, compute))
            recorded = _Recorded(results, replay, uniforms)
            self._replayed(recorded)
            if compared is not None and expected is not None:
                self.differences.append(_difference(compared(results), expected))
        except RuntimeError as error:
            self.failure = str(error).splitlines()[0]
            self._restore(before)
            self._forget()
            return compute()
        self._recorded[kind] = recorded
        return results

    def _state(self) -> _State:
        networks = [network for fast in self._gans for network in fast.gan.networks]
        buffers = [(buffer, buffer.clone()) for network in networks for buffer in network.buffers()]
        rng = torch.get_device_module(self.device).get_rng_state(self.device)
        return _State(buffers, rng, [fast.reused for fast in self._gans])

    def _restore(self, state: _State) -> None:
        for buffer, values in state.buffers:
            buffer.copy_(values)
        torch.get_device_module(self.device).set_rng_state(state.rng, self.device)
        for fast, reused in zip(self._gans, state.reused, strict=True):
            fast.reused = reused

    def _forget(self) -> None:
        for fast in self._gans:
            fast.reused = None

    def _draw(self, index: int, *address: Any) -> Tensor:
        return self._gans[index].gan.draw_uniforms(*address)

    def _noted(self, known: dict[tuple, None], *address: Any) -> Tensor:
        known[address] = None
        return self._draw(*address)

    def _with_uniforms(self, source: Callable[..., Tensor], compute: Callable[[], T]) -> T:
        """The results of a computation in which the GANs' uniforms come from `source`, by a GAN's index and their address."""
        for index, fast in enumerate(self._gans):
            fast.gan.uniform_source = partial(source, index)
        try:
            return compute()
        finally:
            for fast in self._gans:
                fast.gan.uniform_source = None


def _difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The norm of the difference over that of what is expected; RuntimeError where it is more than the order of sums makes."""
    error = torch.stack([(a - b).norm() for a, b in zip(found, expected, strict=True)]).norm()
    share = (error / torch.stack([each.norm() for each in expected]).norm()).item()
    if share > TOLERANCE:
        raise RuntimeError(f"the gradient of a replayed step differs from that of the eager one by {share:.1g} of its norm")
    return share


def _cuda_recorder() -> Record:
    """Records CUDA graphs that share one pool of memory."""
    pool = torch.cuda.graph_pool_handle()

    def record(compute: Callable[[], T]) -> tuple[T, Replay]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            results = compute()
        return results, graph.replay

    return record
