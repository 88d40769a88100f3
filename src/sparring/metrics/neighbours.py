"""Precision, recall, density and coverage, by nearest neighbours in feature space.

Distances are squared Euclidean, expanded as |a|^2 + |b|^2 - 2 a.b about a mean near both sides, in float64, a tile of the
distance matrix at a time. A point exactly on the surface of a ball lies inside, up to rounding.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sparring.errors import check
from sparring.metrics.samples import check_same_width, check_samples, mean_of, widened

CHUNK = 1000


@dataclass(frozen=True)
class NeighbourScores:
    """Shares in [0, 1], except density, which is about 1 for the real distribution and has no upper bound.

    `coverage_deviation`: the standard deviation of coverage over draws of fakes, by the jackknife.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    coverage_deviation: float


@dataclass(frozen=True, eq=False)
class RealNeighbours:
    """Real features [N, D] with the squared radii of their balls: distances, float64 [N], to the k-th nearest other."""

    features: Tensor
    radii_precision: Tensor
    radii_coverage: Tensor
    k_precision: int
    k_coverage: int

    @classmethod
    def of(cls, features: Tensor, k_precision: int = 3, k_coverage: int = 5) -> Self:
        """The radii of these features; the default k are those of the papers. Raises InputError as `nearest_radii`."""
        precision, coverage = nearest_radii(features, [k_precision, k_coverage])
        return cls(features, precision, coverage, k_precision, k_coverage)


def nearest_radii(features: Tensor, ks: Sequence[int], chunk: int = CHUNK) -> Tensor:
    """The squared distance of each of the features [N, D] to its k-th nearest other, as float64 [len(ks), N].

    A sample is excluded from its own neighbours by its index, so its duplicates, at distance 0, do count.
    Raises InputError for a k below 1, for fewer samples than the largest k + 1, or for a feature that is not finite.
    """
    check(min(ks) >= 1, "ks", list(ks), "be at least 1 each")
    check_samples(features, "features", at_least=max(ks) + 1)
    mean = mean_of(features)
    nearest = torch.cat([_nearest_others(features, mean, row, max(ks), chunk) for row in range(0, len(features), chunk)])
    return torch.stack([nearest[:, k - 1] for k in ks]).clamp(min=0)  # rounding makes some of the zeros negative


def neighbour_scores(fake: Tensor, real: RealNeighbours, chunk: int = CHUNK) -> NeighbourScores:
    """Precision, recall, density and coverage of generated features [M, D] against the real ones, on their device.

    Precision: share of the fakes inside the k_precision-ball of some real; recall: share of the reals inside the
    k_precision-ball of some fake (Kynkaanniemi et al. 2019, https://arxiv.org/abs/1904.06991, equations 1 to 3).
    Density: mean number of real k_coverage-balls that contain a fake, divided by k_coverage; coverage: share of the reals
    with a fake inside their k_coverage-ball (Naeem et al. 2020, https://arxiv.org/abs/2002.09797, equations 3 and 5).
    Raises InputError for fewer than k_precision + 1 fakes, different D, or a feature that is not finite.
    """
    check_samples(fake, "fake features", at_least=real.k_precision + 1)
    check_same_width(fake, "fake features", real.features, "real features")
    (fake_radii,) = nearest_radii(fake, [real.k_precision], chunk)
    inside_real = torch.zeros(len(fake), dtype=torch.bool, device=fake.device)
    inside_fake = torch.zeros(len(real.features), dtype=torch.bool, device=fake.device)
    index = torch.arange(len(fake), dtype=torch.float64, device=fake.device)
    weights = torch.stack([torch.ones_like(index), index])
    sums = weights.new_zeros(2, len(real.features))  # over each real's fakes: their number, and their indices
    for rows, columns, squares in _tiles(fake, real.features, chunk):
        inside_real[rows] |= (squares <= real.radii_precision[columns]).any(dim=1)
        inside_fake[columns] |= (squares <= fake_radii[rows, None]).any(dim=0)
        sums[:, columns] += weights[:, rows] @ (squares <= real.radii_coverage[columns]).double()
    num_inside, indices = sums
    return NeighbourScores(
        precision=_share(inside_real),
        recall=_share(inside_fake),
        density=num_inside.sum().item() / (real.k_coverage * len(fake)),
        coverage=_share(num_inside > 0),
        coverage_deviation=_jackknife(indices[num_inside == 1].long().bincount(minlength=len(fake)).double() / len(num_inside)),
    )


def expected_coverage(num_fake: int, num_real: int, k: int) -> float:
    """The expectation of coverage for two independent sets of one continuous distribution.

    A real sample is uncovered if its k nearest among the other num_real - 1 reals and the num_fake fakes are all real.
    All orders are equally likely, which gives 1 - prod_{i=1..k} (num_real - i) / (num_real + num_fake - i).
    Raises InputError for no fake, a k below 1, or fewer than k + 1 reals.
    """
    check(num_fake >= 1, "num_fake", num_fake, "be at least 1")
    check(1 <= k < num_real, "k", k, f"be at least 1 and less than num_real, {num_real}")
    return 1 - math.prod((num_real - i) / (num_real + num_fake - i) for i in range(1, k + 1))


def _nearest_others(features: Tensor, mean: Tensor, row: int, k: int, chunk: int) -> Tensor:
    """Squared distances of the features from `row` to `row + chunk` to their k nearest others, ascending [<= chunk, k]."""
    rows = features[row : row + chunk].double() - mean
    nearest = rows.new_empty(len(rows), 0)
    for i, part in enumerate(widened(features, chunk)):
        squares = _squared_distances(rows, part - mean)
        if i * chunk == row:
            squares.fill_diagonal_(math.inf)
        nearest = _smallest(torch.cat([nearest, _smallest(squares, k)], dim=1), k)
    return nearest


def _smallest(values: Tensor, k: int) -> Tensor:
    """The k smallest values of each row, ascending; all of them if there are fewer."""
    return values.topk(min(k, values.shape[1]), dim=1, largest=False).values


def _tiles(fake: Tensor, real: Tensor, chunk: int) -> Iterator[tuple[slice, slice, Tensor]]:
    """The distance matrix of fake by real in tiles of at most [chunk, chunk], each with its rows and columns."""
    mean = mean_of(real)
    for i, fake_part in enumerate(widened(fake, chunk)):
        rows, fake_centred = slice(i * chunk, (i + 1) * chunk), fake_part - mean
        for j, real_part in enumerate(widened(real, chunk)):
            yield rows, slice(j * chunk, (j + 1) * chunk), _squared_distances(fake_centred, real_part - mean)


def _squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a|^2 + |b|^2 - 2 a.b for float64 [n, D] and [m, D], as [n, m]; below 0 only by rounding."""
    products = torch.addmm(b.square().sum(dim=1), a, b.T, alpha=-2)
    return products.add_(a.square().sum(dim=1, keepdim=True))


def _jackknife(losses: Tensor) -> float:
    """The standard deviation of a statistic that loses so much without each of the samples, [N] (Tukey 1958).

    On average it is no less than the true one (Efron and Stein 1981).
    """
    return ((len(losses) - 1) * losses.var(correction=0)).sqrt().item()


def _share(chosen: Tensor) -> float:
    return chosen.double().mean().item()
