"""The energy distance against closed forms and a loop."""

import math

import pytest
import torch

from sparring.errors import InputError
from sparring.metrics import energy_distance


def naive(x, y):
    def mean(a, b, same):
        pairs = [math.dist(p, q) for i, p in enumerate(a) for j, q in enumerate(b) if not (same and i == j)]
        return sum(pairs) / len(pairs)

    x, y = x.tolist(), y.tolist()
    return 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)


def test_against_a_loop_whatever_the_chunk():
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(17, 3, generator=rng), 2 * torch.randn(23, 3, generator=rng) + 1
    expected = naive(x.double(), y.double())
    for chunk in (1, 5, 100):
        assert energy_distance(x, y, chunk) == pytest.approx(expected, rel=1e-12)


def test_two_points_apart():
    assert energy_distance(torch.zeros(4, 2), torch.tensor([3.0, 4.0]).expand(5, 2)) == pytest.approx(10.0)


def test_two_normal_distributions_on_the_line():
    rng = torch.Generator().manual_seed(1)
    same = energy_distance(torch.randn(4000, 1, generator=rng), torch.randn(4000, 1, generator=rng))
    assert abs(same) < 0.005  # unbiased, so it may lie below 0
    moved = energy_distance(torch.randn(4000, 1, generator=rng), torch.randn(4000, 1, generator=rng) + 2)
    # E|N(m, 2)| = 2/sqrt(pi) exp(-m^2/4) + m erf(m/2)
    exact = 2 * (2 / math.sqrt(math.pi) * math.exp(-1) + 2 * math.erf(1)) - 4 / math.sqrt(math.pi)
    assert moved == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("bad", [torch.zeros(1, 2), torch.zeros(3, 3), torch.full((3, 2), math.nan), torch.zeros(3)])
def test_what_cannot_be_compared_is_refused(bad):
    with pytest.raises(InputError):
        energy_distance(bad, torch.zeros(4, 2))
