"""Rounds follow the cores that are free, where their bits do not depend on it."""

import copy
import os
import subprocess
import sys

import pytest
import torch

from sparring import recipes
from sparring.config import threads
from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.schedules import START, Duration
from sparring.config.threads import CoreUse, own_number
from sparring.data.sets import ImageSet
from sparring.training import followed_cores
from sparring.training.engine import Engine
from sparring.training.followed_cores import FollowedCores, has_same_bits
from sparring.training.loop import run_rounds

PERCEPTRONS = ("vanilla", "paper", "dropout-mlp", "gaussian", "ring")


def engine_of(name):
    images = torch.randint(0, 256, (330, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    recipe = recipes.get(name)
    data = recipe.data.train() if name in ("gaussian", "ring") else ImageSet(images)  # the last batch is short
    return Engine.build(recipe, data, 0, torch.device("cpu"))


def test_perceptrons_have_the_same_bits_with_one_and_two_threads():
    """In a process of its own, whose threads do not spin while others use the cores."""
    subprocess.run([sys.executable, __file__, *PERCEPTRONS], env=os.environ | {"OMP_WAIT_POLICY": "passive"}, check=True)


def compare(names):
    """Rounds of copies, with one and two threads; the engine stays as it was."""
    for name in names:
        engine = engine_of(name)
        engine.train_round(0)
        before = [tensor.clone() for network in engine.gan.networks for tensor in network.state_dict().values()]
        assert has_same_bits(engine, 1, 2), name
        after = [tensor for network in engine.gan.networks for tensor in network.state_dict().values()]
        assert all(map(torch.equal, before, after)), name


def test_other_weights_are_not_the_same_bits(monkeypatch):
    engine = engine_of("vanilla")
    played = iter(([torch.zeros(2)], [torch.tensor([0.0, 1e-30])]))
    monkeypatch.setattr(followed_cores, "_after", lambda *_: next(played))
    assert not has_same_bits(engine, 0, 2)


def test_a_copy_that_diverges_does_not_end_the_run(monkeypatch):
    def diverging(*_):
        raise DivergenceError(NonFiniteValue("g_loss", "generator", "nan"))

    monkeypatch.setattr(followed_cores, "_after", diverging)
    assert not has_same_bits(engine_of("vanilla"), 0, 2)


def test_convolutions_keep_their_threads(monkeypatch):
    monkeypatch.setattr(followed_cores, "_after", pytest.fail)
    assert not has_same_bits(engine_of("flash"), 0, 2)


def test_a_network_that_cannot_be_copied_keeps_its_threads():
    engine = engine_of("vanilla")
    d = engine.gan.discriminator.network
    d.last = d(torch.zeros(2, 1, 28, 28))  # outputs with their graph, as research code keeps them
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(d)
    assert not has_same_bits(engine, 0, 2)


@pytest.mark.parametrize(
    ("equal", "numbers", "tried"),
    [((1, 2, 3), [4, 4, 1, 3, 4], [1, 3]), ((2,), [4, 4, 4, 2, 4], [1, 3, 2]), ((), [4, 4, 4, 4, 4], [1, 3, 2])],
)
def test_rounds_follow_the_cores_every_second(equal, numbers, tried, monkeypatch):
    others = iter((0.0, 3.4, 1.0, 0.1))
    moments = [CoreUse(0.0, 0.0, 0.0)]

    def now():
        moments.append(CoreUse(moments[-1].seconds + 1.01, moments[-1].busy + 1.01 * next(others), 0.0))
        return moments[-1]

    monkeypatch.setattr(threads, "num_cores", lambda: 4)
    monkeypatch.setattr(followed_cores.time, "monotonic", lambda: moments[-1].seconds + 1.005)
    compared, taken = [], []
    monkeypatch.setattr(
        followed_cores, "has_same_bits", lambda engine, round_, number: compared.append(number) or number in equal
    )
    engine = engine_of("vanilla")
    monkeypatch.setattr(
        engine, "train_round", lambda round_: taken.append(torch.get_num_threads()) or {"g_loss": torch.ones(())}
    )
    with own_number(4):
        monkeypatch.setattr(CoreUse, "now", lambda: moments[-1])
        engine.cores = FollowedCores(4)
        monkeypatch.setattr(CoreUse, "now", now)
        monkeypatch.setattr(followed_cores, "EVERY", 2.0)
        with engine.cores.threads_of(engine, 0):
            engine.train_round(0)
        monkeypatch.setattr(followed_cores, "EVERY", 1.0)
        for round_ in range(1, 5):
            with engine.cores.threads_of(engine, round_):
                engine.train_round(round_)
            assert torch.get_num_threads() == 4
    assert taken == numbers
    assert compared == tried  # each number once


def test_a_run_whose_threads_change_has_the_weights_of_one_whose_threads_do_not(monkeypatch):
    monkeypatch.setattr(followed_cores, "EVERY", 0.0)
    free = iter([2, 1] * 10)
    monkeypatch.setattr(CoreUse, "free_since", lambda *_: next(free))
    plain, followed = engine_of("vanilla"), engine_of("vanilla")
    followed.cores = FollowedCores(2)
    for engine in (plain, followed):
        for _ in run_rounds(engine, lambda: Duration(rounds=4), START):
            pass
    for ours, theirs in zip(plain.gan.networks, followed.gan.networks, strict=True):
        assert all(map(torch.equal, ours.state_dict().values(), theirs.state_dict().values()))
    assert next(free, None) == 2  # four looks


if __name__ == "__main__":
    torch.set_num_threads(1)
    compare(sys.argv[1:])
