"""What changes while a GAN trains: schedules, orders, and which of them wins."""

from dataclasses import replace

import pytest
import torch

from sparring.config.rng import own_torch_state
from sparring.config.schedules import Schedule
from sparring.errors import InputError
from sparring.recipe import MoveBoth, MoveD, MoveG, Recipe, Round
from sparring.training import batch_order
from sparring.training.engine import Engine
from sparring.training.knobs import Knobs, Orders
from tiny import miniature

CPU = torch.device("cpu")


def engine_of(recipe: Recipe, fast: bool = True) -> Engine:
    batch_order._in_order.cache_clear()
    return Engine.build(recipe, recipe.data.train(), 0, CPU, fast=fast)


def weights(engine: Engine) -> list[torch.Tensor]:
    return [p.detach().clone() for network in engine.gan.networks for p in network.parameters()]


def test_an_order_is_a_factor_until_it_is_released():
    orders, scheduled = Orders(), Knobs(g_lr=0.5, d_lr=0.25, gamma=2.0, beta2=0.9)
    assert orders.on(scheduled, 3) == scheduled
    orders.give(3, {"g_lr": 0.1, "gamma": 0, "beta2": 0.99})
    assert orders.on(scheduled, 3) == replace(scheduled, g_lr=0.05, gamma=0.0, beta2=0.99)
    assert orders.on(replace(scheduled, g_lr=0.2), 9).g_lr == pytest.approx(0.02)
    orders.give(10, {"g_lr": None, "beta2": None, "d_hold": 2})
    assert orders.on(scheduled, 10) == replace(scheduled, gamma=0.0, d_held=True)
    assert [orders.on(scheduled, round_).d_held for round_ in (10, 11, 12)] == [True, True, False]


def test_a_side_may_step_in_every_nth_round_alone():
    orders = Orders()
    orders.give(1, {"g_every": 3, "d_every": 2, "d_hold": 2})
    assert [round_ for round_ in range(1, 10) if not orders.on(Knobs(), round_).g_held] == [3, 6, 9]
    assert [round_ for round_ in range(1, 10) if not orders.on(Knobs(), round_).d_held] == [4, 6, 8]
    orders.give(10, {"g_every": None, "d_every": 1})
    assert orders.on(Knobs(), 10) == orders.on(Knobs(), 11) == Knobs()


def test_a_round_has_as_many_moves_as_ordered():
    orders = Orders()
    orders.give(2, {"g_moves": 2, "d_moves": 3})
    orders.give(5, {"g_moves": None, "d_moves": None, "g_lr": 0.5})
    assert [orders.on(Knobs(), round_).moves for round_ in (1, 2, 4, 5)] == [None, (2, 3), (2, 3), None]
    d, g, same, joint = MoveD(), MoveG(), MoveG(z="same"), MoveD(batch="joint")
    assert Round((d, joint, g)).with_moves(g=2, d=1).moves == (d, g, g)
    assert Round((d, joint, g)).with_moves(g=1, d=4).moves == (d, joint, joint, joint, g)
    assert Round((g, MoveD(z="same")), read="after").with_moves(g=1, d=2) == Round((g, *[MoveD(z="same")] * 2), read="after")
    assert Round((d, same, g)).with_moves(g=1, d=1).moves == (d, same)
    assert Round((MoveBoth(),)).with_moves(g=3, d=1).moves == (MoveBoth(), g, g)
    assert Round((MoveBoth(),)).with_moves(g=2, d=2).moves == (MoveBoth(), MoveBoth())


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({}, "an order is empty"),
        ({"lr": 1.0}, "an order is for 'lr'; it must be for g_lr"),
        ({"g_lr": -1.0}, "g_lr is -1.0; it must be at least 0"),
        ({"g_lr": float("inf")}, "g_lr is inf"),
        ({"g_lr": "1"}, "g_lr is '1'; it must be a number or None"),
        ({"beta2": 1.0}, "beta2 is 1.0"),
        ({"strength": 1.5}, "strength is 1.5"),
        ({"g_hold": 1.5}, "g_hold is 1.5; it must be a number of rounds"),
        ({"d_hold": -1}, "d_hold is -1"),
        ({"g_every": 0}, "g_every is 0; it must be a number of rounds, at least 1"),
        ({"d_every": 2.0}, "d_every is 2.0"),
        ({"g_moves": 2}, "g_moves is 2; it must come with g_moves and d_moves"),
        ({"g_moves": 2, "d_moves": None}, "it must come with"),
        ({"g_moves": 2, "d_moves": 101}, "in 1..100 each"),
        ({"g_moves": True, "d_moves": 1}, "in 1..100 each"),
    ],
)
def test_other_orders_are_refused_and_change_nothing(order, words):
    orders = Orders()
    with pytest.raises(InputError, match=words):
        orders.give(0, {"gamma": 0.5} | order if order else order)
    assert orders.on(Knobs(), 0) == Knobs()


