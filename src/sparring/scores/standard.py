"""The standards that samples are held against: real images as an extractor sees them, or real points as they are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, sqrt
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from sparring import codec, extractors, keys
from sparring.data import Data, Mnist
from sparring.data.sets import Dataset, ImageSet, PointSet, Progress, StackedSet
from sparring.errors import InputError
from sparring.extractors import Extractor, Features, Yardstick
from sparring.metrics import (
    Moments,
    Reference,
    class_shares,
    classifier_score,
    energy_distance,
    entropy,
    expected_coverage,
    frechet_distance,
    kernel_distance,
    missing_classes,
    mixture_quality,
    neighbour_scores,
    number_modes,
)
from sparring.pictures import to_uint8
from sparring.scores import cache

Values = dict[str, float]
SUBSET = 1000  # samples in each of the kernel distance's subsets
SIMULATED = 20  # draws of a perfect sampler, whose mean is a floor
FEW_CLASSES = 20  # up to so many, the share of each is a score of its own


class Mixture(Protocol):
    """What a toy knows of itself."""

    std: float

    def centres(self) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Standard(ABC):
    """What samples are held against. `headline` is the metric that ranks checkpoints: the smaller, the better."""

    data: Data
    device: torch.device
    progress: Progress | None = None

    headline: ClassVar[str]
    preprocessing: ClassVar[str]
    least: ClassVar[int]  # samples
    usual: ClassVar[int]  # samples of a generator, by default

    floors: dict[tuple[int, bool], Values] = field(default_factory=dict, init=False, repr=False)  # found so far

    @property
    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """How some of the metrics were taken, in words."""

    @cached_property
    def test(self) -> Dataset:
        """The real examples, which were never trained on."""
        return self.data.test(self.progress)

    @cached_property
    def fingerprint(self) -> str:
        """Of the real examples."""
        return self.test.fingerprint()

    @property
    def num_real(self) -> int:
        """How many of them samples are held against."""
        return len(self.test)

    @property
    @abstractmethod
    def extractor_names(self) -> tuple[str, str]:
        """Label and hash."""

    @abstractmethod
    def see(self, samples: Dataset) -> Features:
        """InputError where the samples are of another kind or shape."""

    @abstractmethod
    def brief(self, seen: Features) -> Values:
        """What a quick score consists of."""

    @abstractmethod
    def cheap(self, seen: Features, seed: int, subsets: int) -> Values:
        """What every draw of samples is measured by; the headline comes first."""

    @abstractmethod
    def dear(self, seen: Features) -> Values:
        """What one draw alone is measured by."""

    @abstractmethod
    def ceilings(self, num: int) -> Values:
        """What a perfect generator can expect of so many samples, where that is known."""

    def known_floor(self, num: int) -> Values | None:
        """What a perfect generator scores with so many samples; None where real examples have to be measured for it."""
        return None


@dataclass(frozen=True, eq=False)
class ImageStandard(Standard):
    """The test images of a data set, as an extractor sees them."""

    extractor: Extractor = field(kw_only=True)

    headline: ClassVar[str] = "frechet_distance"
    preprocessing: ClassVar[str] = "clamped to [-1, 1], uint8 by rounding half to even, back to [-1, 1]"
    least: ClassVar[int] = SUBSET
    usual: ClassVar[int] = 10_000

    @property
    def options(self) -> Mapping[str, str]:
        return {
            "kernel_distance": f"cubic kernel, unbiased, subsets of {min(SUBSET, len(self.test)):,}",
            "precision": "k = 3",
            "recall": "k = 3",
            "density": "k = 5",
            "coverage": "k = 5",
            "missing_classes": "below a tenth of their real share",
        }

    @property
    def extractor_names(self) -> tuple[str, str]:
        return self.extractor.label, self.extractor.hash

    @cached_property
    def real(self) -> Features:
        def make() -> dict[str, Tensor]:
            found = self.extractor.features(_images(self.test), self.device, self.progress)
            return {"features": found.features, "logits": found.logits}

        def fits(found: dict[str, Tensor]) -> bool:
            return found.keys() == {"features", "logits"} and all(map(self._is_table, found.values()))

        return Features(**cache.tensors(("features", *self._key), make, fits))

    def _is_table(self, found: Tensor) -> bool:
        """Whether these are numbers, a row for every real image."""
        shaped = found.dtype == torch.float32 and found.ndim == 2 and len(found) == len(self.test)
        return shaped and bool(found.isfinite().all())

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self.real.features.to(self.device))

    @cached_property
    def neighbours(self) -> Reference:
        """The test images' features and the radii of their neighbourhoods, on the device."""
        features = self.real.features.to(self.device)

        def make() -> dict[str, Tensor]:
            found = Reference.of(features)
            return {"precision": found.radii_precision.cpu(), "coverage": found.radii_coverage.cpu()}

        def fits(found: dict[str, Tensor]) -> bool:
            return found.keys() == {"precision", "coverage"} and all(r.shape == features.shape[:1] for r in found.values())

        radii = cache.tensors(("radii", 3, 5, *self._key), make, fits)
        return Reference(features, radii["precision"].to(self.device), radii["coverage"].to(self.device), 3, 5)

    @cached_property
    def shares(self) -> Tensor:
        """Of the extractor's verdicts on the test images, float64 [K]."""
        return class_shares(self.real.logits)

    @property
    def _key(self) -> tuple[str, str]:
        return self.extractor.hash, self.fingerprint

    def see(self, samples: Dataset) -> Features:
        return self.extractor.features(_images(samples), self.device, self.progress)

    def brief(self, seen: Features) -> Values:
        values = {
            "frechet_distance": frechet_distance(Moments.of(seen.features.to(self.device)), self.moments),
            "classifier_score": classifier_score(seen.logits),
        }
        if isinstance(self.extractor, Yardstick):  # the classes are those of the data
            shares = class_shares(seen.logits)
            values |= {
                "class_entropy": entropy(shares),
                "missing_classes": missing_classes(shares, self.shares),
                "largest_class": shares.max().item(),
            }
            if len(shares) <= FEW_CLASSES:
                names = zip(self.extractor.classes, shares.tolist(), strict=True)
                values |= {f"share_{name}": share for name, share in names}
        return values

    def cheap(self, seen: Features, seed: int, subsets: int) -> Values:
        rng = keys.generator("cpu", seed, "kernel distance")
        sides = seen.features.to(self.device), self.real.features.to(self.device)
        size = min(SUBSET, *map(len, sides))
        return self.brief(seen) | {"kernel_distance": kernel_distance(*sides, subsets=subsets, size=size, generator=rng).mean}

    def dear(self, seen: Features) -> Values:
        found = neighbour_scores(seen.features.to(self.device), self.neighbours)
        return {name: getattr(found, name) for name in ("precision", "recall", "density", "coverage")}

    def ceilings(self, num: int) -> Values:
        return {
            "coverage": expected_coverage(num, len(self.test), 5),
            "classifier_score": exp(entropy(self.shares)),
        }


