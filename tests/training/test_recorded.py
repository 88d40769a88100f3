"""Recorded rounds beside eager ones: the same bits."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from sparring.config.rng import own_torch_state
from sparring.losses import own_loss
from sparring.training.capture import EagerSteps
from sparring.training.engine import Engine
from sparring.training.followed_cores import has_same_bits
from sparring.training.recorded import RecordedSteps, _Recorder
from sparring.training.step import Readings
from tiny import miniature

CPU = torch.device("cpu")
ROUNDS = 14
ORDERS = {4: {"g_lr": 0.5, "gamma": 0.5, "d_hold": 1}, 8: {"beta2": 0.5, "gamma": 0.25, "g_moves": 1, "d_moves": 2}}


def built(name: str, folder, steps: bool = True, **settings: str) -> Engine:
    recipe = miniature(name, folder, **settings)
    engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
    assert isinstance(engine.steps, RecordedSteps)
    if not steps:
        engine.steps = EagerSteps(CPU)
    return engine


def state(engine: Engine) -> list[torch.Tensor]:
    players = engine.gan.generator, engine.gan.discriminator
    networks = [*engine.gan.networks, *([engine.gan.g_ema] if engine.gan.g_ema else [])]
    weights = [tensor for network in networks for tensor in network.state_dict().values()]
    return [*weights, *engine.gan.memory.values(), *(each for player in players for each in player.optimizer.exp_avg_sq)]


def play(engine: Engine, *rounds: int) -> Readings:
    readings: Readings = {}
    with own_torch_state(CPU):
        for round_ in rounds:
            readings = engine.train_round(round_)
    return readings


def num_played(engine: Engine) -> int:
    assert isinstance(engine.steps, RecordedSteps)
    return sum(function is not None for function in engine.steps._functions.values())


@pytest.mark.parametrize("name", ["vanilla", "paper", "dropout-mlp", "ring", "grid", "gaussian"])
def test_recorded_rounds_have_the_bits_of_eager_ones(name, tmp_path):
    engines = built(name, tmp_path), built(name, tmp_path, steps=False)
    for round_ in range(ROUNDS):
        for engine in engines * (round_ in ORDERS):
            engine.orders.give(round_, ORDERS[round_])
        ours, theirs = (play(engine, round_) for engine in engines)
        assert engines[0].numbers(ours) == engines[1].numbers(theirs)
        assert all(map(torch.equal, (*ours.values(), *state(engines[0])), (*theirs.values(), *state(engines[1]))))
    assert engines[0].steps.failure is None
    assert num_played(engines[0]) >= 2


def test_what_a_recorded_round_would_miss_is_computed_eagerly(tmp_path):
    engine, plain = built("vanilla", tmp_path), built("vanilla", tmp_path, steps=False)
    for each in (engine, plain):
        play(each, *range(3))
        each.gan.discriminator.network.register_forward_hook(lambda module, x, y: y.mul(2))
        play(each, 3)
    assert all(map(torch.equal, state(engine), state(plain)))


def test_a_round_that_looks_at_a_value_stays_eager(tmp_path, monkeypatch):
    engine, plain = built("gaussian", tmp_path), built("gaussian", tmp_path, steps=False)
    for each in (engine, plain):
        monkeypatch.setattr(each.gan, "g_loss", partial(doubled_if_large, each.gan.g_loss))
        play(each, *range(5))
    assert engine.steps.failure == "a round depends on a value"
    assert num_played(engine) == 0
    assert all(map(torch.equal, state(engine), state(plain)))


def doubled_if_large(loss, *given) -> torch.Tensor:
    value = loss(*given)
    return 2 * value if value > 0.5 else value


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("flash", {}),
        ("vanilla", {"round.moves": '["move-both"]'}),
        ("vanilla", {"non_finite": "skip"}),
        ("vanilla", {"packing": "2"}),
        ("vanilla", {"augment": "instance-noise"}),
        ("vanilla", {"accumulate": "2"}),
    ],
)
def test_other_recipes_are_not_recorded(name, settings, tmp_path):
    recipe = miniature(name, tmp_path, **settings)
    assert type(Engine.build(recipe, recipe.data.train(), 0, CPU).steps) is EagerSteps


def test_a_loss_of_the_users_is_not_recorded(tmp_path):
    recipe = miniature("gaussian", tmp_path)
    own = own_loss(lambda real, fake: (-real, -fake))
    assert type(Engine.build(replace(recipe, loss=own), recipe.data.train(), 0, CPU).steps) is EagerSteps


def test_a_copy_of_an_engine_plays_on_its_own_weights(tmp_path):
    engine = built("ring", tmp_path)
    play(engine, *range(6))
    before = [each.clone() for each in state(engine)]
    assert has_same_bits(engine, 6, torch.get_num_threads())
    assert all(map(torch.equal, state(engine), before))


def test_recording_leaves_pytorchs_compiler_alone():
    assert not hasattr(_Recorder.__torch_dispatch__, "__wrapped__")
