"""Training: order and cadence only. The loop plays rounds and reports moments; others draw, write and show."""

from collections.abc import Iterator
from dataclasses import replace
from math import isfinite

from sparring.cadence import Length, Moment
from sparring.data.sets import Dataset
from sparring.engine import Engine
from sparring.errors import NonFiniteError


def play(engine: Engine, length: Length, start: Moment, test: Dataset | None = None) -> Iterator[Moment]:
    """Play from the moment `start` on until `length` is reached, yielding the moment after every round.

    Numbers are read when the journal is due, at an epoch's end and at the end; with test images, traces at every epoch's end.
    Raises NonFiniteError, naming the value, where one that is read is not finite.
    """
    clock = engine.ranks.clock(start.seconds)
    num_images, moment = len(engine.data), start
    while length.share(moment, num_images) < 1:
        readings = engine.play(moment.round)
        before, images = moment.images, engine.images_before(moment.round + 1)
        ended = images // num_images > before // num_images
        moment = Moment(
            round=moment.round + 1,
            images=images,
            epoch=images // num_images if ended else before // num_images + 1,
            seconds=clock(),
            epoch_ended=ended,
        )
        last = length.share(moment, num_images) >= 1
        numbers = test_numbers = None
        if moment.epoch_ended or last or engine.recipe.journal.due(moment):
            numbers = engine.numbers(readings)
            _check_finite(numbers, moment)
        if moment.epoch_ended and test is not None:
            test_numbers = engine.test_numbers(test, moment.round)
            _check_finite(test_numbers, moment)
        moment = replace(moment, last=last, numbers=numbers, test_numbers=test_numbers)
        yield moment


def _check_finite(numbers: dict[str, float], moment: Moment) -> None:
    for name, value in numbers.items():
        if not isfinite(value):
            raise NonFiniteError(f"{name} became {value} at round {moment.round} (epoch {moment.epoch})")
