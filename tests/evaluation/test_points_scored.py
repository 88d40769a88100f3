from math import sqrt

import pytest
import torch

from sparring import evaluation
from sparring.data import Gaussian1d, Grid, Ring
from sparring.data.sets import ImageSet, PointSet
from sparring.errors import InputError
from sparring.evaluation.references.points import PointReference, _chi_squared

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


def against(data) -> PointReference:
    found = evaluation.reference_for(data, CPU)
    assert isinstance(found, PointReference)
    return found


def by_name(found):
    return {score.metric: score for score in found}


def test_points_of_the_ring_itself_are_near_ideal():
    ring = Ring(num=4000)
    found = by_name(evaluation.score_samples(against(ring), PointSet(ring.train().points[:2500]), 0))
    assert next(iter(found)) == PointReference.primary_metric == "energy_distance"
    assert found["modes"].value == found["modes"].floor == found["modes"].ceiling == 8
    assert found["high_quality"].value == pytest.approx(0.989, abs=0.01)
    assert found["high_quality"].ceiling == pytest.approx(0.98889, abs=1e-5)
    assert found["narrowest_mode"].ceiling == found["widest_mode"].ceiling == pytest.approx(0.9744, abs=1e-4)
    assert abs(found["energy_distance"].value) < 0.005
    assert found["mode_kl"].value < 0.01
    assert found["smallest_mode"].value > 0.8
    assert 0.9 < found["narrowest_mode"].value <= found["widest_mode"].value < 1.05
    assert (found.pop("modes").low, found["high_quality"].protocol.data) == (None, "ring")  # a count has no interval
    for score in found.values():
        assert score.low is not None
        assert score.high is not None
        assert score.low <= score.value <= score.high
        assert (score.protocol.extractor, score.protocol.num_samples, score.protocol.num_real) == ("none", 2500, 2500)


def test_the_spread_at_best_is_that_of_tails_cut_off():
    rng = torch.Generator().manual_seed(0)
    for width in (2, 3):
        points = torch.randn(400_000, width, generator=rng, dtype=torch.float64)
        cut = points[points.norm(dim=1) < 3]
        spread = sqrt(_chi_squared(9.0, width + 2) / _chi_squared(9.0, width))
        assert cut.square().mean().sqrt().item() == pytest.approx(spread, abs=0.004)


def test_all_modes_of_the_grid_are_counted():
    grid = Grid(num=4000)
    found = by_name(evaluation.score_samples(against(grid), PointSet(grid.train().points[:2500]), 0))
    assert found["modes"].value == found["modes"].ceiling == 25
    assert found["high_quality"].value == pytest.approx(0.989, abs=0.01)
    assert 0.85 < found["narrowest_mode"].value <= found["widest_mode"].value < 1.1
    assert 0.6 < found["smallest_mode"].value < 1


def test_one_mode_is_far_from_it():
    ring = Ring(num=4000)
    one = ring.train().points
    one = one[(one[:, 0] > 0.9)][:400]
    found = by_name(evaluation.score_samples(against(ring), PointSet(one), 0))
    assert found["modes"].value == 1
    assert found["smallest_mode"].value == 0
    assert found["high_quality"].value > 0.97  # which alone would mislead
    assert found["energy_distance"].value > 100 * abs(found["energy_distance"].floor or 0)


def test_a_point_far_from_all_modes_has_no_quality_and_no_width():
    found = by_name(evaluation.score_samples(against(Ring(num=3000)), PointSet(torch.zeros(200, 2)), 0))
    assert (found["modes"].value, found["high_quality"].value) == (0, 0)
    assert "widest_mode" not in found


def test_a_single_gaussian_has_no_modes_to_count():
    toy = Gaussian1d(num=4000)
    found = by_name(evaluation.quick_scores(against(toy), PointSet(toy.train().points[:2000]), 0))
    assert list(found) == ["energy_distance"]
    assert abs(found["energy_distance"].value) < 0.003
    moved = by_name(evaluation.quick_scores(against(toy), PointSet(toy.train().points[:2000] + 0.15), 0))
    low, high = moved["energy_distance"].low, found["energy_distance"].high
    assert low is not None
    assert high is not None
    assert low > high


def test_as_many_real_points_as_there_are_are_told():
    assert evaluation.quick_scores(against(Ring(num=700)), Ring(num=200).train(), 0)[0].protocol.num_real == 700


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (ImageSet(torch.zeros(200, 1, 2, 2, dtype=torch.uint8)), "these are images, and the data set holds points"),
        (PointSet(torch.zeros(200, 1)), "the points have 1 coordinates; those of ring have 2"),
    ],
)
def test_other_samples_are_refused(samples, words):
    with pytest.raises(InputError, match=words):
        evaluation.score_samples(against(Ring(num=500)), samples, 0)


def test_samples_become_examples_unless_they_are_not_finite():
    points = evaluation.as_dataset(torch.zeros(5, 2, dtype=torch.float64))
    assert isinstance(points, PointSet)
    images = evaluation.as_dataset(torch.tensor([-2.0, -1.0, 0.0, 1.0]).view(1, 1, 2, 2))
    assert isinstance(images, ImageSet)
    assert images.images.flatten().tolist() == [0, 0, 128, 255]
    for shape in ((3, 2), (3, 1, 2, 2)):
        samples = torch.zeros(shape)
        samples[1:].view(2, -1)[:, 0] = torch.tensor([torch.nan, torch.inf])
        with pytest.raises(InputError, match="2 of 3 samples hold values that are infinite or not a number"):
            evaluation.as_dataset(samples)
