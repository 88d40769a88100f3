"""Every sign on made-up journals: where it is seen, where it is not, and that each cause is named once."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from sparring.coach import SIGNS, Coach
from sparring.coach.signs import PATIENCE, READINGS

Event = Mapping[str, Any]
ROUND = {"event": "round", "d_real": 0.7, "d_fake": 0.3, "g_gradient": 1.0, "d_gradient": 1.0}
CHECKUP = {"event": "checkup", "spread": 0.9, "contrast": 1.0, "d_real_train": 0.7, "d_real_held_out": 0.68}
SCORE = {
    "event": "score",
    "headline": "frechet_distance",
    "floor": 0.2,
    "frechet_distance": 30.0,
    "largest_class": 0.15,
    "largest_class_excess": 0.04,
}
SCORE |= {f"share_{digit}": 0.1 for digit in range(10)}


def causes(events: Iterable[Event]) -> list[str]:
    coach = Coach()
    return [remark.cause for event in events for remark in coach.observe(event)]


def rounds(**values: float) -> list[Event]:
    return [ROUND | values] * READINGS


def checkups(**values: float) -> list[Event]:
    return [CHECKUP | values] * PATIENCE


SICK: Mapping[str, list[Event]] = {
    "d has won": [*rounds(d_real=0.99, d_fake=0.01), *checkups()],
    "g has won": [SCORE, *rounds(d_real=0.5, d_fake=0.495)],
    "exploding gradients": [*rounds(), *[ROUND | {"d_gradient": 101.0}] * 3],
    "collapse": checkups(spread=0.24),
    "flat output": checkups(contrast=0.29),
    "saturated output": checkups(contrast=1.51),
    "memorising d": checkups(d_real_train=0.9, d_real_held_out=0.74),
    "batch norm": checkups(batch_norm_gap=1.1),
    "lopsided classes": [SCORE | {"largest_class": 0.32, "largest_class_excess": 0.16, "share_8": 0.32, "share_3": 0.0}]
    * PATIENCE,
}
HEALTHY: list[list[Event]] = [
    [*rounds(d_real=0.99, d_fake=0.03), *checkups()],
    [*rounds(d_real=0.97, d_fake=0.01), *checkups()],
    rounds(d_real=0.5, d_fake=0.48),
    [*rounds(), *[ROUND | {"g_gradient": 99.0}] * 20],
    [*rounds(g_gradient=0.01), *[ROUND | {"g_gradient": 99.0}] * 20],  # small numbers may grow
    [*rounds(), *[ROUND | {"g_gradient": 1e6}] * 2],  # two readings of five are an accident
    checkups(),
    checkups(spread=0.26),
    checkups(contrast=0.31),
    checkups(contrast=1.49),
    checkups(d_real_train=0.9, d_real_held_out=0.76),
    [{"event": "checkup", "spread": 0.9}] * PATIENCE,  # of a critic
    checkups(batch_norm_gap=0.9),
    [SCORE | {"largest_class": 0.9, "largest_class_excess": 0.14}] * PATIENCE,
]


def test_each_sign_has_its_sick_journal():
    assert set(SICK) == {sign.cause for sign in SIGNS}


@pytest.mark.parametrize("cause", SICK)
def test_each_cause_is_named_once_however_long_it_lasts(cause):
    assert causes(SICK[cause] * 5) == [cause]


@pytest.mark.parametrize("cause", SICK)
def test_one_event_less_is_too_little(cause):
    assert causes(SICK[cause][:-1]) == []


@pytest.mark.parametrize("events", HEALTHY, ids=range(len(HEALTHY)))
def test_what_is_near_the_edge_is_left_alone(events):
    assert causes(events) == []


@pytest.mark.parametrize("cause", ["collapse", "flat output", "saturated output", "batch norm", "lopsided classes"])
def test_a_run_that_improves_is_given_time(cause):
    falling = [SCORE | {"frechet_distance": 40.0 * 0.8**n} for n in range(PATIENCE)]
    sick = [{k: v for k, v in event.items() if k != "frechet_distance"} for event in SICK[cause]]
    together = [score | event if event["event"] == "score" else score for score, event in zip(falling, sick, strict=True)]
    journal = together if cause == "lopsided classes" else [e for pair in zip(falling, sick, strict=True) for e in pair]
    assert causes(journal) == []
    stuck = [event | {"frechet_distance": 40.0} if event["event"] == "score" else event for event in journal]
    assert causes(stuck) == [cause]


def test_g_that_draws_like_the_real_thing_has_not_won():
    equal = rounds(d_real=0.5, d_fake=0.495)
    assert causes([SCORE | {"frechet_distance": 1.9}, *equal]) == []
    assert causes([SCORE | {"frechet_distance": 2.1}, *equal]) == ["g has won"]
    assert causes(equal) == causes([SCORE | {"floor": None}, *equal]) == []  # nobody knows


def test_without_scores_a_value_that_moves_is_given_time():
    moving = [CHECKUP | {"spread": spread} for spread in (0.10, 0.11, 0.13)]
    assert causes(moving) == []
    assert causes([*moving, CHECKUP | {"spread": 0.13}, CHECKUP | {"spread": 0.13}]) == ["collapse"]


def test_d_may_see_through_a_g_that_learns():
    falling = [SCORE | {"frechet_distance": 40.0 * 0.8**n} for n in range(PATIENCE)]
    assert causes([*rounds(d_real=0.99, d_fake=0.01), *falling, *checkups()]) == []


def test_one_good_review_breaks_the_row():
    bad, good = CHECKUP | {"spread": 0.1}, CHECKUP
    assert causes([bad, bad, good, bad, bad]) == []
    assert causes([bad, bad, good, bad, bad, bad]) == ["collapse"]


def test_lopsided_classes_are_named():
    coach = Coach()
    (remark,) = [r for event in SICK["lopsided classes"] for r in coach.observe(event)]
    assert remark.text.startswith(
        "32% of the samples are of class 8, where real ones have at most 16% of any; hardly any are of class 3"
    )


def test_journals_of_older_versions_and_of_points_are_read():
    old = {"event": "round", "d_real": 0.7, "d_fake": 0.3}
    points = {"event": "checkup", "spread": 0.9, "d_real_train": 0.7, "d_real_held_out": 0.68}
    energy = {"event": "score", "headline": "energy_distance", "floor": 0.0, "energy_distance": 0.1}
    assert causes([{"event": "start"}, *[old] * 30, *[points] * 5, *[energy] * 5, {"event": "end"}]) == []


@pytest.mark.parametrize("cause", SICK)
def test_rounds_that_were_skipped_change_nothing(cause):
    skipped = {
        "event": "non-finite",
        "round": 3,
        "term": "d_loss",
        "network": "discriminator",
        "value": "nan",
        "remedy": "skip",
    }
    assert causes(e for event in SICK[cause] for e in (skipped, event, skipped)) == causes(SICK[cause]) == [cause]


OF_REVIEWS = [sign.cause for sign in SIGNS if sign.of_review]


def concluded(events: Iterable[Event]) -> list[str]:
    coach = Coach()
    for event in events:
        list(coach.observe(event))
    return [remark.cause for remark in coach.conclude()]


@pytest.mark.parametrize("cause", OF_REVIEWS)
def test_at_the_end_the_newest_review_is_enough(cause):
    assert concluded(SICK[cause][-1:]) == [cause]
    assert concluded([*HEALTHY[11], SCORE, *SICK[cause][-1:]]) == [cause]
    assert concluded([*SICK[cause][-1:], CHECKUP | {"batch_norm_gap": 0.1}, SCORE]) == []  # it has recovered
    assert concluded(SICK[cause]) == []  # it was said before


def test_at_the_end_a_run_of_eights_is_told_even_while_it_improves():
    eights = {"largest_class": 1.0, "largest_class_excess": 0.84, "share_8": 1.0} | {f"share_{n}": 0.0 for n in range(8)}
    coach = Coach()
    assert [r for n in range(PATIENCE) for r in coach.observe(SCORE | eights | {"frechet_distance": 90.0 * 0.7**n})] == []
    (remark,) = coach.conclude()
    assert remark.text.startswith("At the end of the run: 100% of the samples are of class 8")
    assert remark.advice.startswith("Train longer first (`sparring resume`). A convolutional G")
    assert list(coach.conclude()) == []


@pytest.mark.parametrize("events", HEALTHY, ids=range(len(HEALTHY)))
def test_at_the_end_what_is_near_the_edge_is_left_alone(events):
    assert concluded(events) == []
