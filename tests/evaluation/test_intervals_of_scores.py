"""Intervals against what is known: the standard error of a mean, by repetition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import sqrt
from statistics import mean
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from sparring import evaluation
from sparring.data import ImageSet, Ring
from sparring.data.folder.picture_folder import PictureFolder
from sparring.data.sets import Dataset, PointSet
from sparring.evaluation.extractors import Features
from sparring.evaluation.references import Reference, Values
from sparring.evaluation.scoring import SUBSAMPLES, _within, by_subsamples, for_floor
from sparring.metrics.confidence import mean_interval, t_quantile


def normal(num: int, seed: int) -> Features:
    return Features(torch.randn(num, 1, generator=Generator().manual_seed(seed), dtype=torch.float64), torch.empty(num, 0))


def of_mean(seen: Features) -> Values:
    return {"mean": seen.features.mean().item()}


def with_subsamples(measure: Callable[[Features], Values], seen: Features, seed: int):
    values = measure(seen)
    return values, *by_subsamples(values, measure, seen, seed)


def test_the_interval_of_a_mean_has_the_width_of_its_standard_error():
    num, t = 4000, t_quantile(0.975, SUBSAMPLES - 1)
    squares = []
    for seed in range(150):
        values, intervals, _ = with_subsamples(of_mean, normal(num, seed), seed)
        low, high = intervals["mean"]
        assert values["mean"] == pytest.approx((low + high) / 2)
        squares.append(((high - low) / 2 / t) ** 2)
    # each square has 7 degrees of freedom, so that their mean has the relative deviation sqrt(2 / 7 / 150) = 0.044
    assert mean(squares) * num == pytest.approx(1, abs=5 * sqrt(2 / 7 / 150))


def test_the_interval_of_a_mean_holds_it_95_times_in_100():
    holds = []
    for seed in range(400):
        low, high = with_subsamples(of_mean, normal(400, seed), seed)[1]["mean"]
        holds.append(low <= 0 <= high)
    assert mean(holds) == pytest.approx(0.95, abs=4 * sqrt(0.95 * 0.05 / 400))


def test_subsamples_are_drawn_without_replacement_and_by_the_seed():
    sizes: list[Tensor] = []

    def measure(seen: Features) -> Values:
        sizes.append(seen.features.flatten())
        return {"x": 0.0}

    seen = Features(torch.arange(100.0)[:, None], torch.empty(100, 0))
    for seed in (1, 1, 2):
        with_subsamples(measure, seen, seed)
    assert [len(values) for values in sizes] == 3 * [100, *[25] * SUBSAMPLES]
    assert all(len(values.unique()) == len(values) for values in sizes)
    assert all(map(torch.equal, sizes[:9], sizes[9:18]))
    assert not any(map(torch.equal, sizes[1:9], sizes[19:]))
    assert not torch.equal(sizes[1], sizes[2])
    assert with_subsamples(of_mean, normal(4000, 0), 0)[2] == "8 subsamples of 1,000"


@dataclass(frozen=True, eq=False)
class Means(Reference):
    """Measures means; its draws can be told apart."""

    given: list[Any] = field(default_factory=list)

    min_num_samples = 4
    primary_metric = "mean"
    preprocessing = "none"

    @property
    def extractor_names(self) -> tuple[str, str]:
        return "means-1", "means"

    @property
    def options(self) -> Mapping[str, str]:
        return {"mean": "of the first coordinate"}

    def extract(self, samples: Dataset) -> Features:
        assert isinstance(samples, PointSet)
        return Features(samples.points, torch.empty(len(samples), 0))

    def quick_metrics(self, seen: Features) -> Values:
        return {"mean": 10 + seen.features[:, 0].mean().item()}

    def per_draw_metrics(self, seen: Features, seed: int, subsets: int) -> Values:
        self.given.append((len(seen), seed, subsets))
        return {**self.quick_metrics(seen), "coverage": 0.99 + seen.features[0, 0].item() / 100}

    def costly_metrics(self, seen: Features) -> tuple[Values, Values]:
        return {"density": seen.features[:, 1].mean().item()}, {"density": 0.05}

    def ceilings(self, num: int) -> Values:
        return {"mean": float(num)}


@pytest.fixture
def standard(tmp_path, monkeypatch) -> Means:
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    return Means(Ring(num=500), torch.device("cpu"))


def points(seed: int, num: int = 80) -> PointSet:
    return PointSet(torch.randn(num, 2, generator=Generator().manual_seed(seed)))


def test_scores_of_draws_are_means_with_the_interval_of_their_mean(standard):
    drawn = []
    found = evaluation.score_draws(standard, lambda i: drawn.append(i) or points(i), seed=5, draws=4)
    assert drawn == [0, 1, 2, 3]
    each = [10 + points(i).points[:, 0].mean().item() for i in range(4)]
    first, coverage, dear = found
    assert first.value == pytest.approx(mean(each))
    assert (first.low, first.high) == pytest.approx(mean_interval(each))
    assert first.protocol.interval == "4 independent draws"
    assert (first.protocol.num_samples, first.protocol.num_real, first.protocol.seed) == (80, 500, 5)
    assert (first.protocol.options, first.protocol.extractor) == ("of the first coordinate", "means-1")
    assert (first.ceiling, coverage.ceiling) == (80, None)
    assert coverage.high is not None
    assert coverage.high <= 1
    three = [points(i).points[:, 1].mean().item() for i in range(3)]
    assert dear.value == pytest.approx(mean(three))
    assert (dear.low, dear.high) == pytest.approx(tuple(_within("density", bound) for bound in mean_interval(three)))
    assert dear.protocol.interval == "3 independent draws"
    # a hundred subsets in all, by seeds of their own
    assert [given for given in standard.given if given[0] == 80 and given[2] != 100] == [(80, 5 + i, 25) for i in range(4)]


def test_scores_of_given_samples_are_those_of_all_of_them(standard):
    found = evaluation.score_samples(standard, points(1, 400), seed=2)
    assert [score.metric for score in found] == ["mean", "coverage", "density"]
    assert found[0].value == pytest.approx(10 + points(1, 400).points[:, 0].mean().item())
    assert found[0].protocol.interval == "8 subsamples of 100"
    density = found[2]
    assert (density.low, density.high) == pytest.approx((max(0, density.value - 0.098), density.value + 0.098))
    assert density.protocol.interval == "jackknife"
    assert standard.given[0] == (400, 2, 100)
    assert set(standard.given[1:9]) == {(100, 2, 12)}


def test_the_floor_is_what_training_examples_get_and_is_kept(standard, tmp_path):
    train = Ring(num=500).train().points
    expected = 10 + train[-80:, 0].mean().item()
    (first, *_) = evaluation.score_samples(standard, points(1), seed=2)
    assert first.floor == pytest.approx(expected)
    taken = len(standard.given)
    assert evaluation.floor(standard, 80)["mean"] == first.floor
    assert evaluation.floor(Means(Ring(num=500), torch.device("cpu"), given=standard.given), 80)["mean"] == first.floor
    assert len(standard.given) == taken  # neither in the same place nor anew
    assert evaluation.floor(standard, 90)["mean"] == pytest.approx(10 + train[-90:, 0].mean().item())
    assert len(standard.given) == taken + 1
    assert evaluation.floor(standard, 999) == {}  # there are only 500


def test_the_floor_of_a_folder_is_of_all_its_classes():
    train = ImageSet(torch.zeros(100, 1, 8, 8, dtype=torch.uint8), torch.arange(100) // 25, tuple("abcd"))
    now, before = (for_floor(PictureFolder("", reading=reading), train, 50) for reading in (2, 1))
    assert now.labels is not None
    assert torch.bincount(now.labels, minlength=4).min() >= 5
    assert before.labels is not None
    assert before.labels.tolist() == [2] * 25 + [3] * 25


@pytest.mark.parametrize(
    ("metric", "bound", "expected"),
    [
        ("recall", -0.1, 0.0),
        ("recall", 1.1, 1.0),
        ("density", 1.1, 1.1),
        ("frechet_distance", -1.0, 0.0),
        ("kernel_distance", -1.0, -1.0),
        ("memorisation", -0.2, -0.2),
        ("energy_distance", -0.2, -0.2),
        ("high_quality", 1.2, 1.0),
        ("modes", 8.5, 8.5),
    ],
)
def test_bounds_stay_where_values_can_be(metric, bound, expected):
    assert _within(metric, bound) == expected
