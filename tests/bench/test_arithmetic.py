"""The products that a round needs, against what is worked out by hand and against what real rounds do."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from sparring import recipes
from sparring.bench.arithmetic import RoundFacts, mean_flops, products_of_moves, round_products
from sparring.bench.network_facts import NetworkFacts, inspect_network
from sparring.bench.products import Convolution, Linear, Product
from sparring.bench.round_flops import FlopCounter, count_round_flops
from sparring.config import codec
from sparring.config.rng import own_torch_state
from sparring.data.sets import ImageSet
from sparring.losses import RelativisticPairing
from sparring.penalties import R1, R1FD, R2FD
from sparring.recipe import MoveBoth, MoveD, MoveG
from sparring.training.engine import Engine
from tiny import SETTINGS, miniature

CPU = torch.device("cpu")
IMAGES = ImageSet(torch.randint(256, (500, 1, 28, 28), dtype=torch.uint8))


def network(*names: str, behind: str = "", **features) -> NetworkFacts:
    """Layers 2 -> 3 of these names; those that are also in `behind` have weights before them."""
    layers = tuple(Linear(name, 1, 2, 3, name in behind) for name in names)
    return NetworkFacts(layers, **({"is_random": False, "differs_in_inference": False, "mixes_samples": False} | features))


G, D = network("a", "b", behind="b"), network("x", "y", behind="y")
G_FORWARD = ["a output 5", "b output 5"]
G_GRADIENTS = ["b weights 5", "b input 5", "a weights 5"]
BOTH = [  # D's move over 7 real and 5 generated images at once
    *("x output 12", "y output 12", "y weights 12", "y input 12", "x weights 12"),
]
APART = [
    *("x output 7", "y output 7", "y weights 7", "y input 7", "x weights 7"),
    *("x output 5", "y output 5", "y weights 5", "y input 5", "x weights 5"),
]
D_FOR_G = ["x output 5", "y output 5", "y input 5", "x input 5"]


def listed(*moves, generator: NetworkFacts = G, discriminator: NetworkFacts = D, **more: Any) -> list[str]:
    """Products with 7 real images and 5 fakes, as "layer result num"."""
    sizes: dict[str, Any] = {"num_real": 7, "num_fake": 5}
    facts = RoundFacts(generator, discriminator, **(sizes | more))
    return [f"{p.layer.name} {p.result} {p.num}" + f" / {p.every}" * (p.every > 1) for p in products_of_moves(moves, facts)]


def test_d_moves_on_fakes_without_a_gradient_of_g():
    assert listed(MoveD()) == G_FORWARD + BOTH


def test_d_that_normalises_sees_both_batches_apart_unless_the_recipe_joins_them():
    mixing = replace(D, mixes_samples=True)
    assert listed(MoveD(), discriminator=mixing) == G_FORWARD + APART
    assert listed(MoveD(batch="joint"), discriminator=mixing) == G_FORWARD + BOTH


def test_g_moves_through_all_of_d_without_ds_weights():
    assert listed(MoveG()) == G_FORWARD + D_FOR_G + G_GRADIENTS


def test_one_forward_pass_serves_both_and_ds_input_gradients_are_needed_once():
    assert listed(MoveBoth()) == [*G_FORWARD, *BOTH, "x input 5", *G_GRADIENTS]


def test_with_batch_statistics_gs_gradient_goes_through_d_on_its_own():
    mixing = replace(D, mixes_samples=True)
    assert listed(MoveBoth(), discriminator=mixing) == [*G_FORWARD, *APART, "y input 5", "x input 5", *G_GRADIENTS]


PENALTY = [  # of 7 real images, one round in 4
    *("x output 7 / 4", "y input 7 / 4", "x input 7 / 4"),
    *("x weights 7 / 4", "y weights 7 / 4", "x output 7 / 4"),
]


@pytest.mark.parametrize(("move", "before"), [(MoveD(), [*G_FORWARD, *BOTH]), (MoveBoth(), [*G_FORWARD, *BOTH])])
def test_ds_moves_have_the_penalties(move, before):
    after = ["x input 5", *G_GRADIENTS] if isinstance(move, MoveBoth) else []
    assert listed(move, penalties=(4,)) == before + PENALTY + after
    assert len(listed(move, penalties=(4, 1))) == len(before) + 2 * len(PENALTY) + len(after)


def test_gs_move_has_no_penalty():
    assert listed(MoveG(), penalties=(4,)) == listed(MoveG())


def test_d_judges_packs():
    whole = listed(MoveD(), MoveG(), num_real=6, num_fake=4)
    packed = listed(MoveD(), MoveG(), num_real=12, num_fake=8, packing=2)
    assert [line for line in packed if line[0] in "xy"] == [line for line in whole if line[0] in "xy"]
    assert packed[:2] == ["a output 8", "b output 8"]


def test_a_relativistic_g_needs_ds_logits_of_real_images():
    expected = [*G_FORWARD, "x output 7", "y output 7", *D_FOR_G, *G_GRADIENTS]
    assert listed(MoveG(), is_relativistic=True) == expected
    assert listed(MoveG(real="fresh"), is_relativistic=True) == expected
    assert listed(MoveD(), is_relativistic=True) == listed(MoveD())
    assert listed(MoveBoth(), is_relativistic=True) == listed(MoveBoth())  # D has judged them in the same move


def test_where_the_losses_see_more_than_the_logit_ds_input_gradients_count_twice():
    assert listed(MoveBoth(), only_logit_counts=False) == [*G_FORWARD, *BOTH, "y input 5", "x input 5", *G_GRADIENTS]


def made_anew(*moves, **features) -> int:
    """Number of runs of G."""
    return listed(*moves, generator=replace(G, **features)).count("a output 5")


@pytest.mark.parametrize(
    ("moves", "features", "times"),
    [
        ((MoveD(), MoveG()), {}, 2),
        ((MoveD(), MoveG(z="same")), {}, 1),
        ((MoveG(), MoveD(z="same")), {}, 2),  # G has moved
        ((MoveG(), MoveG(z="same")), {}, 2),
        ((MoveBoth(), MoveD(z="same")), {}, 2),
        ((MoveD(), MoveD(z="same"), MoveG(z="same")), {}, 1),
        ((MoveD(), MoveD(), MoveG(z="same")), {}, 2),
        ((MoveD(), MoveG(z="same")), {"differs_in_inference": True}, 1),
        ((MoveD(), MoveG(z="same")), {"differs_in_inference": True, "is_random": True}, 2),  # other units are dropped
        ((MoveD(fakes_from="inference"), MoveG(z="same")), {}, 1),
        ((MoveD(fakes_from="inference"), MoveG(z="same")), {"differs_in_inference": True}, 2),
        (
            (MoveD(fakes_from="inference"), MoveD(z="same", fakes_from="inference")),
            {"differs_in_inference": True, "is_random": True},
            1,
        ),
    ],
)
def test_fakes_serve_again_while_g_would_make_the_same(moves, features, times):
    assert made_anew(*moves, **features) == times


def sized(name: str, **changes: str):
    return codec.override(recipes.get(name), changes)


def flops(name: str, **changes: str) -> float:
    return mean_flops(round_products(sized(name, **changes), IMAGES))


def test_operations_of_two_perceptrons_by_hand():
    """vanilla, in units of 2 x 100 rows: G is z 128 -> 256 -> 784, D is 784 -> 256 -> 1, G moves first."""
    g1, g2, d1, d2 = 128 * 256, 256 * 784, 784 * 256, 256
    g_move = (g1 + g2) + (d1 + d2) + (d1 + d2) + (g1 + g2 + g2)
    d_move = (g1 + g2) + 2 * ((d1 + d2) + (d1 + d2 + d2))
    assert flops("vanilla") == 2 * 100 * (g_move + d_move)


def test_operations_of_d_before_g_by_hand():
    """paper: as vanilla with 256 -> 512 -> 784 -> 512 -> 1, D first, so that G's fakes serve twice."""
    g1, g2, d1, d2 = 256 * 512, 512 * 784, 784 * 512, 512
    d_move = (g1 + g2) + 2 * ((d1 + d2) + (d1 + d2 + d2))
    g_move = (d1 + d2) + (d1 + d2) + (g1 + g2 + g2)
    assert flops("paper") == 2 * 100 * (g_move + d_move)


