import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.config.schedules import Duration, Interval, RoundInfo, Schedule
from sparring.errors import InputError

START = RoundInfo(round=0, images=0, epoch=1, seconds=0.0)


def info(round_: int, epoch: int = 1, epoch_ended: bool = False) -> RoundInfo:
    return RoundInfo(round=round_, images=10 * round_, epoch=epoch, seconds=0.5 * round_, epoch_ended=epoch_ended)


def test_every_so_many_epochs_is_due_at_their_ends():
    rhythm = Interval(epochs=15)
    ends = [epoch for epoch in range(1, 151) if rhythm.due(info(epoch, epoch, epoch_ended=True))]
    assert ends == [15, 30, 45, 60, 75, 90, 105, 120, 135, 150]
    assert not rhythm.due(info(5, epoch=15))
    assert not rhythm.due(START)


def test_every_so_many_rounds_is_due_whatever_the_epoch():
    rhythm = Interval(rounds=20)
    assert [r for r in range(101) if rhythm.due(info(r, epoch_ended=r % 3 == 0))] == [20, 40, 60, 80, 100]
    assert not rhythm.due(START)


@pytest.mark.parametrize(
    ("length", "share"),
    [
        (Duration(epochs=2), 30 / (2 * 60)),
        (Duration(images=300), 30 / 300),
        (Duration(rounds=6), 3 / 6),
        (Duration(minutes=0.25), 1.5 / 15),
    ],
)
def test_share_of_a_run(length, share):
    assert length.fraction_done(info(3), num_images=60) == pytest.approx(share)
    assert length.fraction_done(START, num_images=60) == 0


@pytest.mark.parametrize(
    ("length", "rounds"),
    [(Duration(epochs=2), 12), (Duration(images=301), 31), (Duration(rounds=6), 6), (Duration(minutes=0.1), 12)],
)
def test_a_run_ends_at_the_first_round_that_reaches_its_length(length, rounds):
    assert next(r for r in range(1000) if length.fraction_done(info(r), num_images=60) >= 1) == rounds


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (Duration(epochs=100), "100 epochs"),
        (Duration(images=5), "5 images"),
        (Duration(rounds=200), "200 rounds"),
        (Duration(minutes=0.5), "0.5 minutes"),
    ],
)
def test_a_length_in_words(length, text):
    assert str(length) == text


@pytest.mark.parametrize("kind", [Interval, Duration])
def test_exactly_one(kind):
    with pytest.raises(InputError, match=r"needs exactly one of epochs, .*, not none"):
        kind()
    with pytest.raises(InputError, match=r"needs exactly one of epochs, .*, not epochs, rounds"):
        kind(epochs=1, rounds=1)


@pytest.mark.parametrize("kind", [Interval, Duration])
@pytest.mark.parametrize("number", [0, -1])
def test_above_0(kind, number):
    for field in ("epochs", "rounds"):
        with pytest.raises(InputError, match=f"{field} is {number}; it must be above 0"):
            kind(**{field: number})


@pytest.mark.parametrize("minutes", [0.0, -1.0, math.inf, math.nan])
def test_minutes_are_a_positive_time(minutes):
    with pytest.raises(InputError, match=f"minutes is {minutes}"):
        Duration(minutes=minutes)


@given(every=st.integers(1, 50), upto=st.integers(0, 500))
def test_a_rhythm_is_due_once_in_every_so_many(every, upto):
    rhythm = Interval(rounds=every)
    assert sum(rhythm.due(info(r)) for r in range(upto + 1)) == upto // every


@pytest.mark.parametrize(("shape", "middle"), [("linear", 0.75), ("cosine", 0.5 + 0.5 * (1 + 2**-0.5) / 2)])
def test_a_ramp_goes_from_start_to_end_and_stays(shape, middle):
    ramp = Schedule(of="lr", start=1.0, end=0.5, shape=shape)
    quarter = 0.875 if shape == "linear" else middle
    assert (ramp.at(0), ramp.at(1), ramp.at(3)) == (1.0, 0.5, 0.5)
    assert ramp.at(0.25) == pytest.approx(quarter)
    assert ramp.at(0.5) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "settings", [{"of": "beta2", "start": 1.0}, {"of": "lr", "end": -1.0}, {"of": "strength", "start": 2.0}]
)
def test_impossible_ramps(settings):
    with pytest.raises(InputError, match="ramps: "):
        Schedule(**settings)


@pytest.mark.parametrize("length", [Duration(epochs=1), Duration(rounds=12_000), Duration(images=10**9), Duration(minutes=0.1)])
def test_a_length_is_read_as_it_is_written(length):
    assert Duration.parse(str(length)) == length


@pytest.mark.parametrize("text", ["", "3", "three rounds", "3 days", "1.5 rounds", "-1 rounds", "inf minutes"])
def test_what_is_no_length_is_refused(text):
    with pytest.raises(InputError):
        Duration.parse(text)
