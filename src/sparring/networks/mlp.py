"""Multilayer perceptrons: the players of the vanilla, paper and dropout-mlp recipes; any image size, and points."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers import activations
from sparring.networks.layers.dropout import Dropout
from sparring.registry import register


@register("network")
@dataclass(frozen=True)
class MLPGeneratorConfig:
    """z [B, num_z] -> images [B, *shape] in [-1, 1] ("linear": any points)."""

    widths: tuple[int, ...] = (256,)
    activation: activations.Hidden = "relu"
    slope: float = 0.2
    dropout: float = 0.0
    output: activations.Output = "tanh"
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(
            *_hidden_layers((num_z, *self.widths), self),
            nn.Linear(self.widths[-1], prod(shape)),
            activations.output(self.output),
            nn.Unflatten(1, shape),
        )


@register("network")
@dataclass(frozen=True)
class MLPDiscriminatorConfig:
    """Images [B, *shape] in [-1, 1] -> logits [B].

    `unit_range` hands the pixels to the first layer as [0, 1].
    """

    widths: tuple[int, ...] = (256,)
    activation: activations.Hidden = "relu"
    slope: float = 0.2
    dropout: float = 0.0
    unit_range: bool = False
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(
            nn.Flatten(),
            activations.Affine(0.5, 0.5) if self.unit_range else nn.Identity(),
            *_hidden_layers((prod(shape), *self.widths), self),
            nn.Linear(self.widths[-1], 1),
            nn.Flatten(0),
        )


def _hidden_layers(sizes: tuple[int, ...], config: MLPGeneratorConfig | MLPDiscriminatorConfig) -> list[nn.Module]:
    layers = []
    for num_in, num_out in pairwise(sizes):
        layers += [nn.Linear(num_in, num_out), activations.hidden(config.activation, config.slope)]
        if config.dropout:
            layers.append(Dropout(config.dropout))
    return layers
