"""Rounds on the pretended GPU with images in main memory, beside rounds with images on it. A line of JSON a recipe."""

import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from graph import GraphGpu
from play import ROUNDS, built, graphed_engine, same
from pretended import GPU

from sparring.config.rng import own_torch_state
from sparring.data.sets import HostImageSet, ImageSet
from sparring.recipe import Recipe
from sparring.training.engine import Engine
from sparring.training.sampler import EngineSampler
from tiny import VARIANTS, miniature


class FromHost:
    """The same data, kept in main memory."""

    def __init__(self, data: Any):
        self._data = data

    def train(self) -> HostImageSet:
        images = self._data.train()
        assert isinstance(images, ImageSet)
        return HostImageSet.of(images)

    def test(self) -> Any:
        return self._data.test()


def play(name: str, folder: Path) -> dict[str, Any]:
    base, settings = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, folder, journal='{"rounds": 1}', **settings)
    from_host = replace(recipe, data=FromHost(recipe.data))
    eager, _ = trained(recipe, graphed=False)
    streamed, events = trained(from_host, graphed=False)
    recorded, _ = trained(from_host, graphed=True)
    with GraphGpu(), own_torch_state(GPU):
        sampler = EngineSampler(streamed, recipe.data.test())
        streamed.numbers(streamed.train_round(ROUNDS))
        sampler.logits(sampler.real(3, "train"))
        streamed.train_round(20)  # another batch than the one that was prepared
        eager.train_round(ROUNDS)
        eager.train_round(20)
    return {
        "same_as_on_the_device": same(recorded, trained(recipe, graphed=True)[0]),
        "same_as_eager": same(streamed, eager),
        "failure": recorded.steps.failure,
        "a_round": {" @ ".join(event): count / ROUNDS for event, count in sorted(events.items())},
    }


def trained(recipe: Recipe, graphed: bool) -> tuple[Engine, Counter]:
    """An engine after some rounds, and what the device copied and waited for."""
    with GraphGpu() as gpu, own_torch_state(GPU):
        engine = graphed_engine(recipe, gpu) if graphed else built(recipe, GPU)
        gpu.events.clear()
        for round_ in range(ROUNDS):
            engine.train_round(round_)
        return engine, Counter(gpu.events)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:]:
        with TemporaryDirectory() as scratch:
            print(json.dumps({"recipe": name, **play(name, Path(scratch))}), flush=True)
