"""The energy distance between two sets of points of few dimensions: 0 only for equal distributions, no parameters."""

import torch
from torch import Tensor

from sparring.metrics.samples import check_same_width, check_samples, widened

CHUNK = 1000


def energy_distance(x: Tensor, y: Tensor, chunk: int = CHUNK) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'|, over pairs x != x' and y != y' (Szekely and Rizzo 2013, equation 5).

    x: [n, D], y: [m, D]. The estimator is unbiased, so for two sets from one distribution it is around 0, also below.
    Raises InputError for fewer than 2 samples on a side, different D, or a value that is not finite.
    """
    check_samples(x, "x", at_least=2)
    check_samples(y, "y", at_least=2)
    check_same_width(x, "x", y, "y")
    n, m = len(x), len(y)
    within = _total(x, x, chunk) / (n * (n - 1)) + _total(y, y, chunk) / (m * (m - 1))
    return 2 * _total(x, y, chunk) / (n * m) - within


def _total(x: Tensor, y: Tensor, chunk: int) -> float:
    """The sum of the Euclidean distances of all pairs."""
    exact = "donot_use_mm_for_euclid_dist"
    totals = [torch.cdist(part, y.double(), compute_mode=exact).sum() for part in widened(x, chunk)]
    return torch.stack(totals).sum().item()
