"""Dry run: a few rounds that write nothing, for the memory and the time to expect."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring.api.session import build, engine_name, load_weights, take_threads
from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.config.schedules import START, Duration, Interval, RoundInfo
from sparring.config.threads import ThreadChoice
from sparring.recipe import Recipe
from sparring.runs.progress import Progress
from sparring.runs.run import Run
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
    """Build a recipe, train a few rounds and draw each kind of picture once, and write nothing.

    Returns parameters, memory, and the time to expect.
    """
    torch_device = devices.resolve(device)
    read_every_round = replace(recipe, journal=Interval(rounds=1))  # a reading waits for the device to be done
    same_bits = devices.deterministic(deterministic, torch_device)
    with Progress(quiet) as progress, own_torch_state(torch_device), same_bits:
        choice = ThreadChoice(threads, torch_device)
        built, test = build(read_every_round, seed, torch_device, progress, engine=engine)
        take_threads(choice, built, progress.say)
        for text in output_warnings(recipe, built.data):
            progress.say(text)
        if start_from is not None:
            load_weights(built, Run.open(start_from))
        rounds = 12 if engine_name(built) == "capture" else 3  # so that the last one is replayed
        *_, before, last = run_rounds(built, Duration(rounds=rounds), START)
        _draw_pictures(recipe, EngineSampler(built, test), last)
    seconds_per_round = last.seconds - before.seconds  # the first rounds warm up
    share = recipe.length.fraction_done(last, len(built.data))
    generator, discriminator = built.gan.networks
    return {
        "recipe": recipe.name,
        "device": str(torch_device),
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
        "peak_memory_mib": devices.peak_memory_mib(torch_device),
        "ms_per_round": 1000 * seconds_per_round,
        "length": str(recipe.length),
        "seconds_to_expect": rounds / share * seconds_per_round,
    }


def _draw_pictures(recipe: Recipe, sampler: EngineSampler, last: RoundInfo) -> None:
    """Draw what is due before the first round, after an epoch and at the end, so that what cannot be drawn is found now."""
    for picture in recipe.pictures:
        every = getattr(picture, "every", 1)
        epoch = every if isinstance(every, int) else 1
        for info in (START, replace(last, epoch=epoch, epoch_ended=True, last=True)):
            for _ in picture.render(info, sampler):
                pass
