"""Layers that depend on the whole batch, where a process has only some of its rows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Rows:
    """The local rows of a batch of `num`, the others of which are in other processes.

    `spans`: the rows, as pairs (first, behind the last) in order. `rng`: in the same state in all processes, for draws that
    belong to the whole batch. `all_gather`: [...] -> [size, ...], the tensors of all processes; each process has to call it,
    in the same order, even with no rows.
    """

    num: int
    spans: tuple[tuple[int, int], ...]
    rng: torch.Generator
    all_gather: Callable[[Tensor], Tensor]

    def of(self, whole: Tensor) -> Tensor:
        """These rows of a tensor [num, ...]."""
        parts = [whole[first:behind] for first, behind in self.spans]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class ShardedLayer(nn.Module):
    """A layer that depends on the whole batch; `rows` is None where all rows are local."""

    rows: Rows | None = None


@contextmanager
def sharded(network: nn.Module, rows: Rows) -> Iterator[None]:
    """Within the block the network is given these rows of a batch."""
    layers = [layer for layer in network.modules() if isinstance(layer, ShardedLayer)]
    for layer in layers:
        layer.rows = rows
    try:
        yield
    finally:
        for layer in layers:
            layer.rows = None
