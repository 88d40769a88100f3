"""Rounds of recipes in miniature on the pretended GPU: beside the CPU's, and recorded beside eager. A line of JSON a recipe."""

import json
import sys
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
from graph import GraphGpu
from pretended import GPU, values_of

from sparring.config.rng import own_torch_state
from sparring.config.schedules import RoundInfo
from sparring.recipe import Recipe
from sparring.runs import checkpoint
from sparring.runs.checkpoint import Checkpoint
from sparring.training.capture import GraphedSteps
from sparring.training.engine import Engine
from sparring.training.sampler import EngineSampler
from tiny import SETTINGS, VARIANTS, miniature

T = TypeVar("T", bound=Engine)
CPU = torch.device("cpu")
ROUNDS = 9
NAMES = (*sorted(SETTINGS), "modern", *VARIANTS)


def play(name: str, folder: Path) -> dict[str, Any]:
    """How far rounds on the pretended GPU are from the CPU's, and recorded ones from eager ones; where ordinary rounds wait."""
    base, settings = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, folder, journal='{"rounds": 1}', **settings)
    with own_torch_state(CPU):
        cpu = built(recipe, CPU)
        cpu.train_round(0)
        on_cpu = gradients(cpu)
    with GraphGpu() as gpu, own_torch_state(GPU):
        eager = built(recipe, GPU)
        gpu.events.clear()
        readings = eager.train_round(0)
        on_gpu = gradients(eager)
        for round_ in range(1, ROUNDS):
            readings = eager.train_round(round_)
        events = Counter(gpu.events)
        eager.numbers(readings)
        sampler = EngineSampler(eager, recipe.data.test())
        sampler.samples(5, "x")
        sampler.at_init(3)
        sampler.logits(sampler.real(3, "test"))
    with GraphGpu() as gpu, own_torch_state(GPU):
        graphed = graphed_engine(recipe, gpu)
        for round_ in range(ROUNDS - 2):
            graphed.train_round(round_)
        saved = saved_state(graphed)
        for round_ in range(ROUNDS - 2, ROUNDS):
            graphed.train_round(round_)
        resumed = graphed_engine(recipe, gpu)
        checkpoint.restore(saved, resumed.gan)
        for round_ in range(ROUNDS - 2, ROUNDS):
            resumed.train_round(round_)
    return {
        "gradients": [distance(a, b) for a, b in zip(on_gpu, on_cpu, strict=True)],
        "failure": graphed.steps.failure,
        "num_recorded": len(graphed.steps._recorded),  # pyright: ignore[reportAttributeAccessIssue]
        "same_as_eager": same(graphed, eager),
        "same_when_resumed": same(resumed, graphed),
        "a_round": {" @ ".join(event): count / ROUNDS for event, count in sorted(events.items())},
    }


def graphed_engine(recipe: Recipe, gpu: GraphGpu) -> Engine:
    engine = built(recipe, GPU)
    assert engine.fast
    engine.steps = GraphedSteps([engine.fast], GPU, gpu.record)
    return engine


def saved_state(engine: Engine) -> Checkpoint:
    """A checkpoint in memory, on the CPU (safetensors cannot read the pretended device)."""
    tensors = {name: values_of(tensor).clone() for name, tensor in checkpoint.state_tensors(engine.gan).items()}
    generator, discriminator = (player.optimizer.clock.count for player in (engine.gan.generator, engine.gan.discriminator))
    return Checkpoint(Path(), RoundInfo(ROUNDS - 2, 1, 1, 0.0), 0, (generator, discriminator), tensors)


def gradients(engine: Engine) -> list[torch.Tensor]:
    """Each network's gradient in its last step, flat."""
    players = engine.gan.generator, engine.gan.discriminator
    return [torch.cat([values_of(each).flatten().double() for each in player.gradients]) for player in players]


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).norm() / b.norm()).item()


def same(one: Engine, other: Engine) -> bool:
    return all(torch.equal(a, b) for a, b in zip(states(one), states(other), strict=True))


def built(recipe: Recipe, device: torch.device, seed: int = 0, kind: type[T] = Engine) -> T:
    """An engine that is steered on its way, which recorded rounds have to follow."""
    engine = kind.build(recipe, recipe.data.train(), seed, device)
    engine.orders.give(5, {"g_lr": 0.5, "gamma": 0.5, "d_hold": 1})
    engine.orders.give(8, {"strength": 0.5, "g_hold": 1})
    return engine


def states(engine: Engine) -> list[torch.Tensor]:
    """All weights and buffers, and Adam's means of squared gradients."""
    networks = [*engine.gan.networks, *([engine.gan.g_ema] if engine.gan.g_ema else [])]
    tensors = [tensor for network in networks for tensor in network.state_dict().values()]
    moments = [tensor for player in (engine.gan.generator, engine.gan.discriminator) for tensor in player.optimizer.exp_avg_sq]
    return [values_of(tensor) for tensor in (*tensors, *moments)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or NAMES:
        with TemporaryDirectory() as scratch:
            try:
                result = play(name, Path(scratch))
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}", "where": traceback.format_exc().splitlines()[-8:]}
        print(json.dumps({"recipe": name, **result}), flush=True)
