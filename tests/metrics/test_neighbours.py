import math
from dataclasses import astuple
from itertools import pairwise
from statistics import mean, stdev

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from sparring.errors import InputError
from sparring.metrics import NeighbourScores, RealNeighbours, expected_coverage, nearest_radii, neighbour_scores

seeds = st.integers(0, 2**32)


def draw(num: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(num, width, generator=Generator().manual_seed(seed), dtype=torch.float64)


def line(*points: float) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)[:, None]


def squared(a: list[float], b: list[float]) -> float:
    return math.fsum((p - q) ** 2 for p, q in zip(a, b, strict=True))


def naive_radii(points: list[list[float]], k: int) -> list[float]:
    return [sorted(squared(a, b) for j, b in enumerate(points) if j != i)[k - 1] for i, a in enumerate(points)]


def naive_scores(fake: list, real: list, k_precision: int, k_coverage: int) -> NeighbourScores:
    real_radii, fake_radii = naive_radii(real, k_precision), naive_radii(fake, k_precision)
    wide_radii = naive_radii(real, k_coverage)
    covered = [[squared(f, r) <= radius for r, radius in zip(real, wide_radii, strict=True)] for f in fake]
    left_out = [coverage(covered[:j] + covered[j + 1 :]) for j in range(len(fake))]
    return NeighbourScores(
        precision=sum(any(squared(f, r) <= radius for r, radius in zip(real, real_radii, strict=True)) for f in fake)
        / len(fake),
        recall=sum(any(squared(f, r) <= radius for f, radius in zip(fake, fake_radii, strict=True)) for r in real) / len(real),
        density=sum(map(sum, covered)) / (k_coverage * len(fake)),
        coverage=coverage(covered),
        coverage_deviation=math.sqrt((len(fake) - 1) / len(fake) * math.fsum((x - mean(left_out)) ** 2 for x in left_out)),
    )


def coverage(covered: list[list[bool]]) -> float:
    """For each fake, whether each real's neighbourhood contains it."""
    return mean(map(any, zip(*covered, strict=True)))


def test_radii_by_hand():
    radii = nearest_radii(line(0, 1, 3, 7), [1, 3, 2])
    assert radii.dtype == torch.float64
    assert radii.tolist() == [[1, 1, 4, 16], [49, 36, 16, 49], [9, 4, 9, 36]]


def test_duplicates_are_neighbours_and_the_sample_itself_is_not():
    radii = nearest_radii(line(5, 5, 5, 8), [1, 2, 3])
    assert radii.tolist() == [[0, 0, 0, 9], [0, 0, 0, 9], [9, 9, 9, 9]]


@settings(deadline=None, max_examples=30)
@given(st.integers(6, 20), st.integers(1, 5), seeds, st.integers(1, 8))
def test_radii_are_the_definition_whatever_the_chunk(num, width, seed, chunk):
    features = draw(num, width, seed)
    radii = nearest_radii(features, [1, 3, 5], chunk)
    for k, row in zip([1, 3, 5], radii.tolist(), strict=True):
        assert row == pytest.approx(naive_radii(features.tolist(), k), rel=1e-11)


def test_radii_far_from_0_lose_nothing():
    features = draw(500, 8).float()
    far = (features + 1e4).double()  # what float32 leaves of them there
    expected = torch.cdist(far, far, compute_mode="donot_use_mm_for_euclid_dist").square().kthvalue(4, dim=1).values
    torch.testing.assert_close(nearest_radii(far, [3])[0], expected, rtol=1e-11, atol=0)


def test_duplicates_are_never_at_less_than_0():
    features = (draw(100, 60) * 1e4).repeat(5, 1)
    radii = nearest_radii(features, [4], chunk=64)
    assert radii.min() >= 0
    assert radii.max() < 1e-3  # 4 duplicates; rounding of squares of 1e9


def test_scores_by_hand():
    # k = 1: real balls of radius 1, 1 and 3 about 0, 1 and 4; fake ones of radius 1, 1 and 95 about 4, 5 and 100.
    scores = neighbour_scores(line(4, 5, 100), RealNeighbours.of(line(0, 1, 4), 1, 1))
    assert scores.precision == pytest.approx(2 / 3)  # 4 and 5 lie in the ball about 4
    assert scores.recall == pytest.approx(1 / 3)  # 4 in the ball about 4; that about 100 ends at 5
    assert scores.density == pytest.approx(2 / 3)
    assert scores.coverage == pytest.approx(1 / 3)