@dataclass(frozen=True, eq=False)
class PointStandard(Standard):
    """The test points of a toy, and the mixture that they come from where it is known."""

    headline: ClassVar[str] = "energy_distance"
    preprocessing: ClassVar[str] = "none"
    least: ClassVar[int] = 100
    usual: ClassVar[int] = 2500

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
        """As many real points as the protocol takes of a generator."""
        return _points(self.test).points[:2500].to(self.device)

    def see(self, samples: Dataset) -> Features:
        points = _points(samples).points
        if points.shape[1:] != self.test.shape:
            raise InputError(
                f"the points have {points.shape[1]} coordinates; those of {_name(self.data)} have {self.test.shape[0]}"
            )
        return Features(points.to(self.device), torch.empty(len(points), 0))

    def brief(self, seen: Features) -> Values:
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

    def cheap(self, seen: Features, seed: int, subsets: int) -> Values:
        return self.brief(seen)

    def dear(self, seen: Features) -> Values:
        return {}

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


@dataclass(frozen=True, eq=False)
class StackedStandard(Standard):
    """The thousand numbers that stacked digits show, read channel by channel by the digits' yardstick.

    Protocol of PacGAN (Lin et al. 2018, section 4.2): 26,000 samples; a number counts with one sample; KL against uniform
    in nats. Ours adds the floor, for so few samples leave a perfect sampler a KL of 0.028.
    """

    extractor: Extractor = field(kw_only=True)

    headline: ClassVar[str] = "mode_kl"
    preprocessing: ClassVar[str] = "clamped to [-1, 1], uint8 by rounding half to even, back to [-1, 1], channel by channel"
    least: ClassVar[int] = SUBSET
    usual: ClassVar[int] = 26_000

    @property
    def options(self) -> Mapping[str, str]:
        floor = f"floor: mean of {SIMULATED} perfect draws from the fixed triples"
        return {"modes": "hit once", "mode_kl": f"against uniform, in nats; {floor}", "mode_kl_excess": f"over the {floor}"}

    @property
    def extractor_names(self) -> tuple[str, str]:
        return self.extractor.label, self.extractor.hash

    def see(self, samples: Dataset) -> Features:
        """The numbers, one for each sample, as its only feature."""
        images, wanted = _images(samples).images, self.test.shape
        if images.shape[1:] != wanted:
            raise InputError(
                f"the pictures are {' x '.join(map(str, images.shape[1:]))}; those of {_name(self.data)} are "
                f"{' x '.join(map(str, wanted))}"
            )
        channels = [ImageSet(images[:, channel : channel + 1].contiguous()) for channel in range(wanted[0])]
        digits = [self.extractor.features(c, self.device, self.progress).logits.argmax(dim=1) for c in channels]
        numbers = torch.stack(digits, dim=1) @ 10 ** torch.arange(len(digits) - 1, -1, -1)
        return Features(numbers.double()[:, None], torch.empty(len(numbers), 0))

    def brief(self, seen: Features) -> Values:
        found = number_modes(seen.features[:, 0].long(), self._num_modes)
        perfect = self.known_floor(len(seen))["mode_kl"]
        return {"mode_kl": found.kl, "mode_kl_excess": found.kl - perfect, "modes": found.modes}

    def cheap(self, seen: Features, seed: int, subsets: int) -> Values:
        return self.brief(seen)

    def dear(self, seen: Features) -> Values:
        return {}

    def ceilings(self, num: int) -> Values:
        return {"modes": float(self._num_modes)}

    def known_floor(self, num: int) -> Values:
        """Means over draws with replacement from the numbers of the training triples: no generator does better."""
        rng = keys.generator("cpu", 0, "perfect sampler", num)
        labels = self._trained
        found = [
            number_modes(labels[torch.randint(len(labels), (num,), generator=rng)], self._num_modes) for _ in range(SIMULATED)
        ]
        return {
            "mode_kl": sum(f.kl for f in found) / SIMULATED,
            "mode_kl_excess": 0.0,
            "modes": sum(f.modes for f in found) / SIMULATED,
        }

    @cached_property
    def _trained(self) -> Tensor:
        """The numbers of the training triples, int64 [N]."""
        train = self.data.train(self.progress)
        assert isinstance(train, StackedSet)
        return train.labels

    @property
    def _num_modes(self) -> int:
        return len(self.test.classes)


