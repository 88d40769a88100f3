"""What a training says of its length on this machine, after its first seconds."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from sparring.config.schedules import RoundInfo
from sparring.runs.extras import Extras
from sparring.runs.pace import Pace, about
from sparring.runs.recorder import Recorder
from sparring.training.observers import Event, Observer

WORTH_SAYING = 10  # seconds that a training takes
DRAWN = 0.1  # of a review's samples
END = 1.0  # seconds for plots and animation


class TimeToExpect(Observer):
    """Says how long the training will take, its pictures and scores included, of which it tries one.

    Traces on test images are not tried: other processes would have to take part.
    """

    def __init__(self, recorder: Recorder, say: Callable[[str], None]):
        self._recorder, self._say = recorder, say
        self._pace: Pace | None = None

    def on_start(self, event: Event) -> None:
        """Begin to measure."""
        facts, self._start = event.run.facts, event.info
        self._pace = Pace(event.run.recipe, str(facts.get("engine")), facts.get("device") != "cpu")

    def on_round(self, event: Event) -> None:
        """Say it once the time of a round is known; nothing of a training that ends with the clock, or soon."""
        info, pace = event.info, self._pace
        if pace is None or not pace.add(info):
            return
        self._pace = None
        rounds = pace.rounds(info, event.num_images)
        seconds = info.seconds - self._start.seconds + (rounds - info.round) * pace.seconds_per_round
        if seconds > WORTH_SAYING and event.run.recipe.length.minutes is None:
            seconds += (1 - info.round / rounds) * self._seconds_of_extras(info, rounds) + END
            self._say(f"{about(seconds)} with pictures and scores, at {1000 * pace.seconds_per_round:,.1f} ms a round")

    def _seconds_of_extras(self, info: RoundInfo, rounds: float) -> float:
        recorder, seconds = self._recorder, 0.0
        recipe = replace(recorder.run.recipe, test_traces=False)
        extras = Extras(recipe, recorder.sampler, recorder.reference, info, rounds, DRAWN)
        for picture in recipe.pictures:
            with suppress(Exception):  # a picture that cannot be drawn is reported when it is due
                seconds += extras.seconds_of(picture)
        with suppress(Exception):
            seconds += extras.seconds_of_reviews()
        return seconds
