"""Principal directions of an early layer's features, and singular ones of the first layer's weight, of tensors alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import check

SMALLEST = 1e-6  # share of a direction that is worth a slider


@dataclass(frozen=True)
class Directions:
    """Directions in z: vectors [K, num_z], each as long as z's own standard deviation, and each one's share in (0, 1].

    A z of the prior lies within 3 of them from the origin, in either sense, as good as always.
    """

    vectors: Tensor
    shares: tuple[float, ...]


def of_features(z: Tensor, features: Tensor, moving: Tensor, most: int, groups: Tensor | None = None) -> Directions:
    """Directions of z [N, num_z] that move its features [N, D] along their principal axes.

    Each is the regression of z on the coordinate along one axis, u_k = argmin sum_j ||u x_jk - z_j||^2 (Härkönen et al. 2020,
    GANSpace, https://arxiv.org/abs/2004.02546, section 2.2); shares are of the features' variance.
    moving: 1 for the columns of z that may move, [num_z]. groups: classes of z, int64 [N], which do not count as variation.
    Raises ValueError for fewer than two samples.
    """
    variances, axes = principal_axes(features, groups)
    wide = features.double() - _means(features.double(), groups)
    centred = z.double() - _means(z.double(), groups)
    return _directions((wide @ axes.T).T @ centred, variances, moving, _deviation(z, moving), most)


def of_weight(weight: Tensor, moving: Tensor, deviation: float, most: int) -> Directions:
    """Directions of z that change the first layer's output W z most: the right singular vectors of W [D, num_z].

    Shen and Zhou 2021, SeFa, https://arxiv.org/abs/2007.06600, equation 5. Shares are of the squared singular values.
    deviation: of one column of z. moving: 1 for the columns that may move, [num_z].
    """
    strengths, vectors = singular_axes(weight, moving)
    return _directions(vectors, strengths, moving, deviation, most)


def principal_axes(features: Tensor, groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The variances [D], descending, and the unit axes [D, D], a row each, of features [N, D], within their groups if given."""
    check(len(features) >= 2, "the number of samples", len(features), "be at least 2")
    wide = features.double()
    covariance = torch.cov((wide - _means(wide, groups)).T).reshape(wide.shape[1], wide.shape[1])
    variances, axes = torch.linalg.eigh(covariance)
    return variances.flip(0).clamp(min=0), axes.T.flip(0)


def singular_axes(weight: Tensor, moving: Tensor) -> tuple[Tensor, Tensor]:
    """The squared singular values [K], descending, and right singular vectors [K, num_z], of the moving columns of a weight."""
    _, strengths, vectors = torch.linalg.svd(weight.double() * moving.double(), full_matrices=False)
    return strengths.square(), vectors


def _means(values: Tensor, groups: Tensor | None) -> Tensor:
    """The mean of all values [N, D], or for each of its group."""
    if groups is None:
        return values.mean(0)
    num = int(groups.max()) + 1
    sums = values.new_zeros(num, values.shape[1]).index_add(0, groups, values)
    return (sums / groups.bincount(minlength=num).clamp(min=1)[:, None])[groups]


def _deviation(z: Tensor, moving: Tensor) -> float:
    return float(z[:, moving.bool()].double().std())


def _directions(vectors: Tensor, sizes: Tensor, moving: Tensor, deviation: float, most: int) -> Directions:
    """The first vectors, of this length, each turned so that its largest entry is positive; those that vanish are left out."""
    vectors = vectors * moving.double()
    lengths = vectors.norm(dim=1)
    worth = (sizes > SMALLEST * sizes.sum()) & (lengths > SMALLEST * lengths.max())
    kept = worth.nonzero()[:most, 0]
    vectors = vectors[kept] / lengths[kept, None] * deviation
    signs = vectors.gather(1, vectors.abs().argmax(1, keepdim=True)).sign() if len(kept) else vectors
    shares = (sizes[kept] / sizes.sum()).tolist()
    return Directions((vectors * signs).float(), tuple(round(share, 4) for share in shares))
