"""Dry run: two seconds of rounds that write nothing, for the memory and the time to expect."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sparring import evaluation
from sparring.api.origin import Origin, require_trained
from sparring.api.session import Options, engine_name, joined_processes
from sparring.config import devices
from sparring.config.schedules import START, Duration, Interval, RoundInfo
from sparring.distributed.launch import Launch
from sparring.evaluation import Reference
from sparring.recipe import Recipe
from sparring.runs.pace import Pace
from sparring.training.capture import EngineName
from sparring.training.loop import run_rounds
from sparring.training.output_range import output_warnings
from sparring.training.probes import run_probes, traces_on_test_images
from sparring.training.sampler import EngineSampler
from sparring.visual.sampler import Picture


def dry_run(
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    engine: EngineName = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    start_from: str | Path | None = None,
    quiet: bool = False,
) -> dict[str, Any]:
    """Build a recipe, train for two seconds, take a review and draw each kind of picture, and write nothing.

    Returns parameters, memory, and the time to expect, in which reviews and pictures count; checkpoints do not.
    """
    require_trained(recipe, start_from)
    options = Options(device, engine, threads, quiet=quiet)
    with joined_processes(Launch.of(), options) as session, devices.deterministic(deterministic, session.device):
        waits = session.device.type != "cpu"
        read_every_round = replace(recipe, journal=Interval(rounds=1))  # a reading waits for the device to be done
        built, test = session.build(read_every_round if waits else recipe, seed)
        recipe = replace(built.recipe, journal=recipe.journal)
        for text in output_warnings(recipe, built.data):
            session.progress.say(text)
        reference = session.reference(recipe)
        if start_from is not None:
            origin = Origin.of(start_from)
            origin.load_into(built)
            session.progress.say(origin.told(built))
        pace, info = Pace(recipe, engine_name(built), waits), START
        for info in run_rounds(built, lambda: Duration(rounds=1 << 40), START):
            if pace.add(info):
                break
        rounds = pace.rounds(info, len(built.data))
        whole = _Whole(recipe, EngineSampler(built, test), reference, info, rounds)
        seconds_of_pictures, seconds_of_reviews = sum(map(whole.seconds_of, recipe.pictures)), whole.seconds_of_reviews()
    generator, discriminator = built.gan.networks
    return {
        "recipe": recipe.name,
        "device": str(session.device),
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
        "peak_memory_mib": devices.peak_memory_mib(session.device),
        "ms_per_round": 1000 * pace.seconds_per_round,
        "length": str(recipe.length),
        "rounds": round(rounds),
        "epochs": whole.epochs,
        "seconds_of_reviews": seconds_of_reviews,
        "seconds_of_pictures": seconds_of_pictures,
        "seconds_to_expect": rounds * pace.seconds_per_round + seconds_of_reviews + seconds_of_pictures,
    }


@dataclass(frozen=True)
class _Whole:
    """A whole training of so many rounds, of which `info` is a place that was reached."""

    recipe: Recipe
    sampler: EngineSampler
    reference: Reference | None
    info: RoundInfo
    rounds: float

    @property
    def epochs(self) -> float:
        return self.rounds * self.info.images / self.info.round / len(self.sampler.engine.data)

    def seconds_of(self, picture: Picture) -> float:
        """Draw what is due before the first round, after an epoch and at the end; the time that all such pictures take."""
        every = getattr(picture, "every", None)  # of other pictures there is one
        every = Interval(epochs=every) if isinstance(every, int) else every
        times = every.times(self.rounds, self.epochs) if every else 1
        due = replace(self.info, epoch=(every and every.epochs) or 1, epoch_ended=True, last=True)

        def draw(info: RoundInfo) -> float:
            return _seconds(lambda: list(picture.render(info, self.sampler)))

        first = draw(START) + draw(due)  # which may import matplotlib
        return first + ((times - 1) * draw(due) if times > 1 else 0.0)

    def seconds_of_reviews(self) -> float:
        """The time that all reviews and all traces on test images take."""
        engine, test, review = self.sampler.engine, self.sampler.test, self.recipe.review
        times = review.times(self.rounds, self.epochs) if review else 0
        traces = int(self.epochs) if self.recipe.test_traces else 0
        seconds = times * _seconds(self._review) if times else 0.0
        return seconds + (traces * _seconds(lambda: traces_on_test_images(engine, test, 0)) if traces else 0.0)

    def _review(self) -> None:
        engine = self.sampler.engine
        if self.reference is not None:
            samples = evaluation.as_dataset(self.sampler.samples(evaluation.QUICK, "quick score", 0))
            evaluation.quick_scores(self.reference, samples, engine.seed)
        run_probes(engine, self.sampler.test)


def _seconds(work: Callable[[], object]) -> float:
    """The time that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
