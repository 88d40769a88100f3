"""Who plays a match: one process, or several that each have some rows of every batch."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol

from torch import Tensor, nn

Side = Literal["real", "fake"]
BOTH: tuple[Side, ...] = ("real", "fake")


class Sharing(Protocol):
    """How a match is shared: some rows of each side's batch are here, the others elsewhere, and gradients are of all."""

    def showing(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        """Within the block the network is shown the rows that are here, of one batch or of both in one."""
        ...

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        """From the logits of the rows that are here those of the whole batches, in order."""
        ...

    def here(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        """Of what belongs to the whole batches the rows that are here."""
        ...

    def total(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        """Each network's gradients, from those of the rows that are here."""
        ...

    def num(self, side: Side, here: int) -> int:
        """How many rows one side's whole batch has, of which so many are here."""
        ...


class Alone:
    """A match that is played here alone: all rows are here."""

    def showing(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        return _NOTHING

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        return logits

    def here(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        return whole

    def total(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        return gradients

    def num(self, side: Side, here: int) -> int:
        return here


_NOTHING = nullcontext()
