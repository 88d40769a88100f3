"""Student's t and the intervals made of it."""

import random

import pytest

from sparring.metrics.confidence import mean_interval, prediction_interval, share_interval, t_quantile, t_tails, welch_test


@pytest.mark.parametrize(
    ("dof", "expected", "tolerance"),
    [(1, 12.7062, 1e-4), (2, 4.30265, 1e-4), (4, 2.77645, 5e-3), (10, 2.22814, 1e-4), (30, 2.04227, 1e-5)],
)
def test_t_quantile_against_printed_tables(dof, expected, tolerance):
    assert t_quantile(0.975, dof) == pytest.approx(expected, abs=tolerance)


def test_prediction_interval_by_hand():
    # mean 3, s = sqrt(2.5), t = 2.776 with 4 degrees of freedom, half width t s sqrt(6/5) = 4.808
    low, high = prediction_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (low + high) / 2 == pytest.approx(3.0)
    assert (high - low) / 2 == pytest.approx(4.808, abs=0.01)


def test_mean_interval_by_hand():
    # mean 3, s = sqrt(2.5), t = 2.776 with 4 degrees of freedom, half width t s / sqrt(5) = 1.963
    low, high = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (low + high) / 2 == pytest.approx(3.0)
    assert (high - low) / 2 == pytest.approx(1.963, abs=0.005)


def test_share_interval_by_hand():
    # Wilson: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), with z = 1.96
    assert share_interval(0.5, 100) == pytest.approx((0.40383, 0.59617), abs=1e-4)
    assert share_interval(1.0, 1000) == pytest.approx((0.99617, 1.0), abs=1e-4)
    assert share_interval(0.0, 10) == pytest.approx((0.0, 0.27753), abs=1e-4)


@pytest.mark.parametrize(
    ("t", "dof", "tails"), [(1.0, 1, 0.5), (12.7062, 1, 0.05), (4.30265, 2, 0.05), (2.77645, 4, 0.05), (2.75, 30, 0.01)]
)
def test_tails_of_student_against_printed_tables(t, dof, tails):
    assert t_tails(t, dof) == pytest.approx(tails, rel=1e-4)


def test_welch_by_hand():
    # means 2 and 6, variances 1 and 4 over 3 and 3 values: t = 4 / sqrt(5/3) = 3.0984, dof = (5/3)^2 / (1/18 + 16/18) = 2.9412
    half, p_value = welch_test([1.0, 2.0, 3.0], [4.0, 6.0, 8.0])
    assert p_value == pytest.approx(0.0548, abs=5e-4)
    assert half == pytest.approx(3.2208 * (5 / 3) ** 0.5, rel=1e-3)


def test_welch_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = random.Random(0)
    for a_size, b_size in ((2, 2), (2, 9), (5, 5), (16, 3)):
        a, b = [rng.gauss(0, 1) for _ in range(a_size)], [rng.gauss(1, 3) for _ in range(b_size)]
        theirs = stats.ttest_ind(b, a, equal_var=False)
        low, high = theirs.confidence_interval()
        half, p_value = welch_test(a, b)
        assert p_value == pytest.approx(theirs.pvalue, rel=1e-3)
        assert half == pytest.approx((high - low) / 2, rel=1e-3)


def test_welch_of_values_without_spread():
    assert welch_test([1.0, 1.0], [2.0, 2.0]) == (0.0, 0.0)
    assert welch_test([1.0, 1.0], [1.0, 1.0]) == (0.0, 1.0)
