"""Dry run: two seconds of rounds that write nothing, for the memory and the time to expect."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring.api.origin import Origin, require_trained
from sparring.api.session import Options, engine_name, joined_processes
from sparring.config import devices
from sparring.config.schedules import START, Duration, Interval
from sparring.distributed.launch import Launch
from sparring.recipe import Recipe
from sparring.runs.extras import Extras
from sparring.runs.pace import Pace
from sparring.training.capture import EngineName
from sparring.training.loop import run_rounds
from sparring.training.output_range import output_warnings
from sparring.training.sampler import EngineSampler


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
        whole = Extras(recipe, EngineSampler(built, test), reference, info, rounds)
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
