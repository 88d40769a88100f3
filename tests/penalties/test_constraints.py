import math

import pytest
import torch
from torch import nn

from sparring import networks
from sparring.errors import InputError
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.networks.layers.traits import is_per_sample
from sparring.penalties import SpectralNorm, WeightClipping


def convolutional() -> nn.Sequential:
    """Every kind of layer that is normalised, and one that is not."""
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        SameConv2d(6, 4, 5, stride=2),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1),
        SameConvTranspose2d(3, 2, 5, stride=2),
        nn.Flatten(),
        nn.Linear(2 * 16 * 16, 1),
        nn.Flatten(0),
    )


def matrix(layer: nn.Module) -> torch.Tensor:
    """Output channels by all the rest."""
    weight = layer.weight
    assert isinstance(weight, torch.Tensor)
    return (weight.transpose(0, 1) if isinstance(layer, nn.ConvTranspose2d) else weight).flatten(1)


def built(seed: int, power_iterations: int = 1) -> nn.Sequential:
    def build() -> nn.Module:
        network = convolutional()
        SpectralNorm(power_iterations).install(network)
        return network

    network = networks.seeded(build, seed)
    assert isinstance(network, nn.Sequential)
    return network


# --- clipping ---


def test_weights_are_clipped_from_the_start_and_after_each_step():
    network, limit = convolutional(), 0.02
    before = [weight.clone() for weight in network.parameters()]
    WeightClipping(limit).install(network)
    for weight, was in zip(network.parameters(), before, strict=True):
        assert torch.equal(weight, was.clamp(-limit, limit))
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(1)
    weights = list(network.parameters())
    WeightClipping(limit).enforce(network)
    assert all((weight == torch.tensor(limit)).all() for weight in network.parameters())
    assert all(mine is his for mine, his in zip(network.parameters(), weights, strict=True))  # in place


@pytest.mark.parametrize("limit", [0.0, -1.0, math.inf, math.nan])
def test_limits_out_of_range(limit):
    with pytest.raises(InputError, match=r"constraint\.limit is .*; it must be above 0 and finite"):
        WeightClipping(limit)


# --- spectral normalisation ---


def test_the_largest_singular_value_becomes_one():
    network = built(seed=0)
    for _ in range(200):
        network(torch.ones(2, 2, 8, 8))
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]
    assert len(layers) == 5
    for layer in layers:
        assert torch.linalg.svdvals(matrix(layer))[0].item() == pytest.approx(1, abs=1e-4)


def test_more_power_iterations_come_closer():
    def off(power_iterations: int) -> float:
        network = built(0, power_iterations)
        network(torch.ones(2, 2, 8, 8))
        return max(abs(torch.linalg.svdvals(matrix(layer))[0].item() - 1) for layer in (network[0], network[2], network[4]))

    assert off(100) < 1e-5 < off(1)


def test_an_embedding_too():
    embedding = nn.Embedding(5, 3)
    SpectralNorm().install(embedding)
    for _ in range(100):
        embedding(torch.arange(5))
    assert torch.linalg.svdvals(embedding.weight.detach())[0].item() == pytest.approx(1, abs=1e-4)


def test_the_seed_decides_the_vectors():
    same, again, other = built(7).state_dict(), built(7).state_dict(), built(8).state_dict()
    vectors = [name for name in same if name.endswith(("._u", "._v"))]
    assert len(vectors) == 10
    assert all(torch.equal(same[name], again[name]) for name in same)
    assert not any(torch.equal(same[name], other[name]) for name in vectors)


def test_weights_of_every_layer_are_learnt():
    network = built(0)
    value = network(torch.ones(2, 2, 8, 8)).square().sum()
    for (name, _), gradient in zip(
        network.named_parameters(), torch.autograd.grad(value, list(network.parameters())), strict=True
    ):
        assert gradient.isfinite().all(), name
        assert gradient.any() or "bias" in name or name.startswith("1."), name


def test_nothing_moves_in_inference_mode():
    network = built(0).eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.ones(2, 2, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_step_is_felt():
    network = built(0)
    before = matrix(network[0]).clone()
    with torch.no_grad():
        network.get_parameter("0.parametrizations.weight.original")[0] += 1
    SpectralNorm().enforce(network)
    assert not torch.equal(matrix(network[0]), before)


def test_no_shortcut_passes_the_normalisation_by():
    """Rounds are played with less work where a network is known; a normalised one is not."""
    network = networks.MLPDiscriminatorConfig(widths=(6,)).build((1, 4, 4))
    assert is_per_sample(network)
    SpectralNorm().install(network)
    assert not is_per_sample(network)
    assert not getattr(network, "written_out", False)


def test_twice_is_once_too_often():
    network = built(0)
    with pytest.raises(InputError, match="spectral-norm: 0 has a parametrised weight already; install it once"):
        SpectralNorm().install(network)


def test_a_layer_that_starts_at_zero_has_no_norm():
    network = convolutional()
    nn.init.zeros_(network.get_parameter("4.weight"))
    with pytest.raises(InputError, match="spectral-norm: 4 starts at zero, and cannot be divided by its norm"):
        SpectralNorm().install(network)
    assert not any("parametrizations" in name for name in network.state_dict())  # nothing was begun


def test_power_iterations_out_of_range():
    with pytest.raises(InputError, match=r"constraint\.power_iterations is 0; it must lie in 1"):
        SpectralNorm(power_iterations=0)
