"""Networks of the user's own whose last layer does not suit a GAN are warned of, others are not."""

import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

import sparring
from sparring import register
from sparring.api.own import Parts
from sparring.api.resolve import resolve
from sparring.data import ImageSet, PointSet
from sparring.data.sets import Dataset
from sparring.training.output_range import output_warnings

SHAPE = (1, 28, 28)
IMAGES = ImageSet(torch.zeros(4, *SHAPE, dtype=torch.uint8))
SIGMOID = "ends in a sigmoid, for its outputs stay in [0, 1] however large its inputs are, and the loss takes logits"
POSITIVE = (
    "makes only values above 0 and below 1, and the data reach from -1 to 1: it cannot make them all; end it with nn.Tanh()"
)


class ByFunction(nn.Module):
    """A linear layer, and a function of its outputs."""

    def __init__(self, function, num_in: int = 784, num_out: int = 1):
        super().__init__()
        self.linear, self.function = nn.Linear(num_in, num_out), function

    def forward(self, x: Tensor) -> Tensor:
        y = self.function(self.linear(x.flatten(1)))
        return y.flatten() if y.shape[1] == 1 else y.unflatten(1, SHAPE)


class Gated(nn.Module):
    """With a sigmoid that is listed last, and not the last thing done."""

    def __init__(self):
        super().__init__()
        self.last, self.gate = nn.Linear(784, 1), nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        return self.last(x * self.gate(x)).flatten()


def zeroed(network: nn.Sequential) -> nn.Sequential:
    for layer in network:
        for parameter in layer.parameters() if isinstance(layer, nn.Linear) else ():
            nn.init.zeros_(parameter)
    return network


def d(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 1), *last, nn.Flatten(0))


def g(*last: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(128, 784), *last, nn.Unflatten(1, SHAPE))


def warnings(data: Dataset = IMAGES, recipe: str = "vanilla", **parts) -> list[str]:
    return output_warnings(resolve(recipe, parts.pop("settings", {}), Parts(**parts)), data)


@pytest.mark.parametrize(
    "network", [d(nn.Sigmoid()), zeroed(d(nn.Sigmoid())), ByFunction(torch.sigmoid), ByFunction(lambda x: x.sigmoid().sqrt())]
)
def test_a_sigmoid_at_the_end_of_d(network):
    (said,) = warnings(discriminator=network)
    assert SIGMOID in said
    assert f"the discriminator {type(network).__name__} " in said


@pytest.mark.parametrize(
    "network", [d(), zeroed(d()), d(nn.Tanh()), ByFunction(lambda x: x), Gated(), nn.Sequential(nn.Flatten(), nn.LSTM(784, 1))]
)
def test_another_d(network):
    assert warnings(discriminator=network) == []


def test_a_loss_of_the_users_own_may_take_probabilities():
    def loss(real: Tensor, fake: Tensor) -> tuple:
        return (-real, fake), -fake

    assert warnings(discriminator=d(nn.Sigmoid()), loss=loss) == []


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (g(nn.Sigmoid()), POSITIVE),
        (g(nn.ReLU()), "makes only values above 0, and"),
        (g(nn.ReLU6()), "makes only values above 0 and below 6, and"),
        (g(nn.Hardtanh(-0.5, 1)), "makes only values above -0.5 and below 1, and"),
        (ByFunction(torch.sigmoid, 128, 784), "makes only values above 0, and"),
    ],
)
def test_a_g_that_cannot_reach_the_images(network, said):
    (sentence,) = warnings(generator=network)
    assert said in sentence


@pytest.mark.parametrize(
    "network",
    [g(), g(nn.Tanh()), g(nn.Hardtanh()), g(nn.BatchNorm1d(784)), zeroed(g(nn.Tanh())), ByFunction(torch.sin, 128, 784)],
)
def test_a_g_that_may_reach_them(network):
    assert warnings(generator=network) == []


def test_a_g_that_cannot_reach_the_points():
    linear, settings = nn.Linear(2, 2), {"z": '{"name": "normal", "num": 2}'}
    for network, num in ((nn.Sequential(linear, nn.Tanh()), 1), (linear, 0)):
        said = warnings(PointSet(3 * torch.eye(2)), "ring", generator=network, settings=settings)
        assert len(said) == num, said
        assert all("above -1 and below 1, and the data reach from 0 to 3" in sentence for sentence in said)
        assert all(sentence.endswith("end it with a linear layer") for sentence in said)


def test_the_networks_of_recipes_are_not_tried(monkeypatch):
    monkeypatch.setattr("sparring.training.output_range.build_discriminator", None)
    assert warnings() == []


@register("discriminator")
@dataclass(frozen=True)
class PlainSigmoidConfig:
    """Without `initial`."""

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 1), nn.Sigmoid(), nn.Flatten(0))


@register("generator")
@dataclass(frozen=True)
class PlainConfig:
    """Without `initial`."""

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        linear = nn.Linear(num_z, math.prod(shape))
        nn.init.constant_(linear.bias, 0.25)
        return nn.Sequential(linear, nn.Tanh(), nn.Unflatten(1, shape))


def test_networks_without_initial_bring_their_own_values_and_a_training_is_warned(tmp_path, capfd):
    parts = {"generator": PlainConfig(), "discriminator": PlainSigmoidConfig()}
    settings = {"data.held_back": "59000", "batch_size": "96", "optim.lr": "1e-9"}
    run = sparring.train("vanilla", rounds=1, out=tmp_path / "run", settings=settings, **parts)
    said = f"the discriminator PlainSigmoidConfig {SIGMOID}"
    assert capfd.readouterr().err.count(said) == 1
    assert [said in event["text"] for event in run.journal() if event["event"] == "warning"] == [True]
    bias = run.newest_checkpoint()[0].tensors["generator.network.0.bias"]
    torch.testing.assert_close(bias, torch.full((784,), 0.25), rtol=0, atol=1e-6)
    again = sparring.train(run.recipe, out=tmp_path / "again", quiet=True)
    for name, tensor in run.newest_checkpoint()[0].tensors.items():
        assert tensor.equal(again.newest_checkpoint()[0].tensors[name]), name
