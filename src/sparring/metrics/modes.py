"""Mode counts: for the thousand numbers of stacked MNIST, and for Gaussian mixtures with known centres."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import check
from sparring.metrics.classifier import shares_of
from sparring.metrics.samples import check_same_width, check_samples, widened


@dataclass(frozen=True)
class ModeCount:
    """The number of modes covered, and KL(shares || uniform) in nats."""

    modes: int
    kl: float


@dataclass(frozen=True)
class MixtureQuality:
    """Scores of points against a mixture of equal, isotropic Gaussians.

    modes: number of modes with at least one high-quality point; high_quality: share of such points; kl: KL of the
    nearest-centre shares against uniform, in nats; spread: smallest and largest root mean square deviation of a mode's
    high-quality points, per coordinate and divided by std, None if no mode has two such points; smallest_share: the smallest
    nearest-centre share, times the number of centres.
    """

    modes: int
    high_quality: float
    kl: float
    spread: tuple[float, float] | None
    smallest_share: float


def number_modes(numbers: Tensor, num_modes: int = 1000) -> ModeCount:
    """Modes covered by numbers int64 [N], and sum p ln(p num_modes) in nats (the protocol of PacGAN for stacked MNIST).

    Lin et al. 2018, https://arxiv.org/abs/1712.04086, section 4.2. A finite sample of the uniform distribution has a KL
    above 0, about (num_modes - 1) / 2N. Raises InputError if there is no number, or one outside 0 to num_modes - 1.
    """
    shares = shares_of(numbers, num_modes)
    return ModeCount(int(shares.count_nonzero()), _kl_to_uniform(shares))


def mixture_quality(points: Tensor, centres: Tensor, std: float) -> MixtureQuality:
    """Scores of points [N, D] against a mixture with centres [K, D] and deviation std (Lin et al. 2018, section 4.1).

    A point belongs to its nearest centre, and is of high quality within 3 std of it. In the plane, 1 - exp(-4.5) = 98.89 %
    of points from the mixture itself are of high quality, with a spread of 0.974 because the tails are cut; a clearly larger
    share means that modes are too narrow. Raises InputError if there is no point or centre, a value is not finite, the two
    have different D, or std is not finite and positive.
    """
    check_samples(points, "points")
    check_samples(centres, "centres")
    check_same_width(points, "points", centres, "centres")
    check(0 < std < torch.inf, "std", std, "be finite and positive")
    distances, mode = _nearest_centres(points, centres.double())
    good = distances <= 3 * std
    counts = mode[good].bincount(minlength=len(centres))  # [K]
    shares = shares_of(mode, len(centres))
    squares = mode[good].bincount(weights=distances[good].square(), minlength=len(centres))
    return MixtureQuality(
        modes=int(counts.count_nonzero()),
        high_quality=good.double().mean().item(),
        kl=_kl_to_uniform(shares),
        spread=_range((squares / (counts * points.shape[1])).sqrt()[counts >= 2] / std),
        smallest_share=shares.min().item() * len(centres),
    )


def _nearest_centres(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Each point's distance to its nearest centre, float64 [N], and the index of that centre, int64 [N]."""
    exact = "donot_use_mm_for_euclid_dist"
    nearest = [torch.cdist(part, centres, compute_mode=exact).min(dim=1) for part in widened(points)]
    return torch.cat([part.values for part in nearest]), torch.cat([part.indices for part in nearest])


def _kl_to_uniform(shares: Tensor) -> float:
    """sum p ln(p K) in nats for shares [K], with 0 ln 0 = 0."""
    return max(torch.special.xlogy(shares, shares * len(shares)).sum().item(), 0.0)


def _range(values: Tensor) -> tuple[float, float] | None:
    return (values.min().item(), values.max().item()) if len(values) else None
