"""Helpers of the metrics: checks of samples, and conversion to float64 a chunk at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sparring.errors import InputError, check

CHUNK = 4096


def check_samples(samples: Tensor, name: str, at_least: int = 1) -> None:
    """Raise InputError unless `samples` is [N, D] with N >= `at_least`, D >= 1 and all values finite."""
    check(samples.ndim == 2 and samples.shape[-1] >= 1, f"the shape of {name}", list(samples.shape), "be [samples, values]")
    check(len(samples) >= at_least, f"the number of {name}", len(samples), f"be at least {at_least}")
    bad = sum(int((~part.isfinite()).any(dim=1).sum()) for part in samples.split(CHUNK))
    if bad:
        raise InputError(f"{bad} of {len(samples)} {name} hold values that are infinite or not a number")


def check_same_width(a: Tensor, a_name: str, b: Tensor, b_name: str) -> None:
    """Raise InputError unless both have the same number of values per sample."""
    widths = f"{a.shape[-1]} and {b.shape[-1]}"
    check(a.shape[-1] == b.shape[-1], f"the number of values in {a_name} and {b_name}", widths, "be the same")


def widened(samples: Tensor, chunk: int = CHUNK) -> Iterator[Tensor]:
    """The samples [N, D] as consecutive chunks, float64 [<= chunk, D]."""
    return (part.double() for part in samples.split(chunk))


def mean_of(samples: Tensor) -> Tensor:
    """The mean sample, float64 [D], of samples [N, D]."""
    total = torch.stack([part.sum(dim=0) for part in widened(samples)]).sum(dim=0)
    return total / len(samples)
