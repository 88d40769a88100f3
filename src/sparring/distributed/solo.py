"""What the engine and the training ask of the processes that train together, where there is one."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from sparring.distributed.sharing import Alone, Side

T = TypeVar("T")


class Solo(Alone):
    """One process, which has all rows, decides by itself, and need wait for nobody."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size
        self.wish: Callable[[], int] = lambda: 0  # the number of a signal, where one came

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and shows what all have done."""
        return self.rank == 0

    def begin(self, round_: int) -> None:
        """A round begins."""

    def deal(self, side: Side, whole: Tensor) -> Tensor:
        """The rows that are here of one side's next batch."""
        return whole

    def seed(self, seed: int) -> int:
        """What the seed of a move makes the seed of layers that draw by themselves, for their own rows alone."""
        return seed

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the mean over all processes."""

    def part(self, num: int) -> range:
        """Which of `num` pieces of work are done here."""
        return range(num)

    def added(self, table: Tensor) -> Tensor:
        """The sum over all processes; it may take the table's memory."""
        return table

    def clock(self, seconds: float) -> Callable[[], float]:
        """A clock that now shows `seconds`; to everyone the same, as of the last move."""
        began = time.perf_counter() - seconds
        return lambda: time.perf_counter() - began

    @property
    def stop(self) -> int:
        """The signal by which somebody wishes to stop, as `wish` said at the last move anywhere; 0 for none."""
        return self.wish()

    def settle(self) -> None:
        """Wait until the device has met the others as often as it has been told to, so that waiting for it cannot hang."""

    def place(self, find: Callable[[], torch.device]) -> torch.device:
        """The device of this process, from what `find` says; InputError where the processes' devices do not go together."""
        return find()

    def agree(self, work: Callable[[], T]) -> T:
        """What `work` gives; where it fails in any process it fails in all, in the same words. It must not meet the others."""
        return work()

    def first(self, work: Callable[[], Any]) -> Any:
        """What `work` gives in the first process, to all: something that JSON can say."""
        return work()

    def level(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the first one's values."""

    def meet(self) -> None:
        """Wait until all have come so far."""
