import math
from statistics import mean, pstdev

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator

from sparring.errors import InputError
from sparring.metrics import kernel as module
from sparring.metrics import kernel_distance, mean_kernel, mmd2_unbiased


def draw(num: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(num, width, generator=Generator().manual_seed(seed))


def naive_mmd2(x: list[list[float]], y: list[list[float]]) -> float:
    def k(a, b):
        return (sum(p * q for p, q in zip(a, b, strict=True)) / len(a) + 1) ** 3

    within_x = mean(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j)
    within_y = mean(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j)
    return within_x + within_y - 2 * mean(k(a, b) for a in x for b in y)


def test_by_hand():
    # k(0, 0) = 1 within x; k(1, 1) = 8 within y; k(0, 1) = 1 across.
    assert mmd2_unbiased(torch.zeros(2, 1), torch.ones(3, 1)) == 1 + 8 - 2
    # The two of x are opposite: k = (1 - 4 / 2)^3 = -1 for their one pair, not counting either with itself.
    assert mmd2_unbiased(torch.tensor([[2.0, 0.0], [-2.0, 0.0]]), torch.zeros(2, 2)) == -1 + 1 - 2


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 8), st.integers(2, 8), st.integers(1, 5), st.integers(0, 2**32), st.sampled_from([0.0, 3.0]))
def test_it_is_the_mean_over_pairs(n, m, width, seed, offset):
    x, y = draw(n, width, seed).double(), draw(m, width, seed + 1).double() + offset
    expected = naive_mmd2(x.tolist(), y.tolist())
    assert mmd2_unbiased(x, y) == pytest.approx(expected, rel=1e-9, abs=1e-10)
    assert mmd2_unbiased(y, x) == pytest.approx(expected, rel=1e-9, abs=1e-10)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32))
def test_rotating_both_and_shuffling_changes_nothing(seed):
    x, y = draw(12, 4, seed).double(), draw(9, 4, seed + 1).double()
    turn = torch.linalg.qr(draw(4, 4, seed + 2).double())[0]
    shuffled = y[torch.randperm(9, generator=Generator().manual_seed(seed))]
    assert mmd2_unbiased(x @ turn, shuffled @ turn) == pytest.approx(mmd2_unbiased(x, y), rel=1e-9, abs=1e-10)


def test_of_constant_sets_on_the_line_it_is_the_squared_distance_of_their_embeddings():
    for a, b in [(0.0, 2.0), (-1.0, 3.0), (5.0, 5.0)]:
        expected = (a * a + 1) ** 3 + (b * b + 1) ** 3 - 2 * (a * b + 1) ** 3
        assert mmd2_unbiased(torch.full((4, 1), a), torch.full((6, 1), b)) == pytest.approx(expected)


def test_float32_features_are_widened_first():
    x, y = draw(50, 16) * 100, draw(50, 16, 1) * 100
    assert mmd2_unbiased(x, y) == mmd2_unbiased(x.double(), y.double())


def test_it_is_unbiased():
    # Over small sets of one distribution the mean is 0 within its error; the biased estimate is above it by far.
    values = [mmd2_unbiased(draw(5, 3, 2 * i), draw(5, 3, 2 * i + 1)) for i in range(2000)]
    error = pstdev(values) / math.sqrt(len(values))
    assert abs(mean(values)) < 4 * error
    assert min(values) < 0


def test_mean_and_deviation_of_the_subsets(monkeypatch):
    values = iter([1.0, 3.0, 8.0])
    monkeypatch.setattr(module, "mmd2_unbiased", lambda x, y: next(values))
    distance = kernel_distance(draw(5, 2), draw(5, 2), subsets=3, size=4, generator=Generator())
    assert (distance.mean, distance.std) == pytest.approx((4, math.sqrt(26 / 3)))


def test_subsets_hold_no_sample_twice_and_differ(monkeypatch):
    seen = []
    monkeypatch.setattr(module, "mmd2_unbiased", lambda x, y: seen.append((x, y)) or 0.0)
    fake, real = torch.arange(50.0)[:, None], 100 + torch.arange(60.0)[:, None]
    kernel_distance(fake, real, subsets=20, size=40, generator=Generator().manual_seed(0))
    assert len(seen) == 20
    for x, y in seen:
        assert x.unique().shape == y.unique().shape == (40,)
        assert x.max() < 50
        assert y.min() >= 100
    assert len({tuple(sorted(x.flatten().tolist())) for x, _ in seen}) > 1
    assert torch.cat([x for x, _ in seen]).unique().shape == (50,)
    assert torch.cat([y for _, y in seen]).unique().shape == (60,)


