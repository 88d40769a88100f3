"""Operations of real rounds, against layers and rounds worked out by hand."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from sparring.bench.round_flops import FlopCounter, count_round_flops
from sparring.config.rng import own_torch_state
from sparring.networks.layers.products import product
from sparring.penalties import R1, GradientPenalty, LeCam
from sparring.training.engine import Engine
from tiny import miniature

CPU = torch.device("cpu")


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize("groups", [1, 2])
def test_each_product_of_a_convolution_counts_alike(kind, groups):
    layer = kind(4, 6, 3, groups=groups)
    x = torch.randn(5, 4, 8, 8, requires_grad=True)
    with FlopCounter() as forward:
        y = layer(x)
    with FlopCounter() as both:
        torch.autograd.grad(y.sum(), [x, layer.weight])
    places = 8 * 8 if kind is nn.ConvTranspose2d else 6 * 6
    assert forward.flops == 2 * 5 * places * (4 * 6 // groups) * 9
    assert both.flops == 2 * forward.flops


@pytest.mark.parametrize("num", [8, 200])
def test_products_count_from_either_library(num):
    operands = torch.randn(num, 128), torch.randn(96, 128), torch.randn(96)
    product(*operands)  # a first time, which may try the operator
    with FlopCounter() as counter:
        product(*operands)
    assert counter.flops == 2 * num * 128 * 96


def flops(recipe, average: bool = False) -> float:
    """Operations of round 0, in which all is due, or of a round on average."""
    with own_torch_state(CPU):
        engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
        if average:
            return count_round_flops(engine)
        with FlopCounter() as counter:
            engine.train_round(0)
    return counter.flops


@pytest.mark.parametrize("rhythms", [(1,), (2,), (2, 3), (2, 4), (1, 2, 4, 6)])
def test_penalties_count_by_how_often_they_are_due(rhythms, tmp_path):
    """Every gradient penalty costs the same here, and one on logits costs no product."""
    recipe = replace(miniature("gaussian", tmp_path), penalties=(LeCam(every=5),))
    without = flops(recipe)
    one = flops(replace(recipe, penalties=(R1(),))) - without
    penalties = (LeCam(every=5), *(R1(every=every) for every in rhythms), GradientPenalty(every=rhythms[-1]))
    expected = without + one * (sum(1 / every for every in rhythms) + 1 / rhythms[-1])
    assert flops(replace(recipe, penalties=penalties), average=True) == pytest.approx(expected)
