"""Speed of recipes on this machine, beside the floor that their matrix products and convolutions alone set."""

import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Any

import torch

from sparring.bench.arithmetic import mean_flops, round_products
from sparring.bench.floor import build, synchronize
from sparring.bench.products import Product
from sparring.bench.round_flops import count_round_flops
from sparring.bench.startup import StartUp
from sparring.bench.turns import Quartiles, time_in_turns
from sparring.config import devices
from sparring.config.rng import own_torch_state
from sparring.recipe import Recipe
from sparring.training.engine import Engine

__all__ = ["DEFAULT", "Speed", "hardware", "measure"]

DEFAULT = ("vanilla", "upsample", "dropout-mlp", "dcgan", "paper", "quick")
_TURN = 0.6  # seconds that a turn of Sparring lasts, but at least one round


@dataclass(frozen=True)
class Speed:
    """A recipe's figures: medians, with the quartiles beside them.

    `floor_quotient`: the median over the turns of Sparring's time divided by the floor's; None, as the floor, where the
    networks have no layer that the floor counts. `floor_coverage`: the operations of the floor as a share of those that
    Sparring does in matrix products and convolutions, at most 1.
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
    startup: StartUp,
    device: torch.device,
    *,
    repeats: int = 7,
    seconds: float = 20.0,
    progress: Callable[[str, int, int], None] = lambda label, done, total: None,
) -> Speed:
    """Time a recipe and its floor in turns: `repeats` times, or fewer, but three, when so many seconds have passed."""
    data = recipe.data.train()
    products = round_products(recipe, data)
    flops = mean_flops(products)
    num = _rounds_per_turn(startup.seconds_per_round, products)
    with own_torch_state(device):
        floor = build(products, device)
        engine = Engine.build(recipe, data, 0, device)
        coverage = min(1.0, flops / max(count_round_flops(engine), 1))
        training, computing = _Rounds(engine.train_round, num, device), _Rounds(floor.run, num, device)
        programs = (training, computing)
        if num > 1:  # a long round needs no warming up
            training()
            computing()
        first = training.done
        ours, theirs = time_in_turns(programs, repeats, seconds, lambda done, total: progress(recipe.name, done, total))
    images = engine.images_before(training.done) - engine.images_before(first)
    ms = Quartiles.of([1000 * taken / num for taken in ours])
    quotient = Quartiles.of([a / b for a, b in zip(ours, theirs, strict=True)]) if products else None
    return Speed(
        recipe=recipe.name,
        images_per_second=1000 * images / (training.done - first) / ms.median,
        ms_per_round=ms.median,
        ms_per_round_quartiles=(ms.low, ms.high),
        floor_ms=Quartiles.of([1000 * taken / num for taken in theirs]).median if products else None,
        floor_quotient=quotient.median if quotient else None,
        floor_quotient_quartiles=(quotient.low, quotient.high) if quotient else None,
        floor_coverage=coverage,
        gflop_per_round=flops / 1e9,
        memory_format=floor.memory_format,
        num_turns=len(ours),
        rounds_per_turn=num,
        seconds_to_first_round=startup.seconds_to_first_round,
        peak_rss_mib=startup.peak_rss_mib,
        peak_gpu_mib=startup.peak_gpu_mib,
    )


def _rounds_per_turn(seconds_per_round: float, products: Sequence[Product]) -> int:
    """Number of rounds in a turn: whole cycles of penalties that are not always due, unless that more than doubles it."""
    num = max(1, round(_TURN / seconds_per_round))
    cycle = lcm(*{product.every for product in products})
    return -(-num // cycle) * cycle if cycle <= 2 * num else num


@dataclass
class _Rounds:
    """The next `num` rounds, whenever it is called, of the engine or of the floor: those of both have the same numbers, so
    that the same penalties are due."""

    compute: Callable[[int], object]
    num: int
    device: torch.device
    done: int = 0

    def __call__(self) -> None:
        for round_ in range(self.done, self.done + self.num):
            self.compute(round_)
        synchronize(self.device)
        self.done += self.num


def hardware(device: torch.device) -> dict[str, Any]:
    """The machine and the software that the figures hold for."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {"processor": named[1] if named else platform.processor() or platform.machine()} | devices.describe(device)
