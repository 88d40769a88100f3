"""Kernel density estimates of points, and the optimal discriminator between two densities; all in float64."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SUMMED_AT_ONCE = 4096  # points, to bound memory


def scott_bandwidth(points: Tensor) -> float:
    """The bandwidth by Scott's rule, h = s N^(-1 / (D + 4)), in the unit of the points.

    Scott 1992, Multivariate Density Estimation. points: [N, D]; s^2 is the variance (divided by N), averaged over the axes
    because the kernel is isotropic. The bandwidth is 0 if all points are equal.
    """
    num, num_axes = points.shape
    return points.double().var(0, correction=0).mean().sqrt().item() * num ** (-1 / (num_axes + 4))


def kernel_density(points: Tensor, axes: Sequence[Tensor], bandwidth: float) -> Tensor:
    """The kernel density estimate on a grid: the mean of N(x; point, h^2 I) over the points, at every x of the grid.

    points: [N, D], D 1 or 2; axes: the grid's coordinates along each of the D axes. Returns float64 [len(axes[0]), ...].
    An isotropic normal density factorises over its coordinates, so the sum over N points is one matrix product. Values below
    1e-308 underflow to 0.
    Raises ValueError for another D, for another number of axes, or unless the bandwidth is above 0.
    """
    if points.ndim != 2 or points.shape[1] not in (1, 2) or len(axes) != points.shape[1]:
        raise ValueError(f"points must be [N, 1] or [N, 2] with an axis each, got {list(points.shape)} and {len(axes)} axes")
    if not bandwidth > 0:
        raise ValueError(f"the bandwidth must be above 0, got {bandwidth}")
    parts = points.double().split(SUMMED_AT_ONCE)
    return torch.stack([_kernel_sum(part, axes, bandwidth) for part in parts]).sum(0) / len(points)


def optimal_discriminator(log_real: Tensor, log_fake: Tensor) -> Tensor:
    """D*(x) = p_data(x) / (p_data(x) + p_g(x)), the sigmoid of ln(p_data / p_g) (Goodfellow et al. 2014, proposition 1).

    log_real, log_fake: log densities of the same shape. The result is NaN where both densities are 0.
    """
    return torch.sigmoid(log_real - log_fake)


def num_in_kernel(density: Tensor, num: int, bandwidth: float, num_axes: int) -> Tensor:
    """The effective number of points within a kernel, out of `num` with this density: num p (2 pi h^2)^(D / 2).

    For a `kernel_density` this is the sum of exp(-|x - point|^2 / 2 h^2); a value below 1 means that hardly any point is
    near.
    """
    return num * density * (2 * math.pi * bandwidth**2) ** (num_axes / 2)


def _kernel_sum(points: Tensor, axes: Sequence[Tensor], bandwidth: float) -> Tensor:
    kernels = [_normal(points[:, [i]] - axis.double(), bandwidth) for i, axis in enumerate(axes)]  # [N, len(axis)] each
    return kernels[0].mT @ kernels[1] if len(kernels) == 2 else kernels[0].sum(0)


def _normal(offsets: Tensor, std: float) -> Tensor:
    """The one-dimensional normal density at these offsets from its mean."""
    return torch.exp(-(offsets / std).square() / 2) / (std * math.sqrt(2 * math.pi))
