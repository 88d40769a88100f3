"""The reference for image sets with few test images: all images, by the kernel distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor

from sparring.config.rng import keyed_generator
from sparring.data.sets import ImageSet
from sparring.evaluation import cache
from sparring.evaluation.extractors import Features
from sparring.evaluation.references.images import ImageReference, images_of
from sparring.evaluation.references.reference import Audit, Values
from sparring.metrics import expected_coverage, mean_kernel, mmd2_unbiased
from sparring.metrics.memorisation import left_out_audit

FEWEST_TEST = 500  # test images, below which a Frechet distance says more of their number than of the samples
MOST = 5000  # real images that samples are compared with


@dataclass(frozen=True, eq=False)
class FewReference(ImageReference):
    """All images of a data set whose test images are too few for a Frechet distance.

    The kernel distance takes all pairs, so it is unbiased for any number of images (Binkowski et al. 2018,
    https://arxiv.org/abs/1801.01401). That the training images are among those compared with rewards copies of them, which
    memorisation tells.
    """

    primary_metric: ClassVar[str] = "kernel_distance"
    min_num_samples: ClassVar[int] = 100
    default_num_samples: ClassVar[int] = 2000
    split: ClassVar[Literal["test", "all"]] = "all"

    @property
    def options(self) -> Mapping[str, str]:
        return {**super().options, "kernel_distance": "cubic kernel, unbiased, all pairs"}

    @cached_property
    def train(self) -> ImageSet:
        return images_of(self.data.train(self.progress))

    @cached_property
    def reals(self) -> ImageSet:
        """The test images, and training images, of which at random so many that there are 5,000 in all."""
        train, num = self.train.images, MOST - len(self.test)
        if len(train) > num:
            train = train[torch.randperm(len(train), generator=keyed_generator("cpu", 0, "few"))[:num]]
        return ImageSet(torch.cat([images_of(self.test).images, train]))

    @cached_property
    def fingerprint(self) -> str:
        return self.reals.fingerprint()

    @property
    def num_real(self) -> int:
        return len(self.reals)

    @cached_property
    def _within(self) -> float:
        return mean_kernel(self.real.features.to(self.device))

    def quick_metrics(self, seen: Features) -> Values:
        sides = seen.features.to(self.device), self.real.features.to(self.device)
        return {"kernel_distance": mmd2_unbiased(*sides, within_y=self._within)}

    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        return self.quick_metrics(seen)

    def ceilings(self, num: int) -> Values:
        return {"coverage": expected_coverage(num, self.num_real, 5)}

    def known_floor(self, num: int) -> Values:
        """An unbiased distance of two draws of one distribution is 0 on average."""
        return {"kernel_distance": 0.0}

    def audit(self, samples: ImageSet, train: ImageSet) -> Audit:
        """Memorisation by features, where each training image is left out in its turn."""

        def make() -> dict[str, Tensor]:
            return {"features": self.extractor.features(train, self.device, self.progress).features}

        def fits(found: dict[str, Tensor]) -> bool:
            return found.keys() == {"features"} and len(found["features"]) == len(train)

        of_train = cache.tensors(("features", self.extractor.hash, train.fingerprint()), make, fits)["features"]
        of_test = self.real.features[: len(self.test)]
        found = left_out_audit(self.extract(samples).features, of_train, of_test)
        return Audit(found, "DeLong", f"features, each of {len(train):,} training images left out, {train.fingerprint()[:8]}")