def test_each_score_uses_its_own_k():
    # k = 1 for precision and recall, 2 for density and coverage, whose balls have radii 4, 3 and 4 about 0, 1 and 4.
    scores = neighbour_scores(line(3, 4.2, 7.5), RealNeighbours.of(line(0, 1, 4), 1, 2))
    assert scores.precision == pytest.approx(2 / 3)  # 3 and 4.2 in the ball about 4, which ends at 7
    assert scores.recall == pytest.approx(1 / 3)  # 4 alone, in the balls of radius 1.2 about 3 and 4.2
    assert scores.density == pytest.approx((3 + 1 + 1) / (2 * 3))  # 3 in all balls, 4.2 and 7.5 in that of 4
    assert scores.coverage == 1


def test_a_point_on_the_edge_lies_inside():
    reference = RealNeighbours.of(line(-3, -1, 1, 3), 1, 1)  # mean 0 and balls of radius 2
    assert neighbour_scores(line(5, 105), reference) == NeighbourScores(0.5, 1, 0.5, 0.25, 0.125)
    assert neighbour_scores(line(5, 7), reference) == NeighbourScores(0.5, 0.25, 0.5, 0.25, 0.125)


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 15), st.integers(6, 15), st.integers(1, 4), seeds, st.integers(1, 16), st.floats(0.2, 3))
def test_scores_are_the_definition_whatever_the_chunk(num_fake, num_real, width, seed, chunk, scale):
    fake, real = scale * draw(num_fake, width, seed) + 0.5, draw(num_real, width, seed + 1)
    scores = neighbour_scores(fake, RealNeighbours.of(real), chunk)
    assert astuple(scores) == pytest.approx(astuple(naive_scores(fake.tolist(), real.tolist(), 3, 5)), rel=1e-12)


@pytest.mark.parametrize("k", [3, 5])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_they_agree_with_prdc(k, shift):
    pytest.importorskip("prdc")
    from prdc.prdc import compute_prdc

    fake, real = 0.8 * draw(300, 6, 1) + shift, draw(400, 6, 2)
    theirs = compute_prdc(real.numpy(), fake.numpy(), nearest_k=k)
    assert astuple(neighbour_scores(fake, RealNeighbours.of(real, k, k), chunk=128))[:4] == pytest.approx(
        tuple(float(theirs[name]) for name in ("precision", "recall", "density", "coverage")), rel=1e-12
    )


def test_a_far_mean_changes_no_score():
    # Multiples of 2^-10 are exact at 2^26 in float64, and at 1e4 in float32; the squares of such means swamp distances.
    fake, real = ((draw(200, 16, seed) * 1024).round() / 1024 for seed in (1, 2))
    near = neighbour_scores(fake, RealNeighbours.of(real))
    assert neighbour_scores(fake + 2.0**26, RealNeighbours.of(real + 2.0**26)) == near
    assert neighbour_scores((fake + 10_000).float(), RealNeighbours.of((real + 10_000).float())) == near


@settings(deadline=None, max_examples=20)
@given(seeds)
def test_rotating_and_shuffling_changes_no_score(seed):
    fake, real, turn = draw(30, 4, seed), draw(40, 4, seed + 1), torch.linalg.qr(draw(4, 4, seed + 2))[0]
    order = torch.randperm(30, generator=Generator().manual_seed(seed))
    turned = neighbour_scores(fake[order] @ turn, RealNeighbours.of(real @ turn))
    assert astuple(turned) == pytest.approx(astuple(neighbour_scores(fake, RealNeighbours.of(real))), rel=1e-12)


@settings(deadline=None, max_examples=20)
@given(seeds, st.integers(2, 4))
def test_repeating_the_fakes_changes_nothing_but_recall(seed, times):
    fake, reference = draw(30, 3, seed), RealNeighbours.of(draw(40, 3, seed + 1))
    once, repeated = neighbour_scores(fake, reference), neighbour_scores(fake.repeat(times, 1), reference)
    assert (repeated.precision, repeated.coverage) == (once.precision, once.coverage)
    assert repeated.density == pytest.approx(once.density)
    assert repeated.recall <= once.recall


def test_a_collapsed_generator_has_precision_without_recall():
    real = draw(300, 4)
    scores = neighbour_scores(real[:1].expand(100, 4) + 1e-3, RealNeighbours.of(real))
    assert scores.precision == 1
    assert scores.recall == 0
    assert scores.coverage < 0.1


