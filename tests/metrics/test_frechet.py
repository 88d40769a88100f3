import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.errors import InputError
from sparring.metrics import Moments, frechet_distance

seeds = st.integers(0, 2**32)


def draw(num: int, width: int, seed: int = 0) -> torch.Tensor:
    """Correlated features, float64."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(width, width, generator=generator, dtype=torch.float64)
    return torch.randn(num, width, generator=generator, dtype=torch.float64) @ mixing


def rotation(width: int, seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(draw(width, width, seed))[0]


def gaussian(mean, covariance) -> Moments:
    return Moments(torch.tensor(mean, dtype=torch.float64), torch.tensor(covariance, dtype=torch.float64), 1000)


def naive_moments(features: list[list[float]]) -> tuple[list[float], list[list[float]]]:
    num, width = len(features), len(features[0])
    mean = [math.fsum(row[i] for row in features) / num for i in range(width)]
    covariance = [
        [math.fsum((row[i] - mean[i]) * (row[j] - mean[j]) for row in features) / (num - 1) for j in range(width)]
        for i in range(width)
    ]
    return mean, covariance


def test_moments_are_those_of_the_definition():
    features = draw(50, 4) + 3
    moments = Moments.of(features)
    mean, covariance = naive_moments(features.tolist())
    assert moments.mean.tolist() == pytest.approx(mean, rel=1e-12)
    torch.testing.assert_close(moments.covariance, torch.tensor(covariance, dtype=torch.float64), rtol=1e-12, atol=1e-12)
    assert moments.num == 50
    assert moments.mean.dtype == moments.covariance.dtype == torch.float64


def test_moments_by_hand():
    moments = Moments.of(torch.tensor([[0.0, 1.0], [2.0, 1.0], [4.0, 4.0]]))
    assert moments.mean.tolist() == [2, 2]
    assert moments.covariance.tolist() == [[4, 3], [3, 3]]


@pytest.mark.parametrize("chunk", [1, 7, 100, 1000])
def test_the_chunk_does_not_matter_to_the_moments(chunk):
    features = draw(100, 5) + 2
    whole, parts = Moments.of(features), Moments.of(features, chunk=chunk)
    torch.testing.assert_close(parts.mean, whole.mean, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(parts.covariance, whole.covariance, rtol=1e-13, atol=1e-13)


def test_moments_far_from_0_lose_nothing():
    features = torch.randint(-4, 5, (10_000, 6), generator=torch.Generator().manual_seed(0)).double()
    near, far = Moments.of(features), Moments.of(features + 1e8)  # 1e8 + small integers is exact
    torch.testing.assert_close(far.covariance, near.covariance, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(far.mean - 1e8, near.mean, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_narrow_features_are_widened_first(dtype):
    features = (1e4 + draw(5000, 3)).to(dtype)
    narrow, wide = Moments.of(features), Moments.of(features.double())
    assert torch.equal(narrow.mean, wide.mean)
    assert torch.equal(narrow.covariance, wide.covariance)


@settings(deadline=None)
@given(*[st.floats(-100, 100)] * 2, *[st.floats(0, 100)] * 2)
def test_on_the_line_it_is_m1_minus_m2_squared_plus_s1_minus_s2_squared(m1, m2, s1, s2):
    distance = frechet_distance(gaussian([m1], [[s1**2]]), gaussian([m2], [[s2**2]]))
    assert distance == pytest.approx((m1 - m2) ** 2 + (s1 - s2) ** 2, rel=1e-12, abs=1e-11)


def test_of_commuting_covariances_it_is_the_sum_over_the_shared_axes():
    axes, first, second = rotation(5), torch.tensor([4.0, 1, 9, 0, 0.25]), torch.tensor([1.0, 1, 0, 16, 0.01])
    a = Moments(torch.zeros(5).double(), axes * first.double() @ axes.T, 10)
    b = Moments(torch.full((5,), 2.0).double(), axes * second.double() @ axes.T, 10)
    expected = 5 * 4 + (1 + 0 + 9 + 16 + 0.16)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-7)  # the roots of eigenvalues rounded from 0 show


def test_of_non_commuting_covariances_by_hand():
    # (S1 S2)^(1/2) of 2x2: its trace is sqrt(tr(S1 S2) + 2 sqrt(det S1 det S2)).
    a, b = gaussian([0.0, 1.0], [[2.0, 1.0], [1.0, 3.0]]), gaussian([2.0, 0.0], [[5.0, -2.0], [-2.0, 1.0]])
    trace = 2 * 5 + 2 * 1 * -2 + 3 * 1
    expected = 5 + 5 + 6 - 2 * math.sqrt(trace + 2 * math.sqrt(5 * 1))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("width", [2, 16, 64])
def test_it_agrees_with_the_matrix_root_of_scipy(width):
    sqrtm = pytest.importorskip("scipy.linalg").sqrtm
    a, b = Moments.of(draw(300, width, 1)), Moments.of(draw(200, width, 2) + 0.5)
    root = np.trace(sqrtm(a.covariance.numpy() @ b.covariance.numpy())).real
    expected = float((a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace()) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-9)


def test_rank_deficient_covariances_of_fewer_samples_than_values():
    # All of a's spread and all of b's lie on axes that are orthogonal, so that nothing of it overlaps.
    few = draw(4, 3)
    a = Moments.of(torch.cat([few, torch.zeros(4, 20).double()], dim=1))
    b = Moments.of(torch.cat([torch.zeros(4, 20).double(), few], dim=1))
    expected = (a.mean - b.mean).square().sum() + a.covariance.trace() + b.covariance.trace()
    assert frechet_distance(a, b) == pytest.approx(expected.item(), rel=1e-7)
    assert frechet_distance(a, a) < 1e-9 * a.covariance.trace()


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(1, 12), st.integers(2, 30), st.sampled_from([0.0, 1.0, 1e4]))
def test_equal_moments_are_at_0_and_their_order_does_not_matter(seed, width, num, offset):
    a, b = Moments.of(draw(num, width, seed) + offset), Moments.of(draw(num + 3, width, seed + 1) + offset)
    assert 0 <= frechet_distance(a, a) < 1e-9 * max(a.covariance.trace().item(), 1e-3)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-7, abs=1e-9)


@settings(deadline=None, max_examples=30)
@given(seeds, st.integers(2, 10))
def test_rotating_and_moving_both_changes_nothing(seed, width):
    a, b, turn = draw(40, width, seed), draw(30, width, seed + 1), rotation(width, seed + 2)
    moved = frechet_distance(Moments.of(a @ turn + 1e4), Moments.of(b @ turn + 1e4))
    assert moved == pytest.approx(frechet_distance(Moments.of(a), Moments.of(b)), rel=1e-6)


def test_moving_one_adds_the_squared_way():
    a = draw(100, 8)
    assert frechet_distance(Moments.of(a), Moments.of(a + 3)) == pytest.approx(8 * 9, rel=1e-10)


def test_eigenvalues_below_0_by_rounding_count_as_0():
    a = gaussian([0.0, 0.0], [[1.0, 0.0], [0.0, -1e-15]])
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (torch.zeros(1, 3), "the number of features is 1; it must be at least 2"),
        (torch.zeros(5), r"the shape of features is \[5\]"),
        (torch.tensor([[1.0], [math.nan], [math.inf], [2.0]]), "2 of 4 features hold values that are infinite or not"),
    ],
)
def test_unusable_features_are_refused(features, words):
    with pytest.raises(InputError, match=words):
        Moments.of(features)


def test_two_widths_are_refused():
    with pytest.raises(InputError, match="is 2 and 3; it must be the same"):
        frechet_distance(Moments.of(draw(9, 2)), Moments.of(draw(9, 3)))
