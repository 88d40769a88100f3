"""Base classes of references: the real data, and the metrics that compare samples with them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Literal

import torch

from sparring.data import Data
from sparring.data.sets import Dataset, ImageSet, Progress
from sparring.evaluation.extractors import Extractor, Features
from sparring.metrics.memorisation import Memorisation, audit

Values = dict[str, float]


@dataclass(frozen=True)
class Audit:
    """Memorisation, with the method of its interval and the options of the metric, for the protocol."""

    found: Memorisation
    interval: str
    options: str


@dataclass(frozen=True, eq=False)
class Reference(ABC):
    """Real data to compare samples with. `primary_metric` ranks checkpoints; smaller is better."""

    data: Data
    device: torch.device
    progress: Progress | None = None

    primary_metric: ClassVar[str]
    preprocessing: ClassVar[str]
    min_num_samples: ClassVar[int]
    default_num_samples: ClassVar[int]  # drawn from a generator
    split: ClassVar[Literal["test", "all"]] = "test"  # of the real examples

    floors: dict[tuple[int, bool], Values] = field(default_factory=dict, init=False, repr=False)  # computed so far

    @property
    @abstractmethod
    def options(self) -> Mapping[str, str]:
        """Settings of the metrics in words, by metric, for the protocol."""

    @cached_property
    def test(self) -> Dataset:
        """The real test examples, which are not trained on."""
        return self.data.test(self.progress)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the real test examples."""
        return self.test.fingerprint()

    @property
    def num_real(self) -> int:
        """The number of real examples that samples are compared with."""
        return len(self.test)

    @property
    @abstractmethod
    def extractor_names(self) -> tuple[str, str]:
        """Label and hash of the extractor, as the protocol records them."""

    @property
    def weakness(self) -> str | None:
        """Why the scores say little, where the extractor is weak."""
        return None

    @abstractmethod
    def extract(self, samples: Dataset) -> Features:
        """Features of samples; InputError if they are of another kind or shape than the real examples."""

    @abstractmethod
    def quick_metrics(self, seen: Features) -> Values:
        """The metrics of a quick score, which is taken during training."""

    @abstractmethod
    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        """The metrics taken on every draw of samples, the primary one first.

        subsets: the number of random subsets for the kernel distance.
        """

    @abstractmethod
    def costly_metrics(self, seen: Features) -> tuple[Values, Values]:
        """The expensive metrics, taken on a few draws only, and the standard deviations of those that can tell their own."""

    @abstractmethod
    def ceilings(self, num: int) -> Values:
        """Expected values of a perfect generator with `num` samples, for the metrics where they are known."""

    def known_floor(self, num: int) -> Values | None:
        """Scores of a perfect generator with `num` samples; None if they must be measured on real examples."""
        return None


@dataclass(frozen=True, eq=False)
class FeatureReference(Reference):
    """A reference for images, which are compared through an extractor."""

    extractor: Extractor = field(kw_only=True)

    min_num_samples: ClassVar[int] = 1000

    @property
    def extractor_names(self) -> tuple[str, str]:
        return self.extractor.label, self.extractor.hash

    def audit(self, samples: ImageSet, train: ImageSet) -> Audit:
        """Memorisation of samples of the images that were trained on, by distances between pixels."""
        test = self.test
        assert isinstance(test, ImageSet)
        found = audit(samples.images.flatten(1), train.images.cpu().flatten(1), test.images.flatten(1))
        alone = f"binomial, {found.effective_num:.0f} independent" if found.interval else "none: the samples are too much alike"
        return Audit(found, alone, f"pixels, {len(train):,} training images {train.fingerprint()[:8]}")

    @property
    def weakness(self) -> str | None:
        return self.extractor.weakness