def test_far_fakes_score_0():
    assert neighbour_scores(draw(50, 4) + 100, RealNeighbours.of(draw(50, 4, 1))) == NeighbourScores(0, 0, 0, 0, 0)


def test_the_reference_keeps_its_ks_and_radii():
    features = draw(20, 3)
    reference = RealNeighbours.of(features)
    assert (reference.k_precision, reference.k_coverage) == (3, 5)
    assert reference.features is features
    assert torch.equal(torch.stack([reference.radii_precision, reference.radii_coverage]), nearest_radii(features, [3, 5]))


@pytest.mark.parametrize("k", [1, 5])
def test_expected_coverage_of_equal_sizes(k):
    expected = 1 - math.prod((100 - i) / (200 - i) for i in range(1, k + 1))
    assert expected_coverage(100, 100, k) == pytest.approx(expected, rel=1e-14)


def test_expected_coverage_by_hand():
    assert expected_coverage(10_000, 10_000, 5) == pytest.approx(0.969, abs=5e-4)
    assert expected_coverage(1, 2, 1) == 0.5  # the fake and the other real are equally likely to be the nearer
    assert expected_coverage(3, 2, 1) == 0.75
    assert expected_coverage(1, 3, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("num_fake", "num_real", "k"), [(40, 40, 5), (20, 50, 5), (60, 15, 3), (5, 30, 1)])
def test_expected_coverage_of_simulated_sets(num_fake, num_real, k):
    values = []
    for seed in range(300):
        points = draw(num_fake + num_real, 3, seed)
        values.append(neighbour_scores(points[:num_fake], RealNeighbours.of(points[num_fake:], 1, k)).coverage)
    mean, std = torch.tensor(values).mean().item(), torch.tensor(values).std().item()
    assert abs(mean - expected_coverage(num_fake, num_real, k)) < 4 * std / math.sqrt(len(values))


def test_expected_coverage_grows_with_the_fakes():
    assert all(a < b for a, b in pairwise(expected_coverage(n, 100, 5) for n in (10, 50, 100, 1000)))


@pytest.mark.parametrize(("values", "words"), [((0, 9, 3), "num_fake is 0"), ((9, 5, 5), "k is 5"), ((9, 9, 0), "k is 0")])
def test_impossible_sizes_are_refused(values, words):
    with pytest.raises(InputError, match=words):
        expected_coverage(*values)


@pytest.mark.parametrize(
    ("features", "ks", "words"),
    [
        (torch.zeros(5, 2), [3, 5], "the number of features is 5; it must be at least 6"),
        (torch.zeros(5, 2), [0, 1], "ks is .*; it must be at least 1 each"),
        (torch.tensor([[0.0], [math.nan], [1.0]]), [1], "1 of 3 features hold values that are infinite or not a number"),
    ],
)
def test_unusable_features_are_refused(features, ks, words):
    with pytest.raises(InputError, match=words):
        nearest_radii(features, ks)


@pytest.mark.parametrize(
    ("fake", "words"),
    [
        (torch.zeros(3, 2), "the number of fake features is 3; it must be at least 4"),
        (torch.zeros(9, 3), "is 3 and 2"),
        (torch.full((9, 2), -math.inf), "9 of 9 fake features hold values"),
    ],
)
def test_unusable_fakes_are_refused(fake, words):
    with pytest.raises(InputError, match=words):
        neighbour_scores(fake, RealNeighbours.of(draw(10, 2)))


@pytest.mark.parametrize(("num_fake", "shift"), [(100, 0.0), (300, 0.0), (300, 1.0), (300, 3.0)])
def test_coverage_knows_its_deviation_over_draws(num_fake, shift):
    reals, drawn = RealNeighbours.of(draw(300, 8)), []
    for seed in range(1, 201):
        drawn.append(neighbour_scores(draw(num_fake, 8, seed) + shift / 8**0.5, reals))
    expected, spread = (of([each.coverage for each in drawn]) for of in (mean, stdev))
    # it is no less than the true one, which 200 draws give to 5 %, and exceeds it most where nearly all is covered
    assert 0.9 < mean(each.coverage_deviation for each in drawn) / spread < 1.8
    holds = [abs(each.coverage - expected) <= 1.96 * each.coverage_deviation for each in drawn]
    assert mean(holds) > 0.95 - 4 * math.sqrt(0.95 * 0.05 / 200)
