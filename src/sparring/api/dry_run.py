"""Dry run: a few rounds that write nothing, for the memory and the time to expect."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring.api.session import build, load_weights
from sparring.config import devices
from sparring.config.schedules import START, Duration, Interval
from sparring.recipe import Recipe
from sparring.runs.progress import Progress
from sparring.runs.run import Run
from sparring.training.engine import own_torch_state
from sparring.training.loop import run_rounds


def dry_run(
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    start_from: str | Path | None = None,
    quiet: bool = False,
    rounds: int = 3,
) -> dict[str, Any]:
    """Build a recipe, train a few rounds and write nothing; returns parameters, memory, and the time to expect."""
    torch_device = devices.resolve(device)
    read_every_round = replace(recipe, journal=Interval(rounds=1))  # a reading waits for the device to be done
    with Progress(quiet) as progress, own_torch_state(torch_device):
        engine, _ = build(read_every_round, seed, torch_device, progress)
        if start_from is not None:
            load_weights(engine, Run.open(start_from))
        *_, before, last = run_rounds(engine, Duration(rounds=rounds), START)
    seconds_per_round = last.seconds - before.seconds  # the first rounds warm up
    share = recipe.length.fraction_done(last, len(engine.data))
    generator, discriminator = engine.gan.networks
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
