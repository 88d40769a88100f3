"""One match over several processes: each is shown its rows of every batch, and all come to the same weights.

z, masks of dropout and the order of real images are drawn for the whole batch by everybody, so that a sample's own randomness
does not depend on the number of processes. Logits are gathered before the loss, so that losses which couple samples stay what
they are; gradients are added up before each step. What is not of rows (evaluation, agreement) goes through here as well.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sparring.config.rng import derive_seed
from sparring.distributed.heartbeat import Vigil, error_of
from sparring.distributed.launch import Launch
from sparring.distributed.rows import Rows, shown
from sparring.distributed.sharing import Side
from sparring.distributed.solo import Solo, T
from sparring.errors import InputError, MachineError, SparringError

Spans = list[tuple[int, int]]


@contextmanager
def joined(launch: Launch, timeout: float) -> Iterator[Solo]:
    """Within the block the processes of a launch are together; alone where there is but one.

    `timeout`: seconds that one waits for another before it counts as lost. Raises MachineError where not all come.
    """
    if launch.size == 1:
        yield Solo()
        return
    ranks = Ranks(launch, timeout)
    try:
        yield ranks
    except BaseException as error:
        ranks.leave(error)
        raise
    ranks.leave(None)


class Ranks(Solo):
    """The processes of one launch, seen from one of them; gloo on the CPU, NCCL between GPUs."""

    def __init__(self, launch: Launch, timeout: float):
        from torch import distributed  # not in ordinary runs

        super().__init__(launch.rank, launch.size)
        self._dist: Any = distributed
        self._launch, self._timeout = launch, timeout
        self._nums: dict[Side, int] = {}
        self._words: list[list[float]] = []  # of each rank: its wish, and its clock
        self._coming: tuple[Tensor, Any] | None = None
        self._began = time.perf_counter()
        self._gpus: Any = None
        patience = timedelta(seconds=timeout)
        try:
            found = [next(self._dist.rendezvous("env://", self.rank, self.size, timeout=patience))[0] for _ in range(2)]
            # torchrun keeps its store, with what the processes before a restart have written
            store, signs = (self._dist.PrefixStore(f"sparring/{launch.attempt}", part) for part in found)
            self._vigil = Vigil(signs, self.rank, self.size, launch.host, period=min(1.0, timeout / 10))
            self._vigil.start()
            self._dist.init_process_group("gloo", store=store, rank=self.rank, world_size=self.size, timeout=patience)
        except RuntimeError as error:
            raise MachineError(f"the {self.size} processes did not come together within {timeout:g} s: {error}") from error

    # --- what a match sees ---

    def deal(self, side: Side, whole: Tensor) -> Tensor:
        self._nums[side] = len(whole)
        first, behind = self._spans(len(whole))[self.rank]
        return whole[first:behind]

    def showing(self, network: nn.Module, *sides: Side) -> AbstractContextManager[None]:
        nums = [self._nums[side] for side in sides]
        own = [self._spans(num)[self.rank] for num in nums]
        before = [0, *accumulate(nums)]
        spans = tuple((start + first, start + behind) for start, (first, behind) in zip(before, own, strict=False))
        return shown(network, Rows(sum(nums), spans, self._rng, self.everyone))

    def gather(self, sides: Sequence[Side], logits: Sequence[Tensor]) -> Sequence[Tensor]:
        spans = [self._spans(self._nums[side]) for side in sides]
        parts = [logits[0].new_tensor([self.wish(), time.perf_counter() - self._began], dtype=torch.float64)]
        for own, given in zip(spans, logits, strict=True):
            first, behind = own[self.rank]
            if len(given) != behind - first:
                raise InputError(
                    f"D gives {len(given)} logits for {behind - first} samples; several processes need one for each"
                )
            room = given.new_zeros(_most(own), *given.shape[1:], dtype=torch.float64)
            room[: len(given)] = given
            parts.append(room.flatten())
        words, *found = self.everyone(torch.cat(parts)).split([len(part) for part in parts], dim=1)
        self._hear(words)
        return [_in_order(rows, own, given) for rows, own, given in zip(found, spans, logits, strict=True)]

    def here(self, sides: Sequence[Side], whole: Sequence[Tensor]) -> Sequence[Tensor]:
        own = [self._spans(self._nums[side])[self.rank] for side in sides]
        return [values[first:behind] for values, (first, behind) in zip(whole, own, strict=True)]

    def total(self, *gradients: Sequence[Tensor]) -> Sequence[Sequence[Tensor]]:
        every = [gradient for network in gradients for gradient in network]  # and whatever else is summed
        sums = iter(self._summed(every))
        return [[next(sums) for _ in network] for network in gradients]

    def num(self, side: Side, here: int) -> int:
        return self._nums[side]

    def average(self, tensors: Sequence[Tensor]) -> None:
        if not tensors:
            return
        for tensor, total in zip(tensors, self._summed(tensors), strict=True):
            tensor.copy_(total / self.size)

    def seed(self, seed: int) -> int:
        self._rng.manual_seed(seed)
        return derive_seed(seed, "rank", self.rank)

    # --- what the engine and the training ask ---

    def begin(self, round_: int) -> None:
        self._vigil.round = round_

    def part(self, num: int) -> range:
        return range(*self._spans(num)[self.rank])

    def added(self, table: Tensor) -> Tensor:
        with self._meeting():
            self._dist.all_reduce(table, group=self._group(table))
        return table

    def clock(self, seconds: float) -> Callable[[], float]:
        self._began = time.perf_counter() - seconds
        self._words = []
        return lambda: self._words[0][1]

    @property
    def stop(self) -> int:
        return max((int(wish) for wish, _ in self._words), default=0)

    def settle(self) -> None:
        if self._gpus is not None:
            self._wait(_recorded())

    def place(self, find: Callable[[], torch.device]) -> torch.device:
        place = self.agree(lambda: self._own(find()))
        if len({*self.exchange(place.type)}) > 1:
            raise InputError("some processes have a GPU and others have none; use --device cpu")
        if place.type == "cuda":
            patience = timedelta(seconds=2 * self._timeout)  # whoever waits is told by `_wait` before NCCL ends the process
            self._gpus = self._dist.new_group(backend="nccl", timeout=patience)
        self._rng = torch.Generator(place)
        return place

    def _own(self, place: torch.device) -> torch.device:
        if place.type == "mps":
            raise InputError("several processes train on cpu or cuda, not on mps; use --device cpu")
        if place.type == "cuda":
            if self._launch.local_rank >= torch.cuda.device_count():
                number = f"{torch.cuda.device_count()} GPU(s) on {self._launch.host}"
                raise InputError(
                    f"there is no GPU for rank {self.rank}: {number}; start as many processes a host, or --device cpu"
                )
            place = torch.device("cuda", self._launch.local_rank)
            torch.cuda.set_device(place)
        return place

    def agree(self, work: Callable[[], T]) -> T:
        result, problem = None, None
        try:
            result = work()
        except SparringError as error:
            problem = error
        statuses = self.exchange(problem and [problem.exit_status, str(problem)])
        found = next((said for said in statuses if said), None)
        if found is None:
            return result  # pyright: ignore[reportReturnType]
        raise problem or error_of(*found)

    def first(self, work: Callable[[], Any]) -> Any:
        said = self.agree(work if self.rank == 0 else lambda: None)
        return self.exchange(said)[0]

    def exchange(self, value: Any) -> list[Any]:
        data = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        sizes = self.everyone(torch.tensor([len(data)])).flatten().tolist()
        room = torch.zeros(max(sizes), dtype=torch.uint8)
        room[: len(data)] = data
        rows = self.everyone(room)
        return [json.loads(bytes(row[:size].tolist())) for row, size in zip(rows, sizes, strict=True)]

    def level(self, tensors: Sequence[Tensor]) -> None:
        for kind in {(tensor.dtype, tensor.device): None for tensor in tensors}:
            some = [tensor for tensor in tensors if (tensor.dtype, tensor.device) == kind]
            flat = torch.cat([tensor.detach().reshape(-1) for tensor in some])
            with self._meeting():
                self._dist.broadcast(flat, 0, group=self._group(flat))
            for tensor, values in zip(some, flat.split([tensor.numel() for tensor in some]), strict=True):
                tensor.detach().copy_(values.view(tensor.shape))

    def meet(self) -> None:
        self.settle()
        with self._meeting():
            self._dist.barrier()

    def leave(self, error: BaseException | None) -> None:
        """End the company: where all is well the first process, which has to write, leaves first; whoever leaves with an error
        lets the others know, and one of each host tells people."""
        if isinstance(error, SparringError):
            error.told = not self._vigil.first_to_tell()
        if self.rank != 0 and not isinstance(error, Exception):  # torchrun ends those who linger
            self._vigil.outstay(0, self._timeout)
        self._vigil.leave(error)
        self._vigil.close()
        if self._gpus is None or not isinstance(error, MachineError):  # NCCL would wait for those who are lost
            self._dist.destroy_process_group()

    # --- how ---

    def everyone(self, own: Tensor) -> Tensor:
        """[...] -> [size, ...]: what each process hands in."""
        found = own.new_empty(self.size, *own.shape)
        with self._meeting():
            self._dist.all_gather(list(found.unbind()), own.contiguous(), group=self._group(own))
        return found

    def _summed(self, tensors: Sequence[Tensor]) -> Iterator[Tensor]:
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        sums = self.added(flat).split([tensor.numel() for tensor in tensors])
        return (total.view(tensor.shape) for total, tensor in zip(sums, tensors, strict=True))

    def _spans(self, num: int) -> Spans:
        """Everybody's rows of a batch."""
        bounds = [num * rank // self.size for rank in range(self.size + 1)]
        return list(pairwise(bounds))

    def _group(self, tensor: Tensor) -> Any:
        return self._gpus if tensor.is_cuda else None

    @contextmanager
    def _meeting(self) -> Iterator[None]:
        self._vigil.met += 1
        try:
            yield
        except RuntimeError as error:
            raise self._vigil.explain(error) from error

    def _hear(self, words: Tensor) -> None:
        """Note everybody's wish and clock; a GPU is not waited for, so that there one hears a move later."""
        if not words.is_cuda:
            self._words = words.tolist()
            return
        before, self._coming = self._coming, (words.to("cpu", non_blocking=True), _recorded())
        if before is None:
            before = self._coming
        self._wait(before[1])
        self._words = before[0].tolist()

    def _wait(self, event: Any) -> None:
        """Until a GPU has come so far; MachineError where that takes too long, for then it waits for another process."""
        end = time.monotonic() + self._timeout
        while not event.query():
            if time.monotonic() > end:
                raise self._vigil.explain(TimeoutError(f"nothing came for {self._timeout:g} s"))
            time.sleep(1e-4)


def _most(spans: Spans) -> int:
    return max(behind - first for first, behind in spans)


def _in_order(rows: Tensor, spans: Spans, like: Tensor) -> Tensor:
    """From [size, room] the whole batch's values, of the type and shape of `like` but for its first axis."""
    rest = like.shape[1:]
    parts = [row.view(-1, *rest)[: behind - first] for row, (first, behind) in zip(rows, spans, strict=True)]
    return torch.cat(parts).to(like.dtype)


def _recorded() -> Any:
    event = torch.cuda.Event()
    event.record()
    return event