def test_operations_of_convolutions_by_hand():
    """dcgan: kernels of 5 x 5; one move for both, on 256 real and 256 generated images."""
    g = [100 * 3136, 49 * 25 * 64 * 64, 49 * 25 * 64 * 32, 196 * 25 * 32]  # by places on the small side
    d = [196 * 25 * 64, 49 * 25 * 64 * 128, 6272]
    generator = 3 * sum(g) - g[0]
    discriminator = 2 * (3 * sum(d) - d[0]) + d[0]
    assert flops("dcgan") == 2 * 256 * (generator + discriminator)


def test_short_data_make_short_real_batches_unless_the_recipe_fills_them_up():
    few = ImageSet(IMAGES.images[:30])

    def num(recipe) -> set[int]:
        products = round_products(recipe, few)
        return {p.num for p in products if p.layer.name.startswith("discriminator") and p.result == "weights"}

    assert num(sized("vanilla")) == {130}
    assert num(replace(sized("vanilla"), penalties=(R1(),))) == {200, 100}


def d_layers(recipe, data) -> list[Product]:
    return [p for p in round_products(recipe, data) if p.layer.name.startswith("discriminator")]


def test_pacgans_d_sees_two_images_in_its_channels(tmp_path):
    recipe = miniature("pacgan", tmp_path)
    first, *_ = d_layers(recipe, recipe.data.train())
    assert isinstance(first.layer, Convolution)
    assert first.layer.input == (2, 28, 28)
    assert first.num == recipe.batch_size  # as many packs of real and of generated images together


