"""Student's t and the intervals made of it."""

import pytest

from sparring.metrics.confidence import mean_interval, prediction_interval, share_interval, t_quantile


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
