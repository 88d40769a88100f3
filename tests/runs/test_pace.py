"""What training says of the time to expect."""

import re
import time
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

import sparring
from sparring import recipes
from sparring.config.schedules import Duration, Interval, RoundInfo
from sparring.penalties import R1
from sparring.runs.pace import Pace, about
from tiny import SETTINGS, miniature


class StopAfter(sparring.Observer):
    """Stops the training after some seconds."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def on_round(self, event):
        if event.seconds > self.seconds:
            event.stop()


def measured(times: list[float], recipe: sparring.Recipe, numbers_every: int = 1, waits: bool = False) -> Pace | None:
    """The pace after rounds that took these times, once it is known."""
    pace, seconds = Pace(recipe, "fast", waits), 0.0
    for number, each in enumerate(times, 1):
        seconds += each
        numbers = {"g_loss": 0.0} if number % numbers_every == 0 else None
        if pace.add(RoundInfo(number, 64 * number, 1, seconds, numbers=numbers)):
            return pace
    return None


def test_slow_first_rounds_and_a_picture_do_not_count():
    found = measured([5.0, 1.0, 0.3, *[0.1] * 9, 0.8, *[0.1] * 20], recipes.get("vanilla"))
    assert found is not None
    assert found.seconds_per_round == pytest.approx(0.1)


def test_two_seconds_are_needed():
    assert measured([0.1] * 23, recipes.get("vanilla")) is None
    assert measured([0.1] * 25, recipes.get("vanilla")) is not None


def test_a_penalty_that_is_rarely_due_counts_with_its_share():
    recipe = replace(recipes.get("vanilla"), penalties=(R1(gamma=1.0, every=4),))
    found = measured([0.1, 0.1, 0.1, 0.5] * 10, recipe)
    assert found is not None
    assert found.seconds_per_round == pytest.approx(0.2)


def test_on_a_gpu_time_runs_from_reading_to_reading():
    times = [0.0] * 9 + [1.0]  # the round that is read waits for the others
    found = measured(times * 4, recipes.get("vanilla"), numbers_every=10, waits=True)
    assert found is not None
    assert found.seconds_per_round == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("length", "rounds"),
    [(Duration(rounds=500), 500), (Duration(images=6400), 100), (Duration(epochs=2), 20), (Duration(minutes=1), 600)],
)
def test_rounds_of_every_kind_of_length(length, rounds):
    pace = measured([0.1] * 30, replace(recipes.get("vanilla"), length=length))
    assert pace is not None
    assert pace.rounds(RoundInfo(10, 640, 1, 1.0), num_images=640) == pytest.approx(rounds)


@dataclass(frozen=True)
class Slow:
    """A picture that takes a fifth of a second, and fails where it is `broken`."""

    broken: bool = False
    every: ClassVar[Interval] = Interval(rounds=50)

    def render(self, info, sampler):
        if self.broken:
            raise ZeroDivisionError
        if info.round % 50 and not info.last:
            return
        time.sleep(0.2)
        yield f"{info.round}.png", b"a picture"


def expected(tmp_path, monkeypatch, capfd, picture: Slow, rounds: int) -> int:
    """The seconds that a training says it will take."""
    monkeypatch.setattr("sparring.runs.pace.SECONDS", 0.01)
    monkeypatch.setattr("sparring.runs.expected.WORTH_SAYING", 0)
    monkeypatch.setattr("sparring.runs.expected.about", "{:.0f} s".format)
    recipe = replace(miniature("vanilla", tmp_path), pictures=(picture,), review=None, checkpoint=Interval(rounds=rounds))
    sparring.train(recipe, rounds=rounds, out=tmp_path / "run", device="cpu", observers=[StopAfter(0.7)])
    (found,) = re.findall(r"^(\d+) s with pictures", capfd.readouterr().err, re.MULTILINE)
    return int(found)


def test_pictures_that_are_still_to_come_count(tmp_path, monkeypatch, capfd):
    found = expected(tmp_path, monkeypatch, capfd, Slow(), rounds=10_000)
    assert found >= 40


def test_a_picture_that_cannot_be_drawn_takes_no_time(tmp_path, monkeypatch, capfd):
    assert expected(tmp_path, monkeypatch, capfd, Slow(broken=True), rounds=100) < 40


def test_a_quiet_training_tries_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.runs.watch.TimeToExpect", None)
    assert sparring.train("vanilla", rounds=1, out=tmp_path / "run", settings=SETTINGS["vanilla"], quiet=True).frames()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (41.4, "41 s"),
        (840, "14 min"),
        (7_800, "2 h 10 min"),
        (7_200, "2 h"),
        (86_400, "24 h"),
        (864_000, "10 days"),
    ],
)
def test_times_in_words(seconds, words):
    assert about(seconds) == f"about {words}"


def test_how_often_an_interval_is_due():
    assert Interval(rounds=50).times(rounds=120.0, epochs=7.0) == 2
    assert Interval(epochs=3).times(rounds=120.0, epochs=7.0) == 2


def test_training_says_what_to_expect(capfd):
    settings = SETTINGS["vanilla"] | {"journal.rounds": 1000}
    sparring.train("vanilla", rounds=1_000_000, out="run", settings=settings, observers=[StopAfter(3.5)])
    told = r"^about \d+ (?:min|h|h \d+ min|days) with pictures and scores, at [\d.]+ ms a round$"
    said = re.findall(told, capfd.readouterr().err, re.MULTILINE)
    assert len(said) == 1


def test_a_short_training_says_nothing_of_it(capfd):
    sparring.train("vanilla", rounds=40, out="run", settings=SETTINGS["vanilla"])
    assert "with pictures and scores" not in capfd.readouterr().err
