"""The training loop: it runs rounds and yields a `RoundInfo` after each; observers draw, write and show."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.schedules import Duration, RoundInfo
from sparring.data.sets import Dataset
from sparring.training.engine import Engine
from sparring.training.probes import traces_on_test_images
from sparring.training.step import Readings


def raise_divergence(found: NonFiniteValue, info: RoundInfo) -> None:
    """DivergenceError: no round may be skipped."""
    raise DivergenceError(found, info)


def raise_error(error: DivergenceError, info: RoundInfo) -> RoundInfo:
    """The error itself: there is nowhere to go on from."""
    raise error


def run_rounds(
    engine: Engine,
    length: Callable[[], Duration],
    start: RoundInfo,
    test: Dataset | None = None,
    on_divergence: Callable[[NonFiniteValue, RoundInfo], None] = raise_divergence,
    recover: Callable[[DivergenceError, RoundInfo], RoundInfo] = raise_error,
) -> Iterator[RoundInfo]:
    """Run rounds from `start` on until `length`, which may change on the way, is reached; yields the state after every round.

    Numbers are read when the journal is due, at an epoch's end and at the end; with test images, traces at every epoch's end.
    Where the engine finds a non-finite value, `on_divergence` is called: it raises DivergenceError, or the run goes on without
    that round, of which nothing is read then. `recover` is called where DivergenceError, naming the number, was raised by it or
    in reading: it raises the error, or returns the state from which the run goes on.
    """
    clock = engine.group.clock(start.seconds)
    num_images, info = len(engine.data), start
    while length().fraction_done(info, num_images) < 1:
        readings, found = {}, None
        try:
            with engine.cores.threads_of(engine, info.round) if engine.cores else nullcontext():
                readings = engine.train_round(info.round)
        except DivergenceError as error:
            found = error.non_finite
        before, images = info.images, engine.images_before(info.round + 1)
        ended = images // num_images > before // num_images
        info = RoundInfo(
            round=info.round + 1,
            images=images,
            epoch=images // num_images if ended else before // num_images + 1,
            seconds=clock(),
            epoch_ended=ended,
        )
        try:
            if found:
                on_divergence(found, info)
            info = _read(engine, info, None if found else readings, length().fraction_done(info, num_images) >= 1, test)
        except DivergenceError as error:
            info = recover(error, error.info or info)
            continue
        yield info


def _read(engine: Engine, info: RoundInfo, readings: Readings | None, last: bool, test: Dataset | None) -> RoundInfo:
    """The state with what is read of its round; DivergenceError, naming the number, where one is not finite."""
    numbers = test_numbers = None
    try:
        if readings is not None and (info.epoch_ended or last or engine.recipe.journal.due(info)):
            numbers = engine.numbers(readings)
        if info.epoch_ended and test is not None:
            test_numbers = traces_on_test_images(engine, test, info.round)
    except DivergenceError as error:
        raise DivergenceError(error.non_finite, info) from None
    read = None if readings is None else partial(engine.numbers, readings)
    return replace(info, last=last, numbers=numbers, test_numbers=test_numbers, read=read)
