"""Recorded rounds on the pretended GPU that get other moves on their way, beside eager ones. A line of JSON a recipe."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from graph import GraphGpu
from play import built, graphed_engine, same
from pretended import GPU

from sparring.config.rng import own_torch_state
from sparring.training.engine import Engine
from tiny import miniature

ROUNDS = 14


def steered(engine: Engine) -> Engine:
    """Play rounds of which the middle ones have as many moves, but other ones."""
    engine.orders.give(3, {"g_moves": 1, "d_moves": 2})
    engine.orders.give(10, {"g_moves": None, "d_moves": None})
    for round_ in range(ROUNDS):
        engine.train_round(round_)
    return engine


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        with TemporaryDirectory() as scratch:
            recipe = miniature(name, Path(scratch))
            with GraphGpu(), own_torch_state(GPU):
                eager = steered(built(recipe, GPU))
            with GraphGpu() as gpu, own_torch_state(GPU):
                graphed = steered(graphed_engine(recipe, gpu))
        found = {"same_as_eager": same(graphed, eager), "failure": graphed.steps.failure, "images": eager.images_before(ROUNDS)}
        print(json.dumps({"recipe": name, **found}), flush=True)
