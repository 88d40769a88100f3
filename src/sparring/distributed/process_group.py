"""Several processes that train one run: each has some rows of every batch, and all come to the same weights.

Every process draws z, dropout masks and the order of real images for the whole batch, so that a sample's randomness does not
depend on the number of processes. Logits are gathered before the loss, so that losses which couple samples keep their meaning;
gradients are summed before each step. Evaluation and agreement between processes go through the same group.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import accumulate, count, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sparring.config.rng import derive_seed
from sparring.distributed.heartbeat import Heartbeat, error_of
from sparring.distributed.launch import Launch
from sparring.distributed.rows import Rows, sharded
from sparring.distributed.single_process import Side, SingleProcess, T
from sparring.errors import InputError, MachineError, SparringError

Spans = list[tuple[int, int]]
_made = count()  # the groups of this process, which all processes make in the same order


@contextmanager
def process_group(launch: Launch, timeout: float) -> Iterator[SingleProcess]:
    """Within the block the processes of a launch form a group; a launch of one gives a `SingleProcess`.

    `timeout`: seconds that a process waits for another before it counts as lost. Raises MachineError where not all come.
    """
    if launch.size == 1:
        yield SingleProcess()
        return
    group = ProcessGroup(launch, timeout)
    try:
        yield group
    except BaseException as error:
        group.leave(error)
        raise
    group.leave(None)


class ProcessGroup(SingleProcess):
    """The processes of one launch, seen from one of them; gloo on the CPU, NCCL between GPUs."""

    def __init__(self, launch: Launch, timeout: float):
        from torch import distributed  # not in ordinary runs

        super().__init__(launch.rank, launch.size)
        self._dist: Any = distributed
        self._launch, self._timeout = launch, timeout
        self._nums: dict[Side, int] = {}
        self._messages: list[list[float]] = []  # of each rank: the signal that it was sent, and its clock
        self._pending: tuple[Tensor, Any] | None = None
        self._began = time.perf_counter()
        self._gpus: Any = None
        patience = timedelta(seconds=timeout)
        try:
            found = [next(self._dist.rendezvous("env://", self.rank, self.size, timeout=patience))[0] for _ in range(2)]
            # torchrun keeps its store, with what processes before a restart and earlier groups of these processes have written
            prefix = f"sparring/{launch.attempt}/{next(_made)}"
            store, signs = (self._dist.PrefixStore(prefix, part) for part in found)
            self._heartbeat = Heartbeat(signs, self.rank, self.size, launch.host, period=min(1.0, timeout / 10))
            self._heartbeat.start()
            self._dist.init_process_group("gloo", store=store, rank=self.rank, world_size=self.size, timeout=patience)
        except RuntimeError as error:
            raise MachineError(f"the {self.size} processes did not come together within {timeout:g} s: {error}") from error

    # --- batches ---

    def shard(self, side: Side, whole: Tensor) -> Tensor:
        self._nums[side] = len(whole)
        first, behind = self._spans(len(whole))[self.rank]
        return whole[first:behind]

    def sharded(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        nums = [self._nums[side] for side in sides]
        own = [self._spans(num)[self.rank] for num in nums]
        before = [0, *accumulate(nums)]
        spans = tuple((start + first, start + behind) for start, (first, behind) in zip(before, own, strict=False))
        return sharded(network, Rows(sum(nums), spans, self._rng, self.all_gather))

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        return _Gather.apply(self, sides, *logits)

    def gathered(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        """`gather`, without a way back."""
        spans = [self._spans(self._nums[side]) for side in sides]
        parts = [logits[0].new_tensor([self.stop_request(), time.perf_counter() - self._began], dtype=torch.float64)]
        for own, given in zip(spans, logits, strict=True):
            first, behind = own[self.rank]
            if len(given) != behind - first:
                raise InputError(
                    f"D gives {len(given)} logits for {behind - first} samples; several processes need one for each"
                )
            room = given.new_zeros(_longest(own), *given.shape[1:], dtype=torch.float64)
            room[: len(given)] = given
            parts.append(room.flatten())
        messages, *found = self.all_gather(torch.cat(parts)).split([len(part) for part in parts], dim=1)
        self._note_messages(messages)
        return [_in_order(rows, own, given) for rows, own, given in zip(found, spans, logits, strict=True)]

    def local(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        own = [self._spans(self._nums[side])[self.rank] for side in sides]
        return [values[first:behind] for values, (first, behind) in zip(whole, own, strict=True)]

    def all_reduce_grads(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        every = [gradient for network in gradients for gradient in network]  # and whatever else is summed
        sums = iter(self._all_reduced(every))
        return [[next(sums) for _ in network] for network in gradients]

    def global_num(self, side: Side, num_local: int) -> int:
        return self._nums[side]

    def all_reduce_mean(self, tensors: Sequence[Tensor]) -> None:
        for tensor, total in zip(tensors, self._all_reduced(tensors), strict=True):
            tensor.copy_(total / self.size)

    def layer_seed(self, seed: int) -> int:
        self._rng.manual_seed(seed)
        return derive_seed(seed, "rank", self.rank)

    # --- work and agreement ---

    def set_round(self, round_: int) -> None:
        self._heartbeat.round = round_

    def my_share(self, num: int) -> range:
        return range(*self._spans(num)[self.rank])

    def all_reduce_sum(self, table: Tensor) -> Tensor:
        with self._collective():
            self._dist.all_reduce(table, group=self._group(table))
        return table

    def clock(self, seconds: float) -> Callable[[], float]:
        self._began = time.perf_counter() - seconds
        self._messages = []
        return lambda: self._messages[0][1]

    @property
    def stop_signal(self) -> int:
        return max((int(signal) for signal, _ in self._messages), default=0)

    def synchronize(self) -> None:
        if self._gpus is not None:
            self._wait(_recorded_event())

    def assign_device(self, find: Callable[[], torch.device]) -> torch.device:
        place = self.raise_together(lambda: self._own_device(find()))
        if len({*self.all_gather_objects(place.type)}) > 1:
            raise InputError("some processes have a GPU and others have none; use device cpu")
        if place.type == "cuda":
            patience = timedelta(seconds=2 * self._timeout)  # `_wait` raises before NCCL ends the process
            self._gpus = self._dist.new_group(backend="nccl", timeout=patience)
        self._rng = torch.Generator(place)
        return place

    def _own_device(self, place: torch.device) -> torch.device:
        if place.type == "mps":
            raise InputError("several processes train on cpu or cuda, not on mps; use device cpu")
        if place.type == "cuda":
            if place.index is not None:
                raise InputError(
                    f"device {place} is one GPU, but each process takes the GPU of its local rank; use device cuda"
                )
            if self._launch.local_rank >= torch.cuda.device_count():
                number = f"{torch.cuda.device_count()} GPU(s) on {self._launch.host}"
                raise InputError(
                    f"there is no GPU for rank {self.rank}: {number}; start as many processes a host, or use device cpu"
                )
            place = torch.device("cuda", self._launch.local_rank)
            torch.cuda.set_device(place)
        return place

    def raise_together(self, work: Callable[[], T]) -> T:
        result, problem = None, None
        try:
            result = work()
        except SparringError as error:
            problem = error
        statuses = self.all_gather_objects(problem and [problem.exit_status, str(problem)])
        found = next((said for said in statuses if said), None)
        if found is None:
            return result  # pyright: ignore[reportReturnType]
        raise problem or error_of(*found)

    def on_rank0(self, work: Callable[[], Any]) -> Any:
        said = self.raise_together(work if self.rank == 0 else lambda: None)
        return self.all_gather_objects(said)[0]

    def all_gather_objects(self, value: Any) -> list[Any]:
        data = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        sizes = self.all_gather(torch.tensor([len(data)])).flatten().tolist()
        room = torch.zeros(max(sizes), dtype=torch.uint8)
        room[: len(data)] = data
        rows = self.all_gather(room)
        return [json.loads(bytes(row[:size].tolist())) for row, size in zip(rows, sizes, strict=True)]

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        for kind in {(tensor.dtype, tensor.device): None for tensor in tensors}:
            some = [tensor for tensor in tensors if (tensor.dtype, tensor.device) == kind]
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in some])
            with self._collective():
                self._dist.broadcast(flat, 0, group=self._group(flat))
            for tensor, values in zip(some, flat.split([tensor.numel() for tensor in some]), strict=True):
                tensor.detach().copy_(values.view(tensor.shape))

    def barrier(self) -> None:
        self.synchronize()
        with self._collective():
            self._dist.barrier()

    def leave(self, error: BaseException | None) -> None:
        """Leave the group: without an error rank 0, which has files to write, leaves first. A process that leaves with an error
        tells the others, and one process of each host reports it to the user."""
        if isinstance(error, SparringError):
            error.told = not self._heartbeat.claim_report()
        if self.rank != 0 and not isinstance(error, Exception):  # torchrun ends all processes when the first one fails
            self._heartbeat.wait_for_exit(0, self._timeout)
        self._heartbeat.leave(error)
        self._heartbeat.close()
        if self._gpus is None or not isinstance(error, MachineError):  # NCCL would wait for the lost ones
            self._dist.destroy_process_group()

    # --- collectives ---

    def all_gather(self, own: Tensor) -> Tensor:
        """[...] -> [size, ...]: the tensors of all processes, which have one shape."""
        found = own.new_empty(self.size, *own.shape)
        with self._collective():
            self._dist.all_gather(list(found.unbind()), own.contiguous(), group=self._group(own))
        return found

    def _all_reduced(self, tensors: Sequence[Tensor]) -> Iterator[Tensor]:
        if not tensors:  # where both sides are held still
            return iter(())
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        sums = self.all_reduce_sum(flat).split([tensor.numel() for tensor in tensors])
        return (total.view(tensor.shape) for total, tensor in zip(sums, tensors, strict=True))

    def _spans(self, num: int) -> Spans:
        """The rows of a batch, rank by rank, as (first, behind the last)."""
        bounds = [num * rank // self.size for rank in range(self.size + 1)]
        return list(pairwise(bounds))

    def _group(self, tensor: Tensor) -> Any:
        return self._gpus if tensor.is_cuda else None

    @contextmanager
    def _collective(self) -> Iterator[None]:
        self._heartbeat.num_collectives += 1
        try:
            yield
        except RuntimeError as error:
            raise self._heartbeat.explain(error) from error

    def _note_messages(self, messages: Tensor) -> None:
        """Keep the signals and clocks of all ranks; those on a GPU arrive one move later, so that nothing waits for it."""
        if not messages.is_cuda:
            self._messages = messages.tolist()
            return
        before, self._pending = self._pending, (messages.to("cpu", non_blocking=True), _recorded_event())
        if before is None:
            before = self._pending
        self._wait(before[1])
        self._messages = before[0].tolist()

    def _wait(self, event: Any) -> None:
        """Wait for a GPU's event; MachineError after the timeout, for then the GPU waits for another process."""
        end = time.monotonic() + self._timeout
        while not event.query():
            if time.monotonic() > end:
                raise self._heartbeat.explain(TimeoutError(f"nothing came for {self._timeout:g} s"))
            time.sleep(1e-4)


class _Gather(torch.autograd.Function):
    """Whole batches from the local rows. Each process computes the loss of the whole batch, so that the gradient by a local row
    is that by its place in the whole."""

    @staticmethod
    def forward(ctx: Any, group: ProcessGroup, sides: Sequence[Side], *logits: Tensor) -> tuple[Tensor, ...]:
        ctx.group, ctx.sides = group, sides
        return tuple(group.gathered(sides, logits))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, None, *ctx.group.local(ctx.sides, gradients)


def _longest(spans: Spans) -> int:
    return max(behind - first for first, behind in spans)


def _in_order(rows: Tensor, spans: Spans, like: Tensor) -> Tensor:
    """The whole batch's values from [size, room]; their type and shape, but for the first axis, are those of `like`."""
    rest = like.shape[1:]
    parts = [row.view(-1, *rest)[: behind - first] for row, (first, behind) in zip(rows, spans, strict=True)]
    return torch.cat(parts).to(like.dtype)


def _recorded_event() -> Any:
    event = torch.cuda.Event()
    event.record()
    return event
