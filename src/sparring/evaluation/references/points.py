"""The reference for points: the test points of a toy, and the mixture that they are drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from sparring.config.registry import name_of
from sparring.data import Data
from sparring.data.sets import Dataset, PointSet
from sparring.errors import InputError
from sparring.evaluation.extractors import Features
from sparring.evaluation.references.reference import Reference, Values
from sparring.metrics import energy_distance, mixture_quality


class Mixture(Protocol):
    """A toy data set whose mixture is known: its centres [K, D], and the deviation of each round Gaussian."""

    std: float

    def centres(self) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class PointReference(Reference):
    """The test points of a toy, and the mixture that they are drawn from, if it is known."""

    primary_metric: ClassVar[str] = "energy_distance"
    preprocessing: ClassVar[str] = "none"
    min_num_samples: ClassVar[int] = 100
    default_num_samples: ClassVar[int] = 2500

    @property
    def options(self) -> Mapping[str, str]:
        return {"high_quality": "within 3 std of the nearest centre"}

    @property
    def num_real(self) -> int:
        return len(self.real)

    @property
    def extractor_names(self) -> tuple[str, str]:
        return "none", "none"

    @cached_property
    def real(self) -> Tensor:
        """The real points of the protocol, as many as are drawn from a generator by default."""
        return _points(self.test).points[:2500].to(self.device)

    def extract(self, samples: Dataset) -> Features:
        points = _points(samples).points
        if points.shape[1:] != self.test.shape:
            raise InputError(
                f"the points have {points.shape[1]} coordinates; those of {name_of(self.data)} have {self.test.shape[0]}"
            )
        return Features(points.to(self.device), torch.empty(len(points), 0))

    def quick_metrics(self, seen: Features) -> Values:
        values = {"energy_distance": energy_distance(seen.features, self.real)}
        mixture = _mixture(self.data)
        if mixture is None:
            return values
        found = mixture_quality(seen.features, mixture.centres().to(self.device), mixture.std)
        values |= {
            "modes": found.modes,
            "high_quality": found.high_quality,
            "mode_kl": found.kl,
            "smallest_mode": found.smallest_share,
        }
        return values | dict(zip(("narrowest_mode", "widest_mode"), found.spread or (), strict=False))

    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        return self.quick_metrics(seen)

    def costly_metrics(self, seen: Features) -> tuple[Values, Values]:
        return {}, {}

    def ceilings(self, num: int) -> Values:
        mixture = _mixture(self.data)
        if mixture is None:
            return {}
        num_modes, width = mixture.centres().shape
        inside, squares = (
            _chi_squared(9.0, width + more) for more in (0, 2)
        )  # E[r^2; r < 3 std] is width std^2 times the latter
        spread = sqrt(squares / inside)
        return {
            "modes": float(num_modes),
            "high_quality": inside,
            "smallest_mode": 1.0,
            "narrowest_mode": spread,
            "widest_mode": spread,
        }


def _chi_squared(bound: float, freedom: int) -> float:
    """The probability that a chi-squared variable lies below the bound."""
    return torch.special.gammainc(torch.tensor(freedom / 2).double(), torch.tensor(bound / 2).double()).item()


def _mixture(data: Data) -> Mixture | None:
    return data if hasattr(data, "centres") else None  # pyright: ignore[reportReturnType]


def _points(examples: Dataset) -> PointSet:
    if not isinstance(examples, PointSet):
        raise InputError("these are images, and the data set holds points")
    return examples
