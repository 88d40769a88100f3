"""The reference for images: features of the test images, and the metrics on features."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import exp
from typing import ClassVar

import torch
from torch import Tensor

from sparring.config.registry import name_of
from sparring.config.rng import keyed_generator
from sparring.data.sets import Dataset, ImageSet
from sparring.errors import InputError
from sparring.evaluation import cache
from sparring.evaluation.extractors import ClassifierExtractor, Features, PictureExtractor
from sparring.evaluation.references.reference import FeatureReference, Values
from sparring.metrics import (
    Moments,
    RealNeighbours,
    class_shares,
    classifier_score,
    entropy,
    expected_coverage,
    frechet_distance,
    kernel_distance,
    missing_classes,
    neighbour_scores,
)

SUBSET = 1000  # samples in each of the kernel distance's subsets
FEW_CLASSES = 20  # up to this number, the share of each class is a score of its own


@dataclass(frozen=True, eq=False)
class ImageReference(FeatureReference):
    """The test images of a data set, through the features and predictions of an extractor."""

    primary_metric: ClassVar[str] = "frechet_distance"
    preprocessing: ClassVar[str] = "clamped to [-1, 1], uint8 by rounding half to even, back to [-1, 1]"
    default_num_samples: ClassVar[int] = 10_000

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

    @cached_property
    def real(self) -> Features:
        def make() -> dict[str, Tensor]:
            found = self.extractor.features(reals, self.device, self.progress)
            return {"features": found.features, "logits": found.logits}

        def is_table(found: Tensor) -> bool:
            """True for a finite float32 table with a row for every real image."""
            shaped = found.dtype == torch.float32 and found.ndim == 2 and len(found) == len(reals)
            return shaped and bool(found.isfinite().all())

        def fits(found: dict[str, Tensor]) -> bool:
            return found.keys() == {"features", "logits"} and all(map(is_table, found.values()))

        reals = self.reals
        return Features(**cache.tensors(("features", *self._key), make, fits))

    @cached_property
    def reals(self) -> ImageSet:
        """The real images that samples are compared with."""
        return images_of(self.test)

    @cached_property
    def moments(self) -> Moments:
        return Moments.of(self.real.features.to(self.device))

    @cached_property
    def neighbours(self) -> RealNeighbours:
        """The test images' features and the radii of their neighbourhoods, on the device."""
        features = self.real.features.to(self.device)

        def make() -> dict[str, Tensor]:
            found = RealNeighbours.of(features)
            return {"precision": found.radii_precision.cpu(), "coverage": found.radii_coverage.cpu()}

        def fits(found: dict[str, Tensor]) -> bool:
            return found.keys() == {"precision", "coverage"} and all(r.shape == features.shape[:1] for r in found.values())

        radii = cache.tensors(("radii", 3, 5, *self._key), make, fits)
        return RealNeighbours(features, radii["precision"].to(self.device), radii["coverage"].to(self.device), 3, 5)

    @cached_property
    def shares(self) -> Tensor:
        """Class shares of the extractor's predictions on the test images, float64 [K]."""
        return class_shares(self.real.logits)

    @property
    def _key(self) -> tuple[str, str]:
        return self.extractor.hash, self.fingerprint

    def extract(self, samples: Dataset) -> Features:
        images = images_of(samples)
        if isinstance(self.extractor, PictureExtractor) and images.shape != self.test.shape:
            given, wanted = (" x ".join(map(str, shape)) for shape in (images.shape, self.test.shape))
            raise InputError(f"the pictures are {given}; those of {name_of(self.data)} are {wanted}")
        return self.extractor.features(images, self.device, self.progress)

    def quick_metrics(self, seen: Features) -> Values:
        values = {"frechet_distance": frechet_distance(Moments.of(seen.features.to(self.device)), self.moments)}
        if seen.logits.shape[1]:
            values["classifier_score"] = classifier_score(seen.logits)
        if isinstance(self.extractor, ClassifierExtractor):  # the classes are those of the data
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

    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        rng = keyed_generator("cpu", seed, "kernel distance")
        sides = seen.features.to(self.device), self.real.features.to(self.device)
        size = min(SUBSET, *map(len, sides))
        return self.quick_metrics(seen) | {
            "kernel_distance": kernel_distance(*sides, subsets=subsets, size=size, generator=rng).mean
        }

    def costly_metrics(self, seen: Features) -> tuple[Values, Values]:
        found = neighbour_scores(seen.features.to(self.device), self.neighbours)
        values = {name: getattr(found, name) for name in ("precision", "recall", "density", "coverage")}
        return values, {"coverage": found.coverage_deviation}

    def ceilings(self, num: int) -> Values:
        values = {"coverage": expected_coverage(num, len(self.test), 5)}
        if self.real.logits.shape[1]:
            values["classifier_score"] = exp(entropy(self.shares))
        return values


def images_of(examples: Dataset) -> ImageSet:
    """The examples, if they are images; InputError for points."""
    if not isinstance(examples, ImageSet):
        raise InputError("these are points, and the data set holds images")
    return examples
