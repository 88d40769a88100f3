"""Dry run: two seconds of rounds that write nothing, for the memory and the time to expect."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring import evaluation
from sparring.api.session import Options, engine_name, joined_processes, load_weights
from sparring.config import devices
from sparring.config.schedules import START, Duration, Interval, RoundInfo
from sparring.distributed.launch import Launch
from sparring.recipe import Recipe
from sparring.runs.pace import Pace
from sparring.runs.run import Run
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
    options = Options(device, engine, threads, quiet=quiet)
    with joined_processes(Launch.of(), options) as session, devices.deterministic(deterministic, session.device):
        waits = session.device.type != "cpu"
        read_every_round = replace(recipe, journal=Interval(rounds=1))  # a reading waits for the device to be done
        built, test = session.build(read_every_round if waits else recipe, seed)
        for text in output_warnings(recipe, built.data):
            session.progress.say(text)
        reference = session.reference(recipe)
        if start_from is not None:
            load_weights(built, Run.open(start_from))
        pace, info = Pace(recipe, engine_name(built), waits), START
        for info in run_rounds(built, Duration(rounds=1 << 40), START):
            if pace.add(info):
                break
        rounds = pace.rounds(info, len(built.data))
        epochs = rounds * info.images / info.round / len(built.data)
        sampler = EngineSampler(built, test)
        seconds_of_pictures = sum(_of_picture(picture, sampler, info, rounds, epochs) for picture in recipe.pictures)

        def review() -> None:
            if reference is not None:
                samples = evaluation.as_dataset(sampler.samples(evaluation.QUICK, "quick score", 0))
                evaluation.quick_scores(reference, samples, seed)
            run_probes(built, test)

        reviews = recipe.review.times(rounds, epochs) if recipe.review else 0
        seconds_of_reviews = reviews * _seconds(review) if reviews else 0.0
        if recipe.test_traces:
            seconds_of_reviews += int(epochs) * _seconds(lambda: traces_on_test_images(built, test, 0))
    generator, discriminator = built.gan.networks
    return {
        "recipe": recipe.name,
        "device": str(session.device),
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
        "peak_memory_mib": devices.peak_memory_mib(session.device),
        "ms_per_round": 1000 * pace.seconds_per_round,
        "length": str(recipe.length),
        "seconds_of_reviews": seconds_of_reviews,
        "seconds_of_pictures": seconds_of_pictures,
        "seconds_to_expect": rounds * pace.seconds_per_round + seconds_of_reviews + seconds_of_pictures,
    }


def _of_picture(picture: Picture, sampler: EngineSampler, info: RoundInfo, rounds: float, epochs: float) -> float:
    """Draw what is due before the first round, after an epoch and at the end; the seconds of such pictures in a whole run."""
    every = getattr(picture, "every", None)
    times = every.times(rounds, epochs) if isinstance(every, Interval) else int(epochs // every) if every else 0
    due = replace(info, epoch=every if isinstance(every, int) else 1, epoch_ended=True, last=True)
    first = sum(_seconds(lambda at=at: list(picture.render(at, sampler))) for at in (START, due))  # imports take their time
    return first + max(0, times - 1) * (_seconds(lambda: list(picture.render(due, sampler))) if times > 1 else 0.0)


def _seconds(work: Callable[[], object]) -> float:
    """The time that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