def test_subsets_as_large_as_the_sets_give_the_whole_distance():
    fake, real = draw(40, 8), draw(40, 8, 1) + 1
    distance = kernel_distance(fake, real, subsets=4, size=40, generator=Generator())
    assert distance.mean == pytest.approx(mmd2_unbiased(fake, real))
    assert distance.std == pytest.approx(0, abs=1e-12)


def test_one_seed_gives_one_distance_and_another_seed_another():
    fake, real = draw(200, 4), draw(200, 4, 1)
    first, again, other = (
        kernel_distance(fake, real, subsets=5, size=50, generator=Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert first == again != other


def test_it_sees_what_the_mean_alone_does_not():
    near = kernel_distance(draw(500, 8), draw(500, 8, 1), subsets=20, size=200, generator=Generator())
    wide = kernel_distance(2 * draw(500, 8), draw(500, 8, 1), subsets=20, size=200, generator=Generator())
    assert abs(near.mean) < 0.05
    assert wide.mean > 10 * abs(near.mean) + wide.std


def test_it_agrees_with_the_kernel_of_scikit_learn():
    pairwise = pytest.importorskip("sklearn.metrics.pairwise")
    x, y = draw(60, 5).double().numpy(), draw(40, 5, 1).double().numpy() + 0.5
    xx, yy, xy = (pairwise.polynomial_kernel(a, b, degree=3, coef0=1) for a, b in [(x, x), (y, y), (x, y)])  # gamma is 1 / D
    expected = (xx.sum() - xx.trace()) / (60 * 59) + (yy.sum() - yy.trace()) / (40 * 39) - 2 * xy.mean()
    assert mmd2_unbiased(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(float(expected), rel=1e-10)


@pytest.mark.parametrize(
    ("fake", "real", "settings", "words"),
    [
        (torch.zeros(9, 2), torch.zeros(10, 2), {}, "the number of fake features is 9; it must be at least 10"),
        (torch.zeros(10, 2), torch.zeros(3, 2), {}, "the number of real features is 3; it must be at least 10"),
        (torch.full((10, 2), math.nan), torch.zeros(10, 2), {}, "10 of 10 fake features hold values"),
        (torch.zeros(10, 2), torch.full((12, 2), math.inf), {}, "12 of 12 real features hold values"),
        (torch.zeros(10, 2), torch.zeros(10, 3), {}, "is 2 and 3"),
        (torch.zeros(10, 2), torch.zeros(10, 2), {"subsets": 0}, "subsets is 0"),
        (torch.zeros(10, 2), torch.zeros(10, 2), {"size": 1}, "size is 1"),
    ],
)
def test_unusable_input_is_refused(fake, real, settings, words):
    with pytest.raises(InputError, match=words):
        kernel_distance(fake, real, generator=Generator(), **{"size": 10, **settings})


def test_a_pair_needs_two():
    with pytest.raises(InputError, match="the number of y is 1; it must be at least 2"):
        mmd2_unbiased(torch.zeros(2, 1), torch.zeros(1, 1))


def test_the_mean_within_one_side_may_be_known():
    x, y = draw(7, 3).double(), draw(9, 3, 1).double()
    values = [(sum(p * q for p, q in zip(a, b, strict=True)) / 3 + 1) ** 3 for a in y.tolist() for b in y.tolist() if a != b]
    assert mean_kernel(y) == pytest.approx(mean(values), rel=1e-12)
    assert mmd2_unbiased(x, y, within_y=mean_kernel(y)) == mmd2_unbiased(x, y)


def test_more_samples_than_a_chunk_change_nothing(monkeypatch):
    x, y = draw(7, 3).double(), draw(9, 3, 1).double()
    whole = mmd2_unbiased(x, y)
    monkeypatch.setattr(module, "widened", lambda given: (part.double() for part in given.split(2)))
    assert mmd2_unbiased(x, y) == pytest.approx(whole, rel=1e-12)
