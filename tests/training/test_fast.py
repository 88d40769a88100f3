"""The fast steps beside the plain ones: one round's gradients, and every round's weights, of every recipe in float64."""

import pytest
import torch

from golden.traces import CPU, NAMES, SEED, Widened, default_dtype
from sparring.config.rng import own_torch_state
from sparring.networks.layers import products
from sparring.training import batch_order, perceptron_pass
from sparring.training.engine import Engine
from tiny import VARIANTS, miniature

LOOSE = {
    "upsample": 1e-9,  # of equal values in a pool, which is the largest depends on rounding
    "flash-differences": 1e-9,  # rounding is divided by eps
}


def built(recipe, fast: bool) -> Engine:
    batch_order._in_order.cache_clear()
    return Engine.build(recipe, Widened(recipe.data.train()), SEED, CPU, fast=fast)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", [*NAMES, "flash-differences", "photo-fastgan"])
def test_both_ways_come_to_the_same_gradients(name, tmp_path):
    base, settings = VARIANTS.get(name, (name, {}))
    recipe = miniature(base, tmp_path, journal='{"rounds": 1}', **settings)
    with default_dtype(torch.float64), own_torch_state(CPU):
        plain, fast = (built(recipe, fast) for fast in (False, True))
        for round_ in range(3):
            with own_torch_state(CPU):
                expected = plain.train_round(round_)
            with own_torch_state(CPU):
                found = fast.train_round(round_)
            assert found.keys() == expected.keys()
            for side in ("generator", "discriminator"):
                one, other = (torch.cat([g.flatten() for g in getattr(e.gan, side).gradients]) for e in (plain, fast))
                assert (one - other).norm() <= LOOSE.get(name, 1e-12 if round_ == 0 else 1e-9) * one.norm(), (side, round_)
            for key, value in expected.items():
                torch.testing.assert_close(found[key], value, rtol=1e-8, atol=1e-10)


def test_a_perceptron_draws_fakes_for_d_s_step_with_the_products_of_its_own(tmp_path, monkeypatch):
    recipe = miniature("vanilla", tmp_path)
    engine = Engine.build(recipe, recipe.data.train(), SEED, CPU)
    counted = []
    monkeypatch.setattr(perceptron_pass, "product", lambda *args: counted.append(args) or products.product(*args))
    engine.train_round(0)
    d_step = 2 + 2 + 2 + 1  # G's layers and D's; gradients by D's weights, and by the inputs of its last layer
    g_step = 2 + 2 + 2 + 2 + 1  # G's layers and D's; back through D; gradients by G's weights, and by its last layer's inputs
    assert len(counted) == d_step + g_step