def standard_for(
    data: Data, device: torch.device, extractor: str | None = None, progress: Progress | None = None
) -> Standard | None:
    """What samples of this data set are held against; with no extractor named, the yardstick that was trained on it.

    None where there is no such yardstick. InputError as `extractors.find`.
    """
    test = data.test(progress)
    if device.type == "mps":
        device = torch.device("cpu")  # Apple's GPUs have no float64
    if isinstance(test, PointSet):
        if extractor:
            raise InputError(f"points are scored as they are: there is nothing for the extractor {extractor!r} to do")
        return PointStandard(data, device, progress)
    if isinstance(test, StackedSet):
        judge = extractors.find(extractor) if extractor else extractors.suited(Mnist().test(progress))
        return StackedStandard(data, device, progress, extractor=judge) if judge else None
    found = extractors.find(extractor) if extractor else extractors.suited(test)
    return ImageStandard(data, device, progress, extractor=found) if found else None


def examples(samples: Tensor) -> Dataset:
    """Generated samples [N, *shape] as a data set: images quantised to 8 bits, points as they are.

    Raises InputError where one is infinite or not a number.
    """
    bad = int((~samples.flatten(1).isfinite()).any(1).sum())
    if bad:
        raise InputError(f"{bad} of {len(samples)} samples hold values that are infinite or not a number")
    return ImageSet(to_uint8(samples)) if samples.ndim == 4 else PointSet(samples.float())


def _chi_squared(bound: float, freedom: int) -> float:
    """The probability that a chi-squared variable lies below the bound."""
    return torch.special.gammainc(torch.tensor(freedom / 2).double(), torch.tensor(bound / 2).double()).item()


def _mixture(data: Data) -> Mixture | None:
    return data if hasattr(data, "centres") else None  # pyright: ignore[reportReturnType]


def _name(data: Data) -> str:
    return codec.encode(data)["name"]


def _images(examples: Dataset) -> ImageSet:
    if not isinstance(examples, ImageSet):
        raise InputError("these are points, and the data set holds images")
    return examples


def _points(examples: Dataset) -> PointSet:
    if not isinstance(examples, PointSet):
        raise InputError("these are images, and the data set holds points")
    return examples
