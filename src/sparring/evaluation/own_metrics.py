"""Scores by functions of the user's."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from statistics import mean
from typing import Any, cast

import torch
from torch import Tensor

from sparring.config import codec
from sparring.config.own import of_function
from sparring.data import Data
from sparring.data.sets import Dataset, PointSet, Progress
from sparring.errors import InputError
from sparring.evaluation.references import ImageReference, PointReference, Values
from sparring.evaluation.score import BETTER, Protocol, Score
from sparring.evaluation.scoring import COUNTS, SHARES, SIGNED, by_subsamples, for_floor
from sparring.metrics.confidence import mean_interval

Metric = Callable[[Tensor, Tensor], float]
"""(samples [N, *shape], real [M, *shape]) -> a number; images in [-1, 1], real ones from the test examples."""

FEWEST = 16  # samples
_TAKEN = {*BETTER, *SHARES, *COUNTS, *SIGNED, "density"}


@dataclass(frozen=True)
class OwnMetrics:
    """Functions by name, with the data whose test examples they compare samples with."""

    functions: Mapping[str, Metric]
    data: Data
    device: torch.device
    progress: Progress | None = None

    @classmethod
    def of(
        cls, functions: Iterable[Metric], data: Data, device: torch.device, progress: Progress | None = None
    ) -> "OwnMetrics":
        """The metrics of these functions, which have the functions' names.

        Raises InputError for what is no function, and for a name that is none or is taken.
        """
        found: dict[str, Metric] = {}
        for function in functions:
            name = getattr(function, "__name__", "")
            if not callable(function) or not name.isidentifier():
                raise InputError(f"the metric {function!r} must be a function that was named by `def`: its name is the score's")
            if name in _TAKEN or name.startswith("share_") or name in found:
                raise InputError(f"there is a score {name} already; give your function another name")
            found[name] = function
        return cls(found, data, device, progress)

    @property
    def default_num_samples(self) -> int:
        """Samples drawn from a generator by default, as for the scores of such data."""
        points = isinstance(self._test, PointSet)
        return PointReference.default_num_samples if points else ImageReference.default_num_samples

    def score_draws(self, draw: Callable[[int], Dataset], seed: int, draws: int) -> list[Score]:
        """Scores from independent draws of samples: the means, with 95 % intervals from their spread."""
        if not self.functions:
            return []
        samples = [draw(index) for index in range(draws)]
        found = [self._values(each) for each in samples]
        intervals = {name: mean_interval([values[name] for values in found]) for name in self.functions}
        values = {name: mean(each[name] for each in found) for name in self.functions}
        return self._scores(values, intervals, len(samples[0]), seed, f"{draws} independent draws")

    def score_samples(self, samples: Dataset, seed: int) -> list[Score]:
        """Scores of a fixed set of samples, with intervals from the spread of its subsamples."""
        if not self.functions:
            return []
        values = self._values(samples)
        intervals, note = by_subsamples(values, self._values, samples, seed)
        return self._scores(values, intervals, len(samples), seed, note)

    @cached_property
    def _test(self) -> Dataset:
        return self.data.test(self.progress)

    @cached_property
    def _real(self) -> Tensor:
        return _all(self._test).to(self.device)

    def _values(self, samples: Dataset) -> Values:
        if samples.shape != self._test.shape:
            shapes = " and ".join(" x ".join(map(str, each.shape)) for each in (samples, self._test))
            raise InputError(f"samples and real examples have different shapes, {shapes}; name other data to compare with")
        given = _all(samples).to(self.device)
        return {name: self._value(name, function, given) for name, function in self.functions.items()}

    def _value(self, name: str, function: Metric, samples: Tensor) -> float:
        with torch.no_grad():
            found = cast(Any, function(samples.clone(), self._real.clone()))  # which a function may write into
        try:
            value = float(found)
        except (TypeError, ValueError, RuntimeError):
            raise InputError(f"the metric {name} gives a {type(found).__name__}; it must give a number") from None
        if not isfinite(value):
            raise InputError(f"the metric {name} gives {value} for {len(samples):,} samples; it must give a finite number")
        return value

    def _scores(
        self, values: Values, intervals: Mapping[str, tuple[float, float]], num: int, seed: int, interval: str
    ) -> list[Score]:
        train = self.data.train(self.progress)
        floors = self._values(for_floor(self.data, train, num)) if len(train) >= num else {}
        return [
            Score(name, value, *intervals[name], floors.get(name), None, self._protocol(name, num, seed, interval))
            for name, value in values.items()
        ]

    def _protocol(self, name: str, num: int, seed: int, interval: str) -> Protocol:
        return Protocol(
            extractor="none",
            extractor_hash="",
            data=codec.encode(self.data)["name"],
            data_fingerprint=self._test.fingerprint(),
            split="test",
            num_samples=num,
            num_real=len(self._test),
            preprocessing="none" if isinstance(self._test, PointSet) else ImageReference.preprocessing,
            options=f"a function of the user's, {of_function(self.functions[name])[:8]}",
            seed=seed,
            interval=interval,
        )


def _all(examples: Dataset) -> Tensor:
    """All of them as a batch, float32 [N, *shape]."""
    return examples.batch(torch.arange(len(examples)))
