"""Two programs timed in turns, so that a machine that grows slower or faster meanwhile does so for both."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

_FEWEST = 3  # turns, whatever the time they take


@dataclass(frozen=True)
class Quartiles:
    """A median and its quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Quartiles":
        low, median, high = torch.tensor(values, dtype=torch.float64).quantile(_QUARTILES).tolist()
        return cls(low, median, high)


_QUARTILES = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)


def time_in_turns(
    programs: Sequence[Callable[[], object]], most: int, seconds: float, progress: Callable[[int, int], None]
) -> list[list[float]]:
    """Seconds that each program took, by program and turn; `progress` is told of the turns done and the turns in all.

    There are `most` turns, or fewer, but 3, when this time has passed.
    """
    times: list[list[float]] = [[] for _ in programs]
    begun = time.perf_counter()
    for turn in range(most):
        progress(turn, most)
        if turn >= _FEWEST and time.perf_counter() - begun > seconds:
            break
        for program, taken in zip(programs, times, strict=True):
            start = time.perf_counter()
            program()
            taken.append(time.perf_counter() - start)
    progress(most, most)
    return times
