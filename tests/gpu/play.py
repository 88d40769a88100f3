"""Rounds of recipes in miniature on the pretended GPU: beside the CPU's, and recorded beside eager. A line of JSON a recipe."""

import json
import sys
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from graph import GraphGpu
from pretended import GPU, values_of

from sparring.recipe import Recipe
from sparring.training import batch_order
from sparring.training.capture import GraphedSteps
from sparring.training.engine import Engine, own_torch_state
from sparring.training.sampler import EngineSampler
from tiny import SETTINGS, miniature

CPU = torch.device("cpu")
ROUNDS = 9
VARIANTS = {
    "photo-adaptive": ("photo", {"augment": "adaptive", "augment.every": "1"}),
    "flash-skip": ("flash", {"non_finite": "skip"}),
    "flash-dragan": ("flash", {"penalties": '["dragan"]'}),
    "flash-lecam": ("flash", {"penalties": '["le-cam"]'}),
    "flash-clipping": ("flash", {"constraint": "weight-clipping", "loss": "wasserstein", "penalties": "[]"}),
    "cgan-acgan": ("cgan", {"condition": "auxiliary-classifier"}),
    "flash-noise": ("flash", {"augment": "instance-noise"}),
    "flash-relativistic-average": ("flash", {"loss": "relativistic-average"}),
}
NAMES = (*sorted(SETTINGS), "modern", *VARIANTS)


def play(name: str, folder: Path) -> dict[str, Any]:
    """How far the pretended GPU is from the CPU, and recorded rounds from eager ones; where ordinary rounds wait."""
    base, settings = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, folder, journal='{"rounds": 1}', **settings)
    with own_torch_state(CPU):
        cpu = built(recipe, CPU)
        on_cpu = [cpu.train_round(round_) for round_ in range(ROUNDS)]
        numbers = cpu.numbers(on_cpu[-1])
    with GraphGpu() as gpu, own_torch_state(GPU):
        eager = built(recipe, GPU)
        gpu.events.clear()
        readings = [eager.train_round(round_) for round_ in range(ROUNDS)]
        events = Counter(gpu.events)
        found = eager.numbers(readings[-1])
        sampler = EngineSampler(eager, recipe.data.test())
        sampler.samples(5, "x"), sampler.at_init(3), sampler.logits(sampler.real(3, "test"))
    gpu = GraphGpu()
    with gpu, own_torch_state(GPU):
        graphed = built(recipe, GPU)
        graphed.steps = GraphedSteps(graphed.gan, GPU, gpu.record)
        for round_ in range(ROUNDS):
            graphed.train_round(round_)
        num_recorded = len(graphed.steps._recorded)
        as_graphed = states(graphed)
    return {
        "from_cpu": max(abs(found[key] - value) / max(1e-3, abs(value)) for key, value in numbers.items() if value is not None),
        "recorded": num_recorded,
        "failure": graphed.steps.failure,
        "same_bits": all(torch.equal(a, b) for a, b in zip(states(eager), as_graphed, strict=True)),
        "events": {" @ ".join(event): round(count / ROUNDS, 2) for event, count in sorted(events.items())},
    }


def built(recipe: Recipe, device: torch.device) -> Engine:
    batch_order._permutation.cache_clear()
    return Engine.build(recipe, recipe.data.train(), 0, device)


def states(engine: Engine) -> list[torch.Tensor]:
    networks = [*engine.gan.networks, *([engine.gan.g_ema] if engine.gan.g_ema else [])]
    moments = [tensor for player in (engine.gan.generator, engine.gan.discriminator) for tensor in player.optimizer.exp_avg_sq]
    return [values_of(tensor) for network in networks for tensor in network.state_dict().values()] + list(
        map(values_of, moments)
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or NAMES:
        with TemporaryDirectory() as scratch:
            try:
                result = play(name, Path(scratch))
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}", "where": traceback.format_exc().splitlines()[-8:]}
        print(json.dumps({"recipe": name, **result}), flush=True)
