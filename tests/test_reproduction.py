"""The interval that judges a printed number, and which of our values it is made of."""

import pytest

import sparring
from sparring.reproduction import PRINTED, Line, neighbours, prediction_interval, t_quantile, values_by_epoch


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


def test_neighbours_reach_a_quarter_either_way_but_at_most_five():
    assert [list(neighbours(e)) for e in (1, 3, 4)] == [[1], [3], [3, 4, 5]]
    assert (neighbours(100)[0], neighbours(100)[-1]) == (95, 105)


def test_a_single_value_judges_nothing():
    assert Line("G", 2, -3.0, -2.5, None, None, 1).inside is None
    assert Line("G", 2, -3.0, -2.5, -3.5, -2.0, 5).inside is True
    assert Line("G", 2, -3.6, -2.5, -3.5, -2.0, 5).inside is False


def test_values_are_those_of_an_epochs_last_batch_with_the_tutorials_sign(tmp_path):
    settings = {"data.held_back": "59000", "generator.widths": "[4]", "discriminator.widths": "[4]"}
    run = sparring.train("vanilla", epochs=2, out=tmp_path / "run", settings=settings, quiet=True)
    last = {event["round"]: -event["g_loss"] for event in run.rounds()}
    assert values_by_epoch(run, PRINTED["vanilla"][0]) == {1: last[10], 2: last[20]}
