"""How the parts of a round are computed: eagerly, or recorded once as CUDA graphs and replayed.

A round of small networks is hundreds of kernels, each faster than Python can launch the next one; a graph launches all of its
kernels at once. What differs from round to round comes from outside: before a replay the indices of real images, z, uniforms,
gamma, learning rates and the strength of the augmentation are copied into the tensors that the graph reads.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor

from sparring.training.gan import GAN

T = TypeVar("T")
Replay = Callable[[], object]
Record = Callable[[Callable[[], T]], tuple[T, Replay]]
"""Records a computation without running it: its results, and a function that computes them anew in the same memory."""

WARM_UP = 2  # eager computations of a kind before it is recorded, in which libraries choose their algorithms


class EagerSteps:
    """Everything is computed by Python, operation by operation."""

    def __init__(self, device: torch.device):
        self.device = device

    def input(self, name: Hashable, values: Tensor) -> Tensor:
        """Values of this round on the device; `name` tells the inputs of a round apart."""
        return self._pinned(values).to(self.device, non_blocking=True)

    def number(self, name: str, value: float) -> float | Tensor:
        """A number of this round."""
        return value

    def run(self, kind: Hashable, compute: Callable[[], T], reads: Hashable = None) -> T:
        """The results of a computation. Those of one kind are the same operations, with the same Python numbers, on tensors of
        the same shapes. `reads`: the kind of the computation whose results this one takes, if it takes any."""
        return compute()

    def _pinned(self, values: Tensor) -> Tensor:
        """The values where the device can fetch them by itself, so that the host need not wait for it."""
        return values.pin_memory() if self.device.type == "cuda" and values.device.type == "cpu" else values


@dataclass(frozen=True)
class _Recorded:
    results: object
    replay: Replay
    uniforms: dict[tuple, Tensor]  # by their address


class GraphedSteps(EagerSteps):
    """Each kind of computation is done eagerly a few times, then recorded, then replayed.

    Results are overwritten by the next computation of the same kind. `failure`: why all are eager after all, once one of them
    could not be recorded.
    """

    def __init__(self, gan: GAN, device: torch.device, record: Record | None = None):
        super().__init__(device)
        self.failure: str | None = None
        self._gan, self._record = gan, record or _cuda_recorder()
        self._recorded: dict[Hashable, _Recorded] = {}
        self._seen: Counter[Hashable] = Counter()
        self._addresses: dict[Hashable, dict[tuple, None]] = {}
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

    def run(self, kind: Hashable, compute: Callable[[], T], reads: Hashable = None) -> T:
        if self.failure or (reads is not None and reads not in self._recorded):
            return compute()
        if kind not in self._recorded:
            self._seen[kind] += 1
            if self._seen[kind] <= WARM_UP:
                return self._with_uniforms(partial(self._noted, self._addresses.setdefault(kind, {})), compute)
            try:
                self._recorded[kind] = self._of(kind, compute)
            except RuntimeError as error:
                self.failure = str(error).splitlines()[0]
                self._gan.reused_fakes = None
                return compute()
        step = self._recorded[kind]
        for address, uniforms in step.uniforms.items():
            uniforms.copy_(self._gan.draw_uniforms(*address))
        step.replay()
        return step.results  # pyright: ignore[reportReturnType]

    def _of(self, kind: Hashable, compute: Callable[[], T]) -> _Recorded:
        uniforms = {address: self._gan.draw_uniforms(*address) for address in self._addresses[kind]}
        results, replay = self._with_uniforms(lambda *address: uniforms[address], partial(self._record, compute))
        return _Recorded(results, replay, uniforms)

    def _noted(self, known: dict[tuple, None], *address: str | int) -> Tensor:
        known[address] = None
        return self._gan.draw_uniforms(*address)  # pyright: ignore[reportArgumentType]

    def _with_uniforms(self, source: Callable[..., Tensor], compute: Callable[[], T]) -> T:
        self._gan.uniform_source = source
        try:
            return compute()
        finally:
            self._gan.uniform_source = None


def _cuda_recorder() -> Record:
    """Records CUDA graphs that share one pool of memory."""
    pool = torch.cuda.graph_pool_handle()

    def record(compute: Callable[[], T]) -> tuple[T, Replay]:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=pool):
            results = compute()
        return results, graph.replay

    return record
