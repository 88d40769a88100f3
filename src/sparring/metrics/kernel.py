"""The kernel distance between two sets of features: an unbiased squared maximum mean discrepancy."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from sparring.errors import check
from sparring.metrics.samples import check_same_width, check_samples, widened


@dataclass(frozen=True)
class KernelDistance:
    """Mean and standard deviation over the subsets; the standard error of the mean is smaller by about sqrt(subsets)."""

    mean: float
    std: float


def kernel_distance(
    fake: Tensor, real: Tensor, *, subsets: int = 100, size: int = 1000, generator: Generator
) -> KernelDistance:
    """Squared maximum mean discrepancy with a cubic kernel, over random subsets of both sides.

    Binkowski et al. 2018, https://arxiv.org/abs/1801.01401, section 4 ("KID"): each of `subsets` draws takes `size`
    of the features fake [N, D] and real [M, D] without replacement; `generator` is a CPU generator. The estimator is
    unbiased, so for two sets from one distribution it is around 0, also below. The standard deviation divides by the number
    of subsets.
    Raises InputError for fewer than `size` samples on a side, different D, or a feature that is not finite.
    """
    check(subsets >= 1, "subsets", subsets, "be at least 1")
    check(size >= 2, "size", size, "be at least 2")
    check_samples(fake, "fake features", at_least=size)
    check_samples(real, "real features", at_least=size)
    values = [mmd2_unbiased(_subset(fake, size, generator), _subset(real, size, generator)) for _ in range(subsets)]
    distances = torch.tensor(values, dtype=torch.float64)
    return KernelDistance(distances.mean().item(), distances.std(correction=0).item())


def mmd2_unbiased(x: Tensor, y: Tensor, within_y: float | None = None) -> float:
    """E k(x, x') + E k(y, y') - 2 E k(x, y), over pairs x != x' and y != y', with k(a, b) = (a.b / D + 1)^3.

    x: [n, D], y: [m, D]. `within_y`: the `mean_kernel` of y, where it is known already. The unbiased estimator of Gretton et
    al. 2012, lemma 6; symmetric, and sometimes negative.
    Raises InputError for fewer than 2 samples on a side, different D, or a value that is not finite.
    """
    check_samples(x, "x", at_least=2)
    check_samples(y, "y", at_least=2)
    check_same_width(x, "x", y, "y")
    across = sum(_kernel(part, y.double()).sum().item() for part in widened(x)) / (len(x) * len(y))
    return mean_kernel(x) + (mean_kernel(y) if within_y is None else within_y) - 2 * across


def mean_kernel(x: Tensor) -> float:
    """E k(x, x') over all pairs of different samples [n, D], n >= 2; the same kernel."""
    total = sum(_kernel(part, x.double()).sum().item() for part in widened(x))
    return (total - sum(_of_itself(part).sum().item() for part in widened(x))) / (len(x) * (len(x) - 1))


def _of_itself(x: Tensor) -> Tensor:
    return ((x * x).sum(1) / x.shape[1]).add_(1).pow_(3)  # [n]


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x / x.shape[1] @ y.T).add_(1).pow_(3)  # [n, m]


def _subset(features: Tensor, size: int, generator: Generator) -> Tensor:
    chosen = torch.randperm(len(features), generator=generator)[:size]
    return features[chosen.to(features.device)]
