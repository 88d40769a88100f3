"""The Frechet distance between two sets of features, each modelled as a Gaussian."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from sparring.metrics.samples import CHUNK, check_same_width, check_samples, mean_of, widened


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean [D] and unbiased covariance [D, D], both float64, of `num` samples; the Frechet distance needs nothing else."""

    mean: Tensor
    covariance: Tensor
    num: int

    @classmethod
    def of(cls, features: Tensor, chunk: int = CHUNK) -> Self:
        """The moments of features [N, D], on their device.

        Computed in two passes, the second about the mean, which avoids cancellation if the mean is far from 0. Raises
        InputError for fewer than 2 samples, or a value that is not finite.
        """
        check_samples(features, "features", at_least=2)
        mean = mean_of(features)
        scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64, device=features.device)
        for part in widened(features, chunk):
            centred = part - mean
            scatter.addmm_(centred.T, centred)
        return cls(mean, scatter / (len(features) - 1), len(features))


def frechet_distance(a: Moments, b: Moments) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Heusel et al. 2017, https://arxiv.org/abs/1706.08500, equation 6).

    In squared units of the features; at least 0, and symmetric. The trace of (S1 S2)^(1/2) is computed as the sum of the
    singular values of S1^(1/2) S2^(1/2), which is the same number, and real even if a covariance is rank deficient.
    Finite samples bias it upwards, so compare only distances of equal numbers of samples. Raises InputError for different D.
    """
    check_same_width(a.mean, "the first moments", b.mean, "the second")
    overlap = torch.linalg.svdvals(_square_root(a.covariance) @ _square_root(b.covariance)).sum()
    distance = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace() - 2 * overlap
    return max(distance.item(), 0.0)


def _square_root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance [D, D]; eigenvalues that are negative by rounding count as 0."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T
