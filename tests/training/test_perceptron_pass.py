from itertools import product

import pytest
import torch
from torch import Tensor, nn

from sparring.networks.layers import activations
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.perceptron import Perceptron
from sparring.training.perceptron_pass import PerceptronPass, has_written_gradients

ACTIVATIONS = {
    "relu": [nn.ReLU(inplace=True)],
    "leaky relu": [nn.LeakyReLU(0.3)],
    "flat leaky relu": [nn.LeakyReLU(0.0, inplace=True)],
    "tanh": activations.output("tanh"),
    "sigmoid": activations.output("sigmoid"),
    "nothing": [nn.Identity()],
    "dropout": [nn.LeakyReLU(0.2, inplace=True), Dropout(0.4)],
    "dropout that drops nothing": [nn.ReLU(), Dropout(0.3).eval(), Dropout(0.0)],
}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def network(name: str, bias: bool = True) -> Perceptron:
    """[B, 2, 3] -> [B, 1, 4], with the activation after both linear layers, and at the end."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Perceptron(
            nn.Flatten(),
            activations.Affine(0.5, 0.5),
            *(nn.Linear(6, 5, bias=bias), *ACTIVATIONS[name]),
            *(nn.Linear(5, 4), *ACTIVATIONS[name], activations.Affine(0.1, -3), *ACTIVATIONS[name]),
            nn.Unflatten(1, (1, 4)),
        ).double()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_gradients_are_those_of_autograd(name, bias):
    layers, x, dy = network(name, bias), normal(7, 2, 3).requires_grad_(), normal(7, 1, 4, seed=1)
    torch.default_generator.manual_seed(0)
    expected = layers(x)
    gradients = torch.autograd.grad(expected, [*layers.parameters(), x], dy)
    for weights, inputs in product((True, False), repeat=2):
        torch.default_generator.manual_seed(0)
        with torch.no_grad():
            one = PerceptronPass(layers, x.detach())
            found = one.vjp(dy.clone(), weights=weights, inputs=inputs)
        torch.testing.assert_close(one.outputs, expected.detach(), rtol=0, atol=0)
        wanted = [*gradients[:-1]] * weights + [gradients[-1]] * inputs
        assert len(found) == len(wanted)
        for this, that in zip(found, wanted, strict=True):
            torch.testing.assert_close(this, that, rtol=1e-12, atol=1e-14)


@torch.no_grad()
def test_a_pass_can_be_pulled_twice_and_leaves_its_inputs_alone():
    layers, x = network("relu"), normal(7, 2, 3)
    before, one = x.clone(), PerceptronPass(layers, x)
    first, second = one.vjp(normal(7, 1, 4), weights=True), one.vjp(normal(7, 1, 4), weights=True)
    assert torch.equal(x, before)
    assert all(torch.equal(this, that) for this, that in zip(first, second, strict=True))
    assert not any(found.requires_grad for found in (*first, one.outputs))


@pytest.mark.parametrize("other", [nn.Dropout(0.5), nn.BatchNorm1d(5), nn.GELU(), nn.Sequential(nn.ReLU())])
def test_what_is_not_written_out_is_left_to_autograd(other):
    assert has_written_gradients(network("relu"))
    assert not has_written_gradients(Perceptron(nn.Linear(6, 5), other, nn.Linear(5, 1)))


def hooked() -> nn.Linear:
    layer = nn.Linear(5, 5)
    layer.register_forward_hook(lambda module, inputs, output: output.neg())
    return layer


twice = nn.Linear(5, 5)


@pytest.mark.parametrize(
    "layers",
    [
        (nn.Linear(5, 5), nn.Tanh(), nn.LeakyReLU(inplace=True)),
        (nn.Linear(5, 5), nn.Tanh(), nn.Unflatten(1, (1, 5)), nn.ReLU(inplace=True)),
        (nn.ReLU(inplace=True), nn.Linear(5, 5)),
        (twice, nn.Tanh(), twice),
        (nn.Tanh(), nn.Sigmoid()),
        (hooked(), nn.Tanh()),
        (nn.utils.parametrizations.spectral_norm(nn.Linear(5, 5)), nn.Tanh()),
        (nn.Linear(5, 5), nn.Softplus()),
    ],
)
def test_what_cannot_be_written_out_as_it_stands(layers):
    assert not has_written_gradients(Perceptron(*layers))


def test_rows_of_rows_and_expanded_gradients():
    layers, x = Perceptron(nn.Linear(3, 2), nn.Tanh()).double(), normal(4, 5, 3)
    dy = normal(4, 5, 1, seed=1).expand(4, 5, 2)
    expected = torch.autograd.grad(layers(x), list(layers.parameters()), dy)
    with torch.no_grad():
        found = PerceptronPass(layers, x).vjp(dy, weights=True)
    for this, that in zip(found, expected, strict=True):
        torch.testing.assert_close(this, that, rtol=1e-12, atol=1e-14)
