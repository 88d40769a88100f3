"""Which of our values judge a printed number, and how."""

import sparring
from sparring.analysis.reproduction import PRINTED, Line, neighbours, values_by_epoch, verdict


def test_neighbours_reach_a_quarter_either_way_but_at_most_five():
    assert [list(neighbours(e)) for e in (1, 3, 4)] == [[1], [3], [3, 4, 5]]
    assert (neighbours(100)[0], neighbours(100)[-1]) == (95, 105)


def test_a_single_value_judges_nothing():
    assert Line("G", 2, -3.0, -2.5, None, None, 1).inside is None
    assert Line("G", 2, -3.0, -2.5, -3.5, -2.0, 5).inside is True
    assert Line("G", 2, -3.6, -2.5, -3.5, -2.0, 5).inside is False


def test_the_verdict_counts_judged_numbers_alone():
    inside, outside = Line("G", 20, -3.0, -2.5, -3.5, -2.0, 5), Line("D", 20, -3.6, -2.5, -3.5, -2.0, 5)
    alone = Line("G", 2, -3.0, -2.5, None, None, 1)
    assert verdict("vanilla", [alone, inside, outside]).startswith("1 of 2 printed numbers lie inside the interval")
    assert verdict("vanilla", [alone]) == "a single value gives no interval; train several seeds, with --seeds 0-4 for instance"


def test_the_verdict_says_why_there_is_nothing_to_compare():
    assert verdict("dcgan", []) == "the tutorial of dcgan printed no numbers"
    assert verdict("vanilla", []).endswith("the tutorial's first printed numbers are of epoch 2")


def test_values_are_those_of_an_epochs_last_batch_with_the_tutorials_sign(tmp_path):
    settings = {"data.held_back": "59000", "generator.widths": "[4]", "discriminator.widths": "[4]"}
    run = sparring.train("vanilla", epochs=2, out=tmp_path / "run", settings=settings, quiet=True)
    last = {event["round"]: -event["g_loss"] for event in run.rounds()}
    assert values_by_epoch(run, PRINTED["vanilla"][0]) == {1: last[10], 2: last[20]}
