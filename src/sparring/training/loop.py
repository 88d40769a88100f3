"""Training: order and cadence only. The loop plays rounds and reports moments; others draw, write and show."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from sparring.config.non_finite import DivergenceError, Trouble
from sparring.config.schedules import Length, Moment
from sparring.data.sets import Dataset
from sparring.training.engine import Engine
from sparring.training.probes import traces


def refuse(trouble: Trouble, moment: Moment) -> None:
    """No round may be left out: DivergenceError."""
    raise DivergenceError(trouble, moment)


def play(
    engine: Engine,
    length: Length,
    start: Moment,
    test: Dataset | None = None,
    excuse: Callable[[Trouble, Moment], None] = refuse,
) -> Iterator[Moment]:
    """Play from the moment `start` on until `length` is reached, yielding the moment after every round.

    Numbers are read when the journal is due, at an epoch's end and at the end; with test images, traces at every epoch's end.
    Where the engine finds a value of a round that is not finite, `excuse` is told: it raises DivergenceError, or the run goes
    on without that round, of which nothing is read then. Raises DivergenceError, naming it, where a number is not finite.
    """
    clock = engine.ranks.clock(start.seconds)
    num_images, moment = len(engine.data), start
    while length.share(moment, num_images) < 1:
        readings, trouble = {}, None
        try:
            readings = engine.play(moment.round)
        except DivergenceError as error:
            trouble = error.trouble
        before, images = moment.images, engine.images_before(moment.round + 1)
        ended = images // num_images > before // num_images
        moment = Moment(
            round=moment.round + 1,
            images=images,
            epoch=images // num_images if ended else before // num_images + 1,
            seconds=clock(),
            epoch_ended=ended,
        )
        if trouble:
            excuse(trouble, moment)
        last = length.share(moment, num_images) >= 1
        numbers = test_numbers = None
        try:
            if not trouble and (moment.epoch_ended or last or engine.recipe.journal.due(moment)):
                numbers = engine.numbers(readings)
            if moment.epoch_ended and test is not None:
                test_numbers = traces(engine, test, moment.round)
        except DivergenceError as error:
            raise DivergenceError(error.trouble, moment) from None
        moment = replace(moment, last=last, numbers=numbers, test_numbers=test_numbers)
        yield moment