@pytest.mark.parametrize(("name", "num"), [("cgan", 11), ("infogan", 13), ("flash", 1)])
def test_a_conditional_d_has_its_outputs(name, num, tmp_path):
    recipe = miniature(name, tmp_path)
    assert {p.layer.num_out for p in d_layers(recipe, recipe.data.train()) if isinstance(p.layer, Linear)} == {num}


def test_losses_of_the_logit_alone_share_a_backward_pass(tmp_path):
    """A projection makes one logit of D's outputs; InfoGAN's losses see the others as well."""
    for name, times in (("cgan", 1), ("infogan", 2)):
        recipe = miniature(name, tmp_path)
        products = [p for p in d_layers(recipe, recipe.data.train()) if p.every == 1 and p.result == "input"]
        head = [p.num for p in products if isinstance(p.layer, Linear)]
        assert head == [2 * recipe.batch_size, recipe.batch_size][:times]


def test_r3s_g_judges_real_images_too(tmp_path):
    recipe = miniature("r3", tmp_path)
    assert isinstance(recipe.loss, RelativisticPairing)
    first = [p for p in d_layers(recipe, recipe.data.train()) if p.layer.name == "discriminator.0"]
    outputs = [p.num for p in first if p.result == "output"]
    whole = recipe.batch_size
    assert outputs == [2 * whole, *[whole] * 4, whole, whole]  # D's move, two penalties of two passes each, G's move