@pytest.mark.parametrize("order", [{"d_hold": 2}, {"d_every": 3}], ids=["held", "every"])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("name", ["paper", "flash", "ring"])
def test_a_side_that_is_held_does_not_step(name, fast, order, tmp_path):
    with own_torch_state(CPU):
        engine = engine_of(miniature(name, tmp_path), fast)
        engine.orders.give(1, order)
        before = weights(engine)
        num_g = len(list(engine.gan.generator.network.parameters()))
        for round_ in range(1, 4):
            readings = engine.train_round(round_)
            after = weights(engine)
            moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
            assert any(moved[:num_g])
            assert any(moved[num_g:]) == (round_ == 3)
            assert all(value is not None for value in engine.numbers(readings).values()) or name == "ring"
            before = after


def test_orders_say_what_a_schedule_or_a_recipe_says(tmp_path):
    """A factor on lr for both sides is that schedule; gamma 0 is a recipe without penalties; beta2 is Adam's own."""
    plain = miniature("flash", tmp_path)
    slow = replace(plain, ramps=(Schedule("lr", 0.5, 0.5),))
    with own_torch_state(CPU):
        ordered, expected = engine_of(replace(plain, ramps=())), engine_of(slow)
        ordered.orders.give(0, {"g_lr": 0.5, "d_lr": 0.5})
        for engine in (ordered, expected):
            for round_ in range(2):
                engine.train_round(round_)
    assert all(torch.equal(a, b) for a, b in zip(weights(ordered), weights(expected), strict=True))
    with own_torch_state(CPU):
        ordered, expected = engine_of(plain), engine_of(replace(plain, penalties=()))
        ordered.orders.give(0, {"gamma": 0.0, "beta2": 0.5})
        for engine in (ordered, expected):
            engine.train_round(0)
        assert ordered.gan.generator.optimizer.beta2 == 0.5
        assert ordered.gan.memory["d_penalty"] == 0
    assert ordered.knobs == Knobs(g_lr=1.0, d_lr=1.0, gamma=0.0, beta2=0.5)


def test_ordered_moves_are_those_of_a_recipe(tmp_path):
    recipe = miniature("vanilla", tmp_path)
    with own_torch_state(CPU):
        ordered, plain = engine_of(recipe), engine_of(replace(recipe, round=recipe.round.with_moves(g=2, d=3)))
        ordered.orders.give(0, {"g_moves": 2, "d_moves": 3})
        for round_ in range(3):
            for engine in (ordered, plain):
                engine.train_round(round_)
    assert all(torch.equal(a, b) for a, b in zip(weights(ordered), weights(plain), strict=True))
    ordered.orders.give(3, {"g_moves": None, "d_moves": None})
    ordered.orders.give(5, {"g_moves": 1, "d_moves": 2})
    batches = 0, 3, 6, 9, 10, 11, 13, 15
    assert [ordered.images_before(round_) for round_ in range(8)] == [*map(ordered.order.images_before, batches)]
