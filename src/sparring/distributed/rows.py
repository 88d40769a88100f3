"""What a layer needs to know where a network is shown only some rows of a batch, and others are shown the rest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Rows:
    """Some rows of a whole batch of `num`, while others see the rest at the same time.

    `spans`: the rows, as pairs (first, behind the last) in order. `rng`: draws what belongs to the whole batch, the same for
    everybody. `everyone`: [...] -> [parts, ...], the tensors of one shape that all hand in, the same for everybody; all have
    to call it, in the same order, also those who see no rows at all.
    """

    num: int
    spans: tuple[tuple[int, int], ...]
    rng: torch.Generator
    everyone: Callable[[Tensor], Tensor]

    def of(self, whole: Tensor) -> Tensor:
        """These rows of a tensor [num, ...]."""
        parts = [whole[first:behind] for first, behind in self.spans]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


class Sharing(nn.Module):
    """A layer whose work depends on the whole batch; `rows` is None where it is shown all of it."""

    rows: Rows | None = None


@contextmanager
def shown(network: nn.Module, rows: Rows) -> Iterator[None]:
    """Within the block the network is shown these rows of a batch."""
    layers = [layer for layer in network.modules() if isinstance(layer, Sharing)]
    for layer in layers:
        layer.rows = rows
    try:
        yield
    finally:
        for layer in layers:
            layer.rows = None
