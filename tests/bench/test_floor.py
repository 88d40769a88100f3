"""The products that a round needs, against what is worked out by hand and against what real rounds do."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from sparring import recipes
from sparring.bench import floor
from sparring.bench.floor import NetworkFacts, needed, probe, round_products
from sparring.bench.products import Convolution, Linear, Product, geometry, prepare
from sparring.config import codec
from sparring.data.sets import ImageSet
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.recipe import MoveBoth, MoveD, MoveG
from sparring.training.engine import Engine, own_torch_state
from tiny import TUTORIALS

CPU = torch.device("cpu")
IMAGES = ImageSet(torch.randint(256, (500, 1, 28, 28), dtype=torch.uint8))


def network(*names: str, passes_on: str = "", **features) -> NetworkFacts:
    """Layers 2 -> 3 of these names; those that are also in `passes_on` are on the way of their network's own gradient."""
    layers = tuple(Linear(name, 1, 2, 3, name in passes_on) for name in names)
    return NetworkFacts(layers, **({"draws": False, "has_modes": False, "mixes": False, "coverage": 1.0} | features))


G, D = network("a", "b", passes_on="b"), network("x", "y", passes_on="y")
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


def listed(*moves, generator: NetworkFacts = G, discriminator: NetworkFacts = D) -> list[str]:
    """Products with 7 real images and 5 fakes, as "layer of num"."""
    return [f"{p.layer.name} {p.of} {p.num}" for p in needed(moves, generator, discriminator, num_real=7, num_fake=5)]


def test_d_moves_on_fakes_without_a_gradient_of_g():
    assert listed(MoveD()) == G_FORWARD + BOTH


def test_d_that_normalises_sees_both_batches_apart_unless_the_recipe_joins_them():
    mixing = replace(D, mixes=True)
    assert listed(MoveD(), discriminator=mixing) == G_FORWARD + APART
    assert listed(MoveD(batch="joint"), discriminator=mixing) == G_FORWARD + BOTH


def test_g_moves_through_all_of_d_without_ds_weights():
    assert listed(MoveG()) == G_FORWARD + D_FOR_G + G_GRADIENTS


def test_one_forward_pass_serves_both_and_ds_input_gradients_are_needed_once():
    assert listed(MoveBoth()) == [*G_FORWARD, *BOTH, "x input 5", *G_GRADIENTS]


def test_with_batch_statistics_gs_gradient_goes_through_d_on_its_own():
    mixing = replace(D, mixes=True)
    assert listed(MoveBoth(), discriminator=mixing) == [*G_FORWARD, *APART, "y input 5", "x input 5", *G_GRADIENTS]


def made_anew(*moves, **features) -> int:
    """How often G runs."""
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
        ((MoveD(), MoveG(z="same")), {"has_modes": True}, 1),
        ((MoveD(), MoveG(z="same")), {"has_modes": True, "draws": True}, 2),  # other units are dropped
        ((MoveD(fakes_from="inference"), MoveG(z="same")), {}, 1),
        ((MoveD(fakes_from="inference"), MoveG(z="same")), {"has_modes": True}, 2),
        ((MoveD(fakes_from="inference"), MoveD(z="same", fakes_from="inference")), {"has_modes": True, "draws": True}, 1),
    ],
)
def test_fakes_serve_again_while_g_would_make_the_same(moves, features, times):
    assert made_anew(*moves, **features) == times


def sized(name: str, **changes: str):
    return codec.override(recipes.get(name), changes)


def flops(name: str, **changes: str) -> int:
    products, coverage = round_products(sized(name, **changes), IMAGES)
    assert coverage == 1
    return sum(product.flops for product in products)


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


def test_short_data_make_short_real_batches():
    products, _ = round_products(sized("vanilla"), ImageSet(IMAGES.images[:30]))
    assert {p.num for p in products if p.layer.name.startswith("discriminator") and p.of == "weights"} == {130}


@pytest.mark.parametrize("name", list(TUTORIALS))
def test_the_floor_is_not_above_what_a_round_does(name):
    recipe = sized(name, **TUTORIALS[name])
    products, coverage = round_products(recipe, IMAGES)
    with own_torch_state(CPU), Operations() as seen:
        Engine.build(recipe, IMAGES, 0, CPU).train_round(0)
    needed = sum(product.flops for product in products)
    assert coverage == 1
    assert 0.5 * seen.flops < needed <= seen.flops


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "upsample"])
def test_the_floor_does_what_it_lists_and_nothing_else(name):
    products, _ = round_products(sized(name, **TUTORIALS[name]), IMAGES)
    lowest = floor.build(products, CPU)
    with FlopCounterMode(display=False) as counter:
        lowest.run()
    assert counter.get_total_flops() == sum(product.flops for product in products)
    assert (lowest.memory_format is None) == (name == "vanilla")
    with Operations() as seen:
        lowest.run()
    allowed = {"aten.mm.out", "aten.convolution.default", "aten.convolution_backward.default"}
    assert set(seen.names) - {"aten.detach.default"} <= allowed
    assert len(seen.names) == len(products)


