import math
from dataclasses import astuple, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from sparring.errors import InputError
from sparring.metrics import MixtureQuality, mixture_quality, number_modes

CENTRES = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def mixture(num: int, std: float = 1.0, width: int = 2, seed: int = 0) -> Tensor:
    """`num` points from each of the CENTRES."""
    noise = torch.randn(num * 4, width, generator=Generator().manual_seed(seed), dtype=torch.float64)
    return CENTRES.repeat(num, 1) + std * noise


def test_numbers_by_hand():
    # Shares 1/2, 1/4, 1/4 of 8: KL = ln 8 - 1.5 ln 2.
    count = number_modes(torch.tensor([7, 7, 0, 3]), num_modes=8)
    assert count.modes == 3
    assert count.kl == pytest.approx(1.5 * math.log(2), rel=1e-14)


def test_one_number_and_all_numbers():
    assert astuple(number_modes(torch.full((50,), 999))) == pytest.approx((1, math.log(1000)), rel=1e-14)
    assert astuple(number_modes(torch.arange(1000).repeat(26))) == pytest.approx((1000, 0), abs=1e-12)


def test_rounding_leaves_no_kl_below_0():
    assert all(number_modes(torch.arange(num), num).kl >= 0 for num in range(1, 100))


def test_a_perfect_sampler_of_26_000_is_at_the_floor():
    count = number_modes(torch.randint(1000, (26_000,), generator=Generator().manual_seed(0)))
    assert count.modes == 1000
    assert count.kl == pytest.approx(0.0193, abs=4 * 0.0009)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=30))
def test_numbers_are_the_definition(numbers):
    count = number_modes(torch.tensor(numbers), num_modes=5)
    shares = [numbers.count(n) / len(numbers) for n in set(numbers)]
    assert count.modes == len(shares)
    assert count.kl == pytest.approx(sum(p * math.log(p * 5) for p in shares), abs=1e-14)
    assert 0 <= count.kl <= math.log(5) + 1e-12


@pytest.mark.parametrize("numbers", [[-1, 0], [0, 1000]])
def test_numbers_outside_are_refused(numbers):
    with pytest.raises(InputError, match="1 of 2 labels lie outside 0 to 999"):
        number_modes(torch.tensor(numbers))


def test_a_mixture_by_hand():
    points = [[0.0, 3.0], [0.0, -1.0], [3.0, 3.0], [10.0, 2.0], [12.0, 0.0], [0.0, 10.5], [0.0, 14.0], [9.0, 7.0]]
    quality = mixture_quality(torch.tensor(points), CENTRES, std=1.0)
    assert quality.modes == 3
    assert quality.high_quality == 5 / 8  # not (3, 3), (0, 14), (9, 7)
    assert quality.kl == pytest.approx(3 / 8 * math.log(1.5) + 0 + 0 + 1 / 8 * math.log(0.5), rel=1e-14)
    assert quality.spread == pytest.approx((math.sqrt((4 + 4) / 2 / 2), math.sqrt((9 + 1) / 2 / 2)))
    assert quality.smallest_share == 0.5


def test_a_spread_needs_two_points_of_high_quality_in_one_mode():
    points = CENTRES + torch.tensor([[1.0, 1.0], [9.0, 1.0], [0.0, 0.0], [0.0, 9.0]])  # (19, 1) and (10, 19) are far
    quality = mixture_quality(points, CENTRES, std=1.0)
    assert quality == MixtureQuality(2, 0.5, 0, None, 1)


def test_no_point_of_high_quality():
    assert mixture_quality(torch.full((3, 2), 100.0), CENTRES, std=1.0) == MixtureQuality(0, 0, math.log(4), None, 0)


def test_the_mixture_itself_is_at_the_ceiling():
    quality = mixture_quality(mixture(50_000), CENTRES, std=1.0)
    ceiling = 1 - math.exp(-4.5)
    # E[r^2 | r < 3] / 2 for r^2 / 2 exponential, cut at 4.5
    spread = math.sqrt(1 - 4.5 * math.exp(-4.5) / ceiling)
    assert quality.modes == 4
    assert abs(quality.high_quality - ceiling) < 5 * math.sqrt(ceiling * math.exp(-4.5) / 200_000)
    assert spread == pytest.approx(0.974, abs=5e-4)
    assert quality.spread == pytest.approx((spread, spread), rel=0.01)
    assert 0 <= quality.kl < 1e-9
    assert quality.smallest_share == 1


def test_tight_modes_show_in_the_spread():
    quality = mixture_quality(mixture(500, std=0.1), CENTRES, std=1.0)
    assert quality.high_quality == 1
    assert quality.spread == pytest.approx((0.1, 0.1), rel=0.1)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.floats(0.1, 5), st.floats(0.01, 100), st.integers(0, 2**32))
def test_scale_turn_and_order_change_nothing(num, std, scale, seed):
    points = mixture(num, std, seed=seed)
    turn = torch.tensor([[0.6, 0.8], [-0.8, 0.6]], dtype=torch.float64)
    first = mixture_quality(points, CENTRES, std=1.0)
    second = mixture_quality(scale * points.flip(0) @ turn, scale * CENTRES.double().flip(0) @ turn, std=scale)
    assert (second.modes, second.high_quality, second.smallest_share) == (
        first.modes,
        first.high_quality,
        first.smallest_share,
    )
    assert second.kl == pytest.approx(first.kl, abs=1e-12)
    assert second.spread == pytest.approx(first.spread)


def test_more_points_than_a_chunk_holds_and_far_ones():
    # Half of the points at centre (1e6, 1e6), where a distance by expanded squares would be lost in float32.
    near = torch.tensor([[0.5, 0.0], [0.0, 4.0]]).repeat(2500, 1)
    quality = mixture_quality(torch.cat([near, 1e6 + near]), torch.tensor([[0.0, 0.0], [1e6, 1e6]]), std=1.0)
    assert replace(quality, spread=None) == MixtureQuality(2, 0.5, 0, None, 1)
    assert quality.spread == pytest.approx((math.sqrt(0.125), math.sqrt(0.125)), rel=1e-12)


@pytest.mark.parametrize(
    ("points", "centres", "std", "words"),
    [
        (torch.zeros(0, 2), CENTRES, 1.0, "the number of points is 0"),
        (torch.zeros(3, 2), torch.zeros(0, 2), 1.0, "the number of centres is 0"),
        (torch.zeros(3, 3), CENTRES, 1.0, "is 3 and 2"),
        (torch.tensor([[0.0, math.inf], [0.0, 0.0]]), CENTRES, 1.0, "1 of 2 points hold values that are infinite"),
        (torch.zeros(3, 2), CENTRES, 0.0, "std is 0.0; it must be finite and positive"),
        (torch.zeros(3, 2), CENTRES, math.nan, "std is nan"),
    ],
)
def test_unusable_mixtures_are_refused(points, centres, std, words):
    with pytest.raises(InputError, match=words):
        mixture_quality(points, centres, std)
