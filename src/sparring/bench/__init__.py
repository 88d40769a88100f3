"""How fast recipes are played here, beside the floor that their matrix products and convolutions alone set."""

import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from sparring.bench import floor
from sparring.bench.floor import synchronize
from sparring.bench.fresh import Fresh
from sparring.bench.turns import Spread, alternate
from sparring.config import devices
from sparring.recipe import Recipe
from sparring.training.engine import Engine, own_torch_state

__all__ = ["DEFAULT", "Speed", "hardware", "measure"]

DEFAULT = ("vanilla", "upsample", "dropout-mlp", "dcgan", "paper", "quick")
_TURN = 0.6  # seconds that a turn of Sparring lasts, but at least one round


@dataclass(frozen=True)
class Speed:
    """A recipe's figures: medians, with the quartiles beside them.

    `floor_quotient`: the median over the turns of Sparring's time divided by the floor's; None, as the floor, where the
    networks have no layer that the floor knows. `floor_coverage`: the share of their arithmetic that it knows.
    """

    recipe: str
    images_per_second: float
    ms_per_round: float
    ms_per_round_quartiles: tuple[float, float]
    floor_ms: float | None
    floor_quotient: float | None
    floor_quotient_quartiles: tuple[float, float] | None
    floor_coverage: float
    gflop_per_round: float
    memory_format: str | None
    num_turns: int
    rounds_per_turn: int
    seconds_to_first_round: float
    peak_rss_mib: float | None
    peak_gpu_mib: float | None


def measure(
    recipe: Recipe,
    fresh: Fresh,
    device: torch.device,
    *,
    repeats: int = 7,
    seconds: float = 20.0,
    progress: Callable[[str, int, int], None] = lambda label, done, total: None,
) -> Speed:
    """Time a recipe and its floor in turns: `repeats` times, or fewer, but three, when so many seconds have passed."""
    data = recipe.data.train()
    products, coverage = floor.round_products(recipe, data)
    lowest = floor.build(products, device)
    rounds = max(1, round(_TURN / fresh.seconds_per_round))
    with own_torch_state(device):
        engine = Engine.build(recipe, data, 0, device)
        played = 0

        def play() -> None:
            nonlocal played
            for _ in range(rounds):
                engine.train_round(played)
                played += 1
            synchronize(device)

        def play_floor() -> None:
            for _ in range(rounds):
                lowest.run()
            synchronize(device)

        if rounds > 1:  # a long round needs no warming up
            play()
            play_floor()
        first = played
        programs = (play, play_floor)
        ours, theirs = alternate(programs, repeats, seconds, lambda done, total: progress(recipe.name, done, total))
    images = engine.images_before(played) - engine.images_before(first)
    ms = Spread.of([1000 * taken / rounds for taken in ours])
    quotient = Spread.of([a / b for a, b in zip(ours, theirs, strict=True)]) if products else None
    return Speed(
        recipe=recipe.name,
        images_per_second=1000 * images / (played - first) / ms.median,
        ms_per_round=ms.median,
        ms_per_round_quartiles=(ms.low, ms.high),
        floor_ms=Spread.of([1000 * taken / rounds for taken in theirs]).median if products else None,
        floor_quotient=quotient.median if quotient else None,
        floor_quotient_quartiles=(quotient.low, quotient.high) if quotient else None,
        floor_coverage=coverage,
        gflop_per_round=sum(product.flops for product in products) / 1e9,
        memory_format=lowest.memory_format,
        num_turns=len(ours),
        rounds_per_turn=rounds,
        seconds_to_first_round=fresh.seconds_to_first_round,
        peak_rss_mib=fresh.peak_rss_mib,
        peak_gpu_mib=fresh.peak_gpu_mib,
    )


def hardware(device: torch.device) -> dict[str, str | int]:
    """The machine and the software that the figures hold for."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {"processor": named[1] if named else platform.processor() or platform.machine()} | devices.describe(device)