class Operations(TorchDispatchMode):
    """The names of all operations within the block, and what the products among them cost."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []
        self.flops = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        found = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=found)
        return found


def products_of(layer: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Output, gradient of the weights, gradient of the input of the layer itself, for shapes."""
    x.requires_grad_()
    y = layer(x)
    return [y, *torch.autograd.grad(y.sum(), [layer.get_parameter("weight"), x])]


LAYERS = {
    "linear": (nn.Linear(6, 4), (6,)),
    "linear in rows": (nn.Linear(6, 4), (3, 6)),
    "plain": (nn.Conv2d(2, 3, 5, padding=2), (2, 8, 8)),
    "rest left out": (nn.Conv2d(2, 3, 3, stride=2), (2, 8, 8)),
    "padding that a stride does not reach": (nn.Conv2d(2, 3, 3, stride=2, padding=1), (2, 8, 8)),
    "grouped, dilated": (nn.Conv2d(4, 6, 3, groups=2, dilation=2, padding=2), (4, 9, 8)),
    "same, uneven": (SameConv2d(2, 3, 5, stride=2), (2, 14, 28)),
    "same, uneven, no stride": (SameConv2d(2, 3, 4), (2, 7, 7)),
    "transposed": (nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), (2, 7, 7)),
    "transposed with output padding": (nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1), (2, 7, 7)),
    "transposed without padding": (nn.ConvTranspose2d(2, 3, 2, stride=3, output_padding=1), (2, 7, 7)),
    "same transposed": (SameConvTranspose2d(2, 3, 5), (2, 7, 7)),
    "same transposed, uneven": (SameConvTranspose2d(2, 3, 5, stride=2), (2, 7, 14)),
}
ONE_MORE = {"same, uneven, no stride"}  # the zeros stand in the input


@pytest.mark.parametrize("name", list(LAYERS))
def test_a_layers_products_have_its_shapes_and_operations(name):
    layer, shape = LAYERS[name]
    (seen,) = probe("g", layer, torch.randn(4, *shape)).layers
    wanted = products_of(layer, torch.randn(5, *shape))
    for of, tensor in zip(("output", "weights", "input"), wanted, strict=True):
        (call,) = prepare([Product(seen, of, 5)], CPU, torch.contiguous_format)
        (found,) = (part for part in tree_leaves(call()) if part is not None)
        if name in ONE_MORE and of == "input":
            assert found.shape == (5, 2, 8, 8)
        else:
            assert found.numel() == tensor.numel()
        with FlopCounterMode(display=False) as counter:
            call()
        if "grouped" not in name:  # the counter takes groups for full products
            assert counter.get_total_flops() == seen.flops(5)


def test_a_grouped_convolution_by_hand():
    layer, shape = LAYERS["grouped, dilated"]
    (seen,) = probe("g", layer, torch.randn(4, *shape)).layers
    assert seen.flops(5) == 2 * 5 * 9 * 8 * 6 * (2 * 3 * 3)


def test_uneven_padding_without_a_stride_gives_a_transposed_layer_one_row_more():
    layer = Convolution("g", (2, 7, 7), (3, 7, 7), (2, 3, 4, 4), (1, 1), (1, 1), 1, True, False)
    assert geometry(layer) == ([7, 7], [1, 1], [0, 0])


class TwoWays(nn.Module):
    """Two layers that both see the input, and one that sees what they give."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.last = nn.Linear(6, 4), nn.Linear(6, 4), nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.one(x) * self.other(x))


def test_gradients_pass_on_where_weights_lie_before():
    seen = probe("g", TwoWays(), torch.randn(4, 6))
    assert {layer.name: layer.passes_on for layer in seen.layers} == {"g.one": False, "g.other": False, "g.last": True}


@pytest.mark.parametrize(
    ("layer", "draws", "has_modes", "mixes"),
    [
        (nn.Identity(), False, False, False),
        (Dropout(0.5), True, True, False),
        (nn.Dropout(0.5), True, True, False),
        (nn.BatchNorm1d(32), False, True, True),
        (nn.LayerNorm(32), False, False, False),
    ],
)
def test_what_a_network_does_shows_in_its_outputs(layer, draws, has_modes, mixes):
    with own_torch_state(CPU):
        seen = probe("g", nn.Sequential(nn.Linear(6, 32), layer, nn.Linear(32, 8)), torch.randn(4, 6))
    assert (seen.draws, seen.has_modes, seen.mixes) == (draws, has_modes, mixes)


def test_arithmetic_outside_the_known_layers_is_owned_up_to():
    class Unknown(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input) @ torch.ones(4, 8)

    assert probe("g", nn.Sequential(Unknown(6, 4)), torch.randn(4, 6)).coverage == pytest.approx(24 / (24 + 32))
    assert probe("g", nn.Sequential(nn.ReLU()), torch.randn(4, 6)).layers == ()