class LinearD(nn.Sequential):
    """Layers without anything between them, so that PyTorch has no slopes to differentiate."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 2, 3, stride=2), nn.Conv2d(2, 3, 2), nn.Flatten(), nn.Linear(12, 4), nn.Linear(4, 1))


def test_a_penaltys_products_are_those_of_pytorch():
    discriminator = LinearD()
    with own_torch_state(CPU):
        seen = inspect_network("d", discriminator, torch.randn(4, 1, 7, 7))
    facts = RoundFacts(network(), seen, num_real=5, num_fake=5, penalties=(1,))
    penalty = sum(p.flops for p in products_of_moves((MoveD(),), facts))
    penalty -= sum(p.flops for p in products_of_moves((MoveD(),), replace(facts, penalties=())))
    x = torch.randn(5, 1, 7, 7, requires_grad=True)
    with FlopCounter() as counter:
        (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        torch.autograd.grad(
            slope.square().sum(), [weight for name, weight in discriminator.named_parameters() if name.endswith("weight")]
        )
    logits = 2 * 5 * 4  # PyTorch computes them on its way, but no slope depends on them
    assert penalty == counter.flops - logits


WITHOUT_PENALTIES = {"dcgan", "dropout-mlp", "paper", "quick", "sngan", "upsample", "vanilla"}
PERCEPTRONS_WITH_PENALTIES = {"gaussian", "grid", "ring"}
OTHERS = {
    "cgan": 0.81,
    "flash": 0.96,
    "infogan": 0.9,
    "lsgan": 0.96,
    "pacgan": 0.82,
    "photo": 0.95,
    "photo-gpu": 0.81,
    "r3": 0.81,
    "selfcond": 0.8,
    "selfcond-grid": 0.74,
    "stacked": 0.96,
    "wgan-gp": 0.81,
}
"""Least share of a round's operations that the floor holds. The engine does more for penalties: it multiplies the derivatives
of slopes, which are 0, through the forward pass, and asks convolutions of few channels for gradients that nobody takes; for a
condition and for packs it goes back through D twice; r3's changes of size are matrix products that the floor does not count."""

MOST = {"photo": 1.1}
"""Most, where it is more than the whole: a doubling with its convolution is done with 4/9 of the multiplications."""

MODERN = {"modern": 0.8}  # penalties of two rhythms, a relativistic loss, a condition and spectral normalisation at once


def needed_and_done(recipe) -> tuple[float, float]:
    data = recipe.data.train()
    with own_torch_state(CPU):
        done = count_round_flops(Engine.build(recipe, data, 0, CPU))
    return mean_flops(round_products(recipe, data)), done


def test_finite_differences_judge_one_more_batch_and_nothing_twice(tmp_path):
    differences = (R1FD(every=4), R2FD(every=2))
    needed, done = needed_and_done(replace(miniature("ring", tmp_path), penalties=differences))
    assert needed == done
    more = ["x output 7 / 4", "y output 7 / 4", "y weights 7 / 4", "y input 7 / 4", "x weights 7 / 4"]
    assert listed(MoveD(), differences=(4,)) == G_FORWARD + BOTH + more


def test_every_recipe_is_compared():
    assert {*WITHOUT_PENALTIES, *PERCEPTRONS_WITH_PENALTIES, *OTHERS} == {*SETTINGS}


@pytest.mark.parametrize("name", sorted(WITHOUT_PENALTIES))
def test_a_round_without_penalties_does_what_it_needs(name, tmp_path):
    needed, done = needed_and_done(miniature(name, tmp_path))
    assert needed == done


@pytest.mark.parametrize("name", sorted(PERCEPTRONS_WITH_PENALTIES))
def test_perceptrons_with_penalties_do_what_they_need_and_multiply_zeros(name, tmp_path):
    """The derivatives of slopes, all 0, go through all layers but the last, and the penalised logits are computed."""
    recipe = miniature(name, tmp_path)
    needed, done = needed_and_done(recipe)
    widths = [recipe.data.train().shape[0], 16, 16, 1]
    first, second, last = (2 * recipe.batch_size * a * b for a, b in pairwise(widths))
    num_moves = sum(isinstance(move, MoveD) for move in recipe.round.moves)
    more_each = last + first + second + second  # the logits; gradients by the weights, and by the second layer's inputs
    assert done - needed == pytest.approx(num_moves * more_each * sum(1 / p.every for p in recipe.penalties))


@pytest.mark.parametrize("name", sorted(OTHERS | MODERN))
def test_the_floor_is_not_above_what_a_round_does(name, tmp_path):
    needed, done = needed_and_done(miniature(name, tmp_path))
    assert (OTHERS | MODERN)[name] * done < needed < MOST.get(name, 1.0) * done
