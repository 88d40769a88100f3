"""The number of threads that PyTorch computes with on a CPU that other programs use as well.

PyTorch's threads wait for each other after every operation, spinning. Where another program has one of their cores, all of
them wait for it in every operation, and a round of small networks takes a hundred times as long; with a thread for every core
that is free it does not.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

SHORTEST = 0.3  # seconds in which the use of the cores can be told
MOST_THREADS = 4096


def num_cores() -> int:
    """The number of cores that this process may use."""
    return len(_own_cores() or ()) or os.cpu_count() or 1


def _own_cores() -> set[int] | None:
    return os.sched_getaffinity(0) if sys.platform == "linux" else None


@dataclass(frozen=True)
class CoreUse:
    """A moment, with the seconds that the cores have been busy until then, and those of them that this process has had."""

    seconds: float
    busy: float
    own: float

    @classmethod
    def now(cls) -> "CoreUse":
        import psutil

        cores = _own_cores()
        times = [each for number, each in enumerate(psutil.cpu_times(percpu=True)) if cores is None or number in cores]
        idle = sum(each.idle + getattr(each, "iowait", 0.0) for each in times)
        total = sum(sum(each[:8]) for each in times)  # what follows, Linux's time of guests, is part of the first two
        return cls(time.monotonic(), total - idle, time.process_time())

    def free_since(self, now: "CoreUse") -> float:
        """The number of cores that other programs have left free between this moment and a later one."""
        others = (now.busy - self.busy - (now.own - self.own)) / max(now.seconds - self.seconds, 1e-9)
        return num_cores() - max(others, 0.0)


def free_cores() -> int:
    """The number of cores that other programs leave free now, at least one; it takes `SHORTEST` seconds to tell."""
    since = CoreUse.now()
    time.sleep(SHORTEST)
    return suitable(num_cores(), since.free_since(CoreUse.now()))


def suitable(most: int, free: float) -> int:
    """A thread for every core that is free, at least one and at most `most`."""
    return max(1, min(most, round(free)))


class ThreadChoice:
    """The choice of a number of threads; it begins to look at the cores when it is made.

    asked: the number that was asked for. There is nothing to choose where that or $OMP_NUM_THREADS is given, on a GPU, and
    where PyTorch has one thread; then `most` is None.
    """

    def __init__(self, asked: int | None, device: torch.device):
        given = asked is not None or os.environ.get("OMP_NUM_THREADS")
        most = torch.get_num_threads()
        self.most = most if most > 1 and device.type == "cpu" and not given else None
        self._asked = asked
        self._since = CoreUse.now() if self.most else None

    def take(self, say: Callable[[str], None], kept: int | None = None, gain: int = MOST_THREADS) -> None:
        """Let PyTorch compute with the number that was asked for, or else with `kept`, or else with a thread for every core
        that has been free, and at most `gain`, beyond which more would gain too little; where fewer cores are free than
        that, `say` gets a sentence."""
        if self.most and not kept:
            self.most = min(self.most, gain)
        if self._asked is not None:
            torch.set_num_threads(self._asked)
        elif self.most == 1:
            torch.set_num_threads(1)
        elif self.most and self._since:
            number = min(self.most, kept) if kept else suitable(self.most, self._free())
            if number < self.most and not kept:
                chosen = f"{number} thread{'s' * (number > 1)} instead of {self.most}"
                say(f"other programs use the cores: {chosen}; --threads (in Python: threads=) sets another number")
            torch.set_num_threads(number)

    def _free(self) -> float:
        assert self._since
        time.sleep(max(0.0, SHORTEST - (time.monotonic() - self._since.seconds)))
        return self._since.free_since(CoreUse.now())


@contextmanager
def own_number(number: int | None = None) -> Iterator[None]:
    """Within the block PyTorch computes with so many threads, or as the block sets; then as before."""
    before = torch.get_num_threads()
    try:
        if number not in (None, before):
            torch.set_num_threads(number)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
