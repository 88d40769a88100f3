"""A run in one process: the simplest process group, and the interface of the other one."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
Side = Literal["real", "fake"]
BOTH: tuple[Side, ...] = ("real", "fake")

_NOTHING = nullcontext()


class SingleProcess:
    """All rows of every batch are local, and nobody has to be waited for.

    `rank` of `size` processes; `stop_request`: the number of the signal that this process was sent, or 0.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank: int = rank
        self.size: int = size
        self.stop_request: Callable[[], int] = lambda: 0
        self._waited = 0.0

    @property
    def is_rank0(self) -> bool:
        """Rank 0 writes and shows what all have done."""
        return self.rank == 0

    # --- batches ---

    def shard(self, side: Side, whole: Tensor) -> Tensor:
        """The local rows of one side's next batch."""
        return whole

    def global_num(self, side: Side, num_local: int) -> int:
        """The number of rows of one side's whole batch."""
        return num_local

    def sharded(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        """Within the block the network is given the local rows of one side's batch, or of both in one."""
        return _NOTHING

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        """The logits of the whole batches, in order, from those of the local rows, to which gradients flow back."""
        return logits

    def local(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        """The local rows of tensors that belong to the whole batches."""
        return whole

    def layer_seed(self, seed: int) -> int:
        """The seed of layers that draw for their local rows alone, from the seed of the move."""
        return seed

    # --- collectives ---

    def all_reduce_grads(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        """Each network's gradients, summed over all processes."""
        return gradients

    def all_reduce_sum(self, table: Tensor) -> Tensor:
        """The sum over all processes; it may take the table's memory."""
        return table

    def all_reduce_mean(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over all processes."""

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Give every process the values of rank 0."""

    def barrier(self) -> None:
        """Wait until all processes have come so far."""

    def synchronize(self) -> None:
        """Wait until the device has finished all collectives, so that waiting for it afterwards cannot hang."""

    # --- work and agreement ---

    def my_share(self, num: int) -> range:
        """The local ones of `num` pieces of work."""
        return range(num)

    def on_rank0(self, work: Callable[[], Any]) -> Any:
        """The result of `work` in rank 0, for all: a value that JSON can hold."""
        return work()

    def raise_together(self, work: Callable[[], T]) -> T:
        """The result of `work`; an error in any process is raised in all, in the same words. It must not use collectives."""
        return work()

    def assign_device(self, find: Callable[[], torch.device]) -> torch.device:
        """The device of this process, from that of `find`; InputError where the processes have devices of several kinds."""
        return find()

    def set_round(self, round_: int) -> None:
        """Note the round being played, for the messages about lost processes."""

    def clock(self, seconds: float) -> Callable[[], float]:
        """A clock that starts at `seconds`; all processes read the same, as of the last move."""
        began = time.perf_counter() - seconds - self._waited
        return lambda: time.perf_counter() - began - self._waited

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, which no clock counts; of a single process alone."""
        began = time.perf_counter()
        time.sleep(seconds)
        self._waited += time.perf_counter() - began

    @property
    def stop_signal(self) -> int:
        """The signal that any process was sent, as of the last move; 0 for none."""
        return self.stop_request()
