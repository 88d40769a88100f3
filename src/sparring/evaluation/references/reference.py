"""What samples are held against, whatever they are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import torch

from sparring.data import Data
from sparring.data.sets import Dataset, Progress
from sparring.evaluation.extractors import Extractor, Features

Values = dict[str, float]


@dataclass(frozen=True, eq=False)
class Reference(ABC):
    """What samples are held against. `headline` is the metric that ranks checkpoints: the smaller, the better."""

    data: Data
    device: torch.device
    progress: Progress | None = None

    primary_metric: ClassVar[str]
    preprocessing: ClassVar[str]
    min_num_samples: ClassVar[int]  # samples
    default_num_samples: ClassVar[int]  # samples of a generator, by default

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
    def extract(self, samples: Dataset) -> Features:
        """InputError where the samples are of another kind or shape."""

    @abstractmethod
    def quick_metrics(self, seen: Features) -> Values:
        """What a quick score consists of."""

    @abstractmethod
    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        """What every draw of samples is measured by; the headline comes first."""

    @abstractmethod
    def costly_metrics(self, seen: Features) -> Values:
        """What one draw alone is measured by."""

    @abstractmethod
    def ceilings(self, num: int) -> Values:
        """What a perfect generator can expect of so many samples, where that is known."""

    def known_floor(self, num: int) -> Values | None:
        """What a perfect generator scores with so many samples; None where real examples have to be measured for it."""
        return None


@dataclass(frozen=True, eq=False)
class FeatureReference(Reference):
    """One of images, which an extractor sees."""

    extractor: Extractor = field(kw_only=True)

    min_num_samples: ClassVar[int] = 1000

    @property
    def extractor_names(self) -> tuple[str, str]:
        return self.extractor.label, self.extractor.hash
