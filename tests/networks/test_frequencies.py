"""Convolutions by Fourier transforms are those of `conv2d`, with its gradients."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from sparring.networks.layers import frequencies
from sparring.networks.layers.frequencies import FrequencyConv2d, through_frequencies


@pytest.fixture
def always(monkeypatch):
    """Small maps, of which the images and the products are taken in several blocks."""
    for name, value in {"_SAVING": 0, "_BATCH": 2, "_BLOCK": 100}.items():
        monkeypatch.setattr(frequencies, name, value)


def normal(*size: int) -> Tensor:
    return torch.randn(*size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("size", "kernel"), [((14, 14), (5, 5)), ((5, 8), (5, 7)), ((1, 2), (3, 1))])
def test_values_and_gradients(always, size, kernel, bias):
    layer, x = FrequencyConv2d(3, 2, kernel, bias).double(), normal(5, 3, *size).requires_grad_()
    plain = nn.Conv2d(3, 2, kernel, padding="same", bias=bias).double()
    plain.load_state_dict(layer.state_dict())
    found = []
    for each in (plain, layer):
        y = each(x)
        found.append([y, *torch.autograd.grad((y * normal(*y.shape)).sum(), [x, *each.parameters()])])
    torch.testing.assert_close(*found, rtol=0, atol=1e-11)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_gradients_of_second_order(always, monkeypatch):
    monkeypatch.setattr(frequencies, "_BLOCK", 2**20)
    layer, x = FrequencyConv2d(64, 32, (5, 5)), normal(4, 64, 8, 8).float().requires_grad_()
    found = []
    for each in (layer, lambda x: nn.functional.conv2d(x, layer.weight, layer.bias, padding=2)):
        (dx,) = torch.autograd.grad(each(x).square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(dx.square().sum(), layer.weight)[0])
    assert (found[0] - found[1]).norm() <= 1e-5 * found[1].norm()


def test_float32_is_as_exact_as_the_plain_way(always, monkeypatch):
    monkeypatch.setattr(frequencies, "_BLOCK", 2**20)
    layer, x = FrequencyConv2d(64, 96, (5, 5), bias=False), normal(4, 64, 14, 14)
    plain = nn.functional.conv2d(x.float(), layer.weight, padding=2)
    exact = nn.functional.conv2d(x, layer.weight.double(), padding=2)
    errors = [(found.double() - exact).norm() for found in (layer(x.float()), plain)]
    assert errors[0] <= 3 * errors[1]
    assert errors[0] <= 1e-6 * exact.norm()


def test_only_layers_that_fit_are_replaced():
    hooked = nn.Conv2d(64, 64, 5, padding=2)
    hooked.register_forward_hook(lambda layer, args, y: None)
    others = [hooked, nn.Conv2d(64, 64, 3, padding=1), nn.Conv2d(64, 64, 5), nn.Conv2d(64, 64, 5, 2, padding=2)]
    others += [nn.Conv2d(63, 64, 5, padding=2), nn.Conv2d(64, 64, 6, padding=3), nn.Conv2d(64, 64, 5, padding=2, groups=2)]
    network = nn.Sequential(nn.Sequential(nn.Conv2d(64, 128, 5, padding=2), nn.Tanh()), *others)
    changed = through_frequencies(deepcopy(network))
    assert [type(layer) for layer in changed.children()] == [nn.Sequential, *(type(layer) for layer in others)]
    assert type(changed[0][0]) is FrequencyConv2d  # pyright: ignore[reportIndexIssue]
    assert changed.state_dict().keys() == network.state_dict().keys()


@pytest.mark.parametrize(
    ("batch", "num_in", "num_out", "side", "taken"), [(128, 256, 512, 14, True), (128, 128, 64, 14, False)]
)
def test_it_is_taken_where_it_saves(monkeypatch, batch, num_in, num_out, side, taken):
    passes = []
    monkeypatch.setattr(frequencies._ThroughFrequencies, "apply", lambda *args: passes.append(args))
    with torch.device("meta"):
        FrequencyConv2d(num_in, num_out, (5, 5))(torch.empty(batch, num_in, side, side))
    assert bool(passes) == taken
