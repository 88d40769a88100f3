from dataclasses import replace

import pytest
import torch

from sparring import recipes
from sparring.conditions import SelfConditioned
from sparring.config.schedules import Duration
from sparring.data import Gaussian1d, Grid, Ring
from sparring.metrics import mixture_quality
from sparring.recipe import Recipe
from sparring.training.engine import Engine
from sparring.training.settle import settle


def points_of(recipe: Recipe, num: int = 5000) -> torch.Tensor:
    """Points of the averaged generator, trained for the recipe's length."""
    data, cpu = recipe.data.train(), torch.device("cpu")
    engine = Engine.build(settle(recipe, data, cpu).recipe, data, 0, cpu)
    assert recipe.length.rounds is not None
    for round_ in range(recipe.length.rounds):
        engine.train_round(round_)
    averaged = engine.gan.g_ema
    assert averaged is not None
    with torch.no_grad():
        return averaged(engine.recipe.z.sample(num, torch.Generator().manual_seed(0)))


def shortened(name: str, rounds: int) -> Recipe:
    """A recipe whose ramps and average are as much shorter as it is."""
    recipe = recipes.get(name)
    assert recipe.length.rounds is not None
    share = rounds / recipe.length.rounds
    ramps = tuple(replace(ramp, images=ramp.images and int(ramp.images * share)) for ramp in recipe.ramps)
    assert recipe.average is not None
    average = replace(recipe.average, halflife_images=recipe.average.halflife_images * share)
    return replace(recipe, length=Duration(rounds=rounds), ramps=ramps, average=average)


def test_a_ring_is_found_in_seconds():
    data = Ring(std=0.05, num=20_000)
    found = mixture_quality(points_of(replace(shortened("ring", 600), data=data)), data.centres(), data.std)
    assert found.modes == 8
    assert found.high_quality > 0.75
    assert found.smallest_share > 0.4
    assert found.spread is not None
    assert 0.75 < found.spread[0] <= found.spread[1] < 1.25


def test_clusters_lead_to_all_modes_of_a_small_grid_in_seconds():
    data = Grid(side=3, num=20_000)
    recipe = replace(shortened("selfcond-grid", 300), data=data, condition=SelfConditioned(clusters=50))
    found = mixture_quality(points_of(recipe), data.centres(), data.std)
    assert found.modes == 9
    assert found.high_quality > 0.95
    assert found.smallest_share > 0.9
    assert found.spread is not None
    assert 0.75 < found.spread[0] <= found.spread[1] < 1.25


def test_a_normal_distribution_is_found_in_seconds():
    points = points_of(shortened("gaussian", 800))
    assert points.mean().item() == pytest.approx(Gaussian1d().mean, abs=0.03)
    assert points.std().item() == pytest.approx(Gaussian1d().std, abs=0.03)
