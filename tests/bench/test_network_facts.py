"""Layers and behaviour of networks, read off a few examples, against networks made for it."""

import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from sparring.bench.network_facts import inspect_network
from sparring.bench.products import Convolution, Product, geometry, prepare
from sparring.config.rng import own_torch_state
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.penalties import SpectralNorm

CPU = torch.device("cpu")


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
    (seen,) = inspect_network("g", layer, torch.randn(4, *shape)).layers
    wanted = products_of(layer, torch.randn(5, *shape))
    for result, tensor in zip(("output", "weights", "input"), wanted, strict=True):
        (call,) = prepare([Product(seen, result, 5)], CPU, torch.contiguous_format)
        (found,) = (part for part in tree_leaves(call()) if part is not None)
        if name in ONE_MORE and result == "input":
            assert found.shape == (5, 2, 8, 8)
        else:
            assert found.numel() == tensor.numel()
        with FlopCounterMode(display=False) as counter:
            call()
        if "grouped" not in name:  # the counter takes groups for full products
            assert counter.get_total_flops() == seen.flops(5)


def test_a_grouped_convolution_by_hand():
    layer, shape = LAYERS["grouped, dilated"]
    (seen,) = inspect_network("g", layer, torch.randn(4, *shape)).layers
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
    seen = inspect_network("g", TwoWays(), torch.randn(4, 6))
    assert {layer.name: layer.has_weights_before for layer in seen.layers} == {"g.one": False, "g.other": False, "g.last": True}


@pytest.mark.parametrize(
    ("layer", "is_random", "differs_in_inference", "mixes_samples"),
    [
        (nn.Identity(), False, False, False),
        (Dropout(0.5), True, True, False),
        (nn.Dropout(0.5), True, True, False),
        (nn.BatchNorm1d(32), False, True, True),
        (nn.LayerNorm(32), False, False, False),
    ],
)
def test_behaviour_shows_in_outputs(layer, is_random, differs_in_inference, mixes_samples):
    with own_torch_state(CPU):
        seen = inspect_network("g", nn.Sequential(nn.Linear(6, 32), layer, nn.Linear(32, 8)), torch.randn(4, 6))
    assert (seen.is_random, seen.differs_in_inference, seen.mixes_samples) == (is_random, differs_in_inference, mixes_samples)


def test_spectral_normalisation_hides_no_layer_and_its_power_iterations_are_no_randomness():
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.2, inplace=True), nn.Flatten(), nn.Linear(4 * 36, 2))
    with own_torch_state(CPU):
        torch.manual_seed(0)
        SpectralNorm().install(network)
        seen = inspect_network("d", network, torch.randn(4, 1, 8, 8))
    assert [layer.name for layer in seen.layers] == ["d.0", "d.3"]
    assert (seen.is_random, seen.mixes_samples) == (False, False)


def test_the_network_stays_as_it_was():
    network = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with own_torch_state(CPU):
        inspect_network("g", network, torch.randn(4, 6))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert not network[0]._forward_hooks
