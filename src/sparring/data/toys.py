"""Toy distributions with a known density, for trainings that take seconds and can be checked exactly."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import torch
from torch import Generator, Tensor

from sparring.config.registry import name_of, register
from sparring.data.sets import PointSet, Progress
from sparring.errors import InputError

TRAIN_SEED, TEST_SEED = 1, 2
MOST_POINTS, MOST_MODES = 10_000_000, 10_000  # more would be no toy
_OFFSETS = 1 << 22  # of points from nodes, held at a time


@dataclass(frozen=True)
class _Toy:
    """Base of the toys: points drawn from fixed seeds, the same ones on every call."""

    def train(self, progress: Progress | None = None) -> PointSet:
        """`num` points to train on."""
        return self._drawn(TRAIN_SEED)

    def test(self, progress: Progress | None = None) -> PointSet:
        """`num` other points."""
        return self._drawn(TEST_SEED)

    def fetch(self, progress: Progress | None = None) -> None:
        """Do nothing: toys need no files."""

    def is_cached(self) -> bool:
        """True: toys need no files."""
        return True

    def log_density(self, points: Tensor) -> Tensor:
        """The natural logarithm of the exact density at `points` [N, D], as float64 [N]."""
        raise NotImplementedError

    def _drawn(self, seed: int) -> PointSet:
        return PointSet(self._draw(Generator().manual_seed(seed)).float())

    def _draw(self, generator: Generator) -> Tensor:
        raise NotImplementedError

    def _check(self, field: str, good: bool, wanted: str) -> None:
        if not good:
            raise InputError(f"{name_of(self)}: {field} is {getattr(self, field)}; it must be {wanted}")


@register("data")
@dataclass(frozen=True)
class Gaussian1d(_Toy):
    """One normal distribution on the line; by default all but one in 2,300 points lie in [-1, 1].

    InputError where the mean is not finite, the deviation is not finite and positive, or there is no point.
    """

    mean: float = 0.5
    std: float = 0.15
    num: int = 100_000

    summary: ClassVar[str] = "toy: points on the line from one normal distribution"

    def __post_init__(self) -> None:
        self._check("mean", math.isfinite(self.mean), "finite")
        self._check("std", 0 < self.std < math.inf, "finite and positive")
        self._check("num", 1 <= self.num <= MOST_POINTS, f"in 1..{MOST_POINTS:,}")

    def log_density(self, points: Tensor) -> Tensor:
        """log N(x; mean, std^2) at `points` [N, 1], as float64 [N]."""
        return _log_normal(points.double() - self.mean, self.std)

    def blurred(self, bandwidth: float) -> Self:
        """The toy whose density is this one's, convolved with a normal kernel of this width: with a wider deviation."""
        return replace(self, std=math.hypot(self.std, bandwidth))

    def _draw(self, generator: Generator) -> Tensor:
        return self.mean + self.std * torch.randn(self.num, 1, generator=generator, dtype=torch.float64)


