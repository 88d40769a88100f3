import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.visual import slerp, walk


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_third_of_a_right_angle() -> None:
    a, b = torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 2.0], dtype=torch.float64)
    expected = torch.tensor([2 * math.cos(math.pi / 6), 2 * math.sin(math.pi / 6)], dtype=torch.float64)
    torch.testing.assert_close(slerp(a, b, 1 / 3), expected, rtol=0, atol=1e-15)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(2, 200), t=st.floats(0, 1), length=st.floats(0.1, 100))
def test_equal_lengths_are_kept_on_the_whole_arc(seed: int, size: int, t: float, length: float) -> None:
    a, b = length * torch.nn.functional.normalize(normal(2, size, seed=seed).double(), dim=1)
    assert slerp(a, b, t).norm().item() == pytest.approx(length, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), t=st.floats(0, 1))
def test_there_and_back_meet(seed: int, t: float) -> None:
    a, b = normal(2, 16, seed=seed).double()
    torch.testing.assert_close(slerp(a, b, t), slerp(b, a, 1 - t))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ends_are_exact(dtype: torch.dtype) -> None:
    a, b = normal(5, 64).to(dtype), normal(5, 64, seed=1).to(dtype)
    assert torch.equal(slerp(a, b, 0.0), a)
    assert torch.equal(slerp(a, b, 1.0), b)
    assert slerp(a, b, 0.3).dtype == dtype


def test_single_precision_is_computed_in_double() -> None:
    a, b = normal(5, 64), normal(5, 64, seed=1)
    assert torch.equal(slerp(a, b, 0.3), slerp(a.double(), b.double(), 0.3).float())


def test_rows_do_not_mix() -> None:
    a, b = normal(3, 8), normal(3, 8, seed=1)
    for row in range(3):
        torch.testing.assert_close(slerp(a, b, 0.7)[row], slerp(a[row], b[row], 0.7))


@pytest.mark.parametrize("factor", [1.0, 3.0, -1.0])
def test_parallel_and_opposite_rows_are_mixed_linearly(factor: float) -> None:
    a = normal(2, 8).double()
    torch.testing.assert_close(slerp(a, factor * a, 0.25), (0.75 + 0.25 * factor) * a)


@pytest.mark.parametrize(("b", "t"), [(torch.zeros(3), 0.5), (torch.ones(2), 1.5), (torch.ones(2), float("nan"))])
def test_slerp_refuses(b: torch.Tensor, t: float) -> None:
    with pytest.raises(ValueError, match="must"):
        slerp(torch.ones(2), b, t)


def test_walk_visits_every_point_and_closes() -> None:
    points = normal(4, 6)
    path = walk(points, steps_between=5)
    assert path.shape == (20, 6)
    assert torch.equal(path[::5], points)
    torch.testing.assert_close(path[-1], slerp(points[3], points[0], 0.8))


@pytest.mark.parametrize(("points", "steps"), [(torch.ones(1, 2), 3), (torch.ones(2), 3), (torch.ones(2, 2), 0)])
def test_walk_refuses(points: torch.Tensor, steps: int) -> None:
    with pytest.raises(ValueError, match="must be"):
        walk(points, steps)
