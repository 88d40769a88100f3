"""Three seeds of recipes in miniature, together in emulated graphs and each by itself. A line of JSON a recipe."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from graph import GraphGpu
from play import GPU, ROUNDS, built, same

from sparring.config.rng import own_torch_state
from sparring.training.together import JoinedEngine, Together
from tiny import VARIANTS, miniature

SEEDS = 0, 3, 7
LEAVING, LEAVES_AFTER = 3, 6  # the seed that leaves, and the rounds that it trains


def play(name: str, folder: Path) -> dict[str, Any]:
    """Whether each seed's state is that of its own eager run, and what was recorded."""
    base, settings = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, folder, journal='{"rounds": 1}', **settings)
    with GraphGpu() as gpu, own_torch_state(GPU):
        engines = [built(recipe, GPU, seed, JoinedEngine) for seed in SEEDS]
        together = Together(engines, gpu.record)
        num_recorded, d_losses = 0, []
        for round_ in range(ROUNDS):
            if round_ == LEAVES_AFTER:
                num_recorded = len(together.steps._recorded)  # pyright: ignore[reportAttributeAccessIssue]
                together.leave(next(engine for engine in engines if engine.seed == LEAVING))
            d_losses = [engine.train_round(round_)["d_loss"].item() for engine in together.engines]
    with GraphGpu(), own_torch_state(GPU):
        alone = []
        for seed in SEEDS:
            engine = built(recipe, GPU, seed)
            *_, readings = [engine.train_round(round_) for round_ in range(LEAVES_AFTER if seed == LEAVING else ROUNDS)]
            alone.append((engine, readings["d_loss"].item()))
    return {
        "failure": together.steps.failure,
        "num_recorded": num_recorded,
        "same_as_alone": [same(one, other) for one, (other, _) in zip(engines, alone, strict=True)],
        "same_readings": d_losses == [d_loss for engine, d_loss in alone if engine.seed != LEAVING],
        "differs_by": max((share for engine in engines for share in engine.steps.differences), default=None),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        with TemporaryDirectory() as scratch:
            print(json.dumps({"recipe": name, **play(name, Path(scratch))}), flush=True)
