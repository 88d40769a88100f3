"""Several seeds in one process: the emulated graphs of all of them give each seed the bits of its own run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.config.rng import own_torch_state
from sparring.training.engine import Engine
from sparring.training.together import JoinedEngine, NotJoinableError, Together
from tiny import miniature

T = TypeVar("T", bound=Engine)
HERE = Path(__file__).parent
CPU = torch.device("cpu")
NAMES = "vanilla", "ring", "photo"  # the same z twice, ramps and a moving average, uniforms for the augmentation


@pytest.mark.timeout(300)
def test_each_seed_keeps_the_bits_of_its_own_run_in_one_graph_and_when_another_leaves():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE.parents[1] / "src", HERE.parent)))}
    command = [sys.executable, "-W", "ignore", str(HERE / "play_together.py"), *NAMES]
    done = subprocess.run(command, env=environment | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = {line["recipe"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert found.keys() == {*NAMES}
    for name, of in found.items():
        assert of["failure"] is None, of
        assert of["num_recorded"] >= 2, name
        assert of["same_as_alone"] == [True] * 3, name
        assert of["same_readings"], name
        assert of["differs_by"] == 0, name


def engines(name: str, tmp_path: Path, kind: type[T] = JoinedEngine, **settings: str) -> list[T]:
    recipe = miniature(name, tmp_path, **settings)
    return [kind.build(recipe, recipe.data.train(), seed, CPU) for seed in (0, 1)]


def test_on_the_cpu_rounds_of_several_seeds_are_their_own_as_well(tmp_path):
    joined, alone = engines("vanilla", tmp_path), engines("vanilla", tmp_path, Engine)
    Together(joined)
    with own_torch_state(CPU):
        for round_ in range(3):
            for one, other in zip(joined, alone, strict=True):
                ours, theirs = one.train_round(round_), other.train_round(round_)
                assert one.numbers(ours) == other.numbers(theirs)
    for one, other in zip(joined, alone, strict=True):
        for weight, its in zip(one.gan.g_eval.parameters(), other.gan.g_eval.parameters(), strict=True):
            assert torch.equal(weight, its)


class AdamCalls(TorchDispatchMode):
    """Within the block, `num` counts the calls of Adam's kernel."""

    num = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.num += "_fused_adam_" in str(operation)
        return operation(*args, **(kwargs or {}))


def test_adam_is_one_call_for_all_seeds_until_one_of_them_is_steered(tmp_path):
    joined, alone = engines("vanilla", tmp_path), engines("vanilla", tmp_path, Engine)
    Together(joined)
    calls = []
    with own_torch_state(CPU):
        for round_ in range(3):
            if round_ == 2:
                for each in (joined, alone):
                    each[1].orders.give(round_, {"g_lr": 0.5})
            with AdamCalls() as counted:
                joined[0].train_round(round_)
            joined[1].train_round(round_)
            calls.append(counted.num)
            for engine in alone:
                engine.train_round(round_)
    assert calls == [2, 2, 3]  # of D's weights, and of G's
    for one, other in zip(joined, alone, strict=True):
        for weight, its in zip(one.gan.g_eval.parameters(), other.gan.g_eval.parameters(), strict=True):
            assert torch.equal(weight, its)


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [("dcgan", {}, "as dropout does"), ("vanilla", {"non_finite": "skip"}, "looks at every step of its own")],
)
def test_seeds_that_cannot_be_trained_together(name, settings, reason, tmp_path):
    with own_torch_state(CPU), pytest.raises(NotJoinableError, match=reason):
        Together(engines(name, tmp_path, **settings))
