"""The arithmetic floor of a round: the products that its mathematics needs, run by themselves."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from sparring.bench.products import Convolution, Product, prepare

_LONG = 1.0  # seconds of a computation that needs no warming up
_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Floor:
    """The products of a round, ready to run, by the number of rounds of which one has them; the memory format is that of the
    convolutions, None without any."""

    parts: Mapping[int, Callable[[], object]]
    memory_format: str | None

    def run(self, round_: int) -> None:
        """Compute all products that are due in this round."""
        for every, compute in self.parts.items():
            if round_ % every == 0:
                compute()


def build(products: Sequence[Product], device: torch.device) -> Floor:
    """The floor in the memory format that is faster here; CUDA replays it as a graph, so that no launch is waited for."""
    if not any(isinstance(product.layer, Convolution) for product in products):
        return Floor(_parts(products, device, torch.contiguous_format), None)
    distinct = list(dict.fromkeys(products))
    floors = {name: Floor(_parts(distinct, device, layout), name) for name, layout in _FORMATS.items()}
    name = min(floors, key=lambda name: _seconds(floors[name], device))
    return Floor(_parts(products, device, _FORMATS[name]), name)


def _parts(
    products: Sequence[Product], device: torch.device, memory_format: torch.memory_format
) -> dict[int, Callable[[], object]]:
    calls: dict[int, list[Callable[[], object]]] = {}
    for product, call in zip(products, prepare(products, device, memory_format), strict=True):
        calls.setdefault(product.every, []).append(call)
    return {every: _together(some, device) for every, some in calls.items()}


def _together(calls: Sequence[Callable[[], object]], device: torch.device) -> Callable[[], object]:
    def compute() -> None:
        for call in calls:
            call()

    return _captured(compute) if device.type == "cuda" else compute


def _captured(compute: Callable[[], None]) -> Callable[[], object]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        compute()  # libraries choose their algorithms now
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        compute()
    return partial(_replay, graph, compute)


def _replay(graph: torch.cuda.CUDAGraph, compute: Callable[[], None]) -> None:
    """Replay what was captured; `compute` holds the tensors that the graph reads and writes."""
    graph.replay()


def _seconds(floor: Floor, device: torch.device) -> float:
    """Seconds of a round with all products; where they are few, the first time warms up and the second one counts."""
    taken = 0.0
    for _ in range(2):
        synchronize(device)
        start = time.perf_counter()
        floor.run(0)
        synchronize(device)
        taken = time.perf_counter() - start
        if taken > _LONG:
            break
    return taken


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all that it was given."""
    if device.type != "cpu":
        torch.get_device_module(device).synchronize()
