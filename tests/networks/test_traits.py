import pytest
import torch
from torch import nn

from sparring import networks
from sparring.config import registry
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.traits import is_deterministic, is_function, is_per_sample

SHAPE = (1, 28, 28)
NETWORKS = {
    **{name: registry.find("discriminator", name)().build(SHAPE) for name in registry.names("discriminator")},
    **{name: registry.find("generator", name)().build(6, SHAPE) for name in registry.names("generator")},
    "mlp with dropout": networks.MLPDiscriminatorConfig(dropout=0.5).build(SHAPE),
}


def outputs(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    torch.default_generator.manual_seed(0)
    with torch.no_grad():
        return network(x)


@pytest.mark.parametrize("name", NETWORKS)
def test_claims_hold_in_training_mode(name):
    network = NETWORKS[name]
    x = torch.randn(4, 6) if "generator" in name else torch.randn(4, *SHAPE)
    other = torch.cat((x[:2], torch.randn_like(x[2:])))
    mixes = not torch.allclose(outputs(network, x)[:2], outputs(network, other)[:2], atol=1e-6)
    with torch.no_grad():
        draws = not torch.allclose(network(x), network(x), atol=1e-6)
    assert is_per_sample(network) == (not mixes)
    assert is_function(network) == (not mixes and not draws)
    assert is_deterministic(network) == is_function(network)


class Coupled(nn.Sequential):
    """A user's network, whose layers say nothing of what it does."""

    def forward(self, input):
        return super().forward(input - input.mean(0))


def hooked() -> nn.Linear:
    layer = nn.Linear(3, 3)
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] - inputs[0].mean(0),))
    return layer


@pytest.mark.parametrize(
    "layer",
    [nn.BatchNorm1d(3), nn.BatchNorm2d(3), Coupled(nn.Linear(3, 3)), nn.LayerNorm(3), nn.Unflatten(0, (-1, 2)), hooked()],
)
def test_what_is_unknown_is_not_taken_for_granted(layer):
    assert not is_per_sample(nn.Sequential(nn.Linear(3, 3), layer))
    assert not is_function(nn.Sequential(nn.Linear(3, 3), layer))


@pytest.mark.parametrize("dropout", [Dropout(0.5), nn.Dropout(0.5), nn.Dropout2d(0.5)])
def test_dropout_draws_but_keeps_samples_apart(dropout):
    network = nn.Sequential(nn.Linear(3, 3), dropout)
    assert is_per_sample(network)
    assert not is_function(network)
    assert not is_deterministic(network)


def test_dropout_of_nothing_draws_nothing():
    assert is_deterministic(nn.Sequential(nn.Linear(3, 3), Dropout(0.0)))
    assert not is_deterministic(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)))