@dataclass(frozen=True)
class _Mixture(_Toy):
    """Equally likely round Gaussians of one deviation about nodes in the plane: so the density is known exactly."""

    std: float
    num: int

    def __post_init__(self) -> None:
        self._check("std", 0 < self.std < math.inf, "finite and positive")
        self._check("num", 1 <= self.num <= MOST_POINTS, f"in 1..{MOST_POINTS:,}")

    def log_density(self, points: Tensor) -> Tensor:
        """log of the mean of N(x; node, std^2 I) over the nodes, at `points` [N, 2], as float64 [N]."""
        nodes = self._nodes().to(points.device)
        parts = points.double().split(max(1, _OFFSETS // len(nodes)))
        sums = [_log_normal(part[:, None] - nodes, self.std).logsumexp(dim=1) for part in parts]
        return torch.cat(sums) - math.log(len(nodes))

    def blurred(self, bandwidth: float) -> Self:
        """The toy whose density is this one's, convolved with a normal kernel of this width: with a wider deviation."""
        return replace(self, std=math.hypot(self.std, bandwidth))

    def _nodes(self) -> Tensor:
        """float64 [K, 2]."""
        raise NotImplementedError

    def _draw(self, generator: Generator) -> Tensor:
        nodes = self._nodes()
        chosen = torch.randint(len(nodes), (self.num,), generator=generator)
        return nodes[chosen] + self.std * torch.randn(self.num, 2, generator=generator, dtype=torch.float64)


@register("data")
@dataclass(frozen=True)
class Ring(_Mixture):
    """Equal round Gaussians in the plane, their centres evenly on a circle: the protocol of PacGAN (Lin et al. 2018).

    InputError where there is no mode or no point, or the radius or the deviation is not finite and positive.
    """

    modes: int = 8
    radius: float = 1.0
    std: float = 0.01
    num: int = 100_000

    summary: ClassVar[str] = "toy: points in the plane from Gaussians on a ring, to count the modes that a GAN drops"

    def __post_init__(self) -> None:
        self._check("modes", 1 <= self.modes <= MOST_MODES, f"in 1..{MOST_MODES:,}")
        self._check("radius", 0 < self.radius < math.inf, "finite and positive")
        super().__post_init__()

    def centres(self) -> Tensor:
        """The modes' centres, float64 [modes, 2]: the first on the x axis, the others counter-clockwise."""
        angles = torch.arange(self.modes, dtype=torch.float64) * (2 * math.pi / self.modes)
        return self.radius * torch.stack([angles.cos(), angles.sin()], dim=1)

    _nodes = centres


@register("data")
@dataclass(frozen=True)
class Grid(_Mixture):
    """Equal round Gaussians in the plane, their centres on a square grid about 0: the protocol of PacGAN (Lin et al. 2018).

    InputError where there is no mode or no point, or the spacing or the deviation is not finite and positive.
    """

    side: int = 5
    spacing: float = 2.0
    std: float = 0.05
    num: int = 100_000

    summary: ClassVar[str] = "toy: points in the plane from 25 Gaussians on a grid, to count the modes that a GAN drops"

    def __post_init__(self) -> None:
        self._check("side", 1 <= self.side**2 <= MOST_MODES, f"in 1..{math.isqrt(MOST_MODES)}")
        self._check("spacing", 0 < self.spacing < math.inf, "finite and positive")
        super().__post_init__()

    def centres(self) -> Tensor:
        """The modes' centres, float64 [side^2, 2]: column by column, each from below."""
        places = (torch.arange(self.side, dtype=torch.float64) - (self.side - 1) / 2) * self.spacing
        return torch.cartesian_prod(places, places)

    _nodes = centres


@register("data")
@dataclass(frozen=True)
class SwissRoll(_Mixture):
    """A spiral of one and a half turns within the unit circle, t (cos t, sin t) for even t, blurred by a round Gaussian.

    The curve is 2,000 nodes, at most a quarter of the default deviation apart. InputError where there is no point, or the
    deviation is not finite and positive.
    """

    std: float = 0.02
    num: int = 100_000

    summary: ClassVar[str] = "toy: points in the plane along a spiral"

    def _nodes(self) -> Tensor:
        t = 1.5 * math.pi * (1 + 2 * _steps(2000))
        return t[:, None] * torch.stack([t.cos(), t.sin()], dim=1) / (4.5 * math.pi)


@register("data")
@dataclass(frozen=True)
class Moons(_Mixture):
    """Two half circles of radius 1 that reach into each other, blurred by a round Gaussian.

    Each is 1,000 nodes, far closer than the default deviation. InputError where there is no point, or the deviation is not
    finite and positive.
    """

    std: float = 0.05
    num: int = 100_000

    summary: ClassVar[str] = "toy: points in the plane along two half moons"

    def _nodes(self) -> Tensor:
        t = math.pi * _steps(1000)
        upper = torch.stack([t.cos(), t.sin()], dim=1)
        return torch.cat([upper, torch.tensor([1.0, 0.5], dtype=torch.float64) - upper])


def _steps(num: int) -> Tensor:
    """The middles of `num` equal parts of [0, 1], float64."""
    return (torch.arange(num, dtype=torch.float64) + 0.5) / num


def _log_normal(offsets: Tensor, std: float) -> Tensor:
    """log of the round normal density at `offsets` [..., D] from its mean, as [...]."""
    squares = (offsets / std).square().sum(dim=-1)
    return -squares / 2 - offsets.shape[-1] * math.log(std * math.sqrt(2 * math.pi))
