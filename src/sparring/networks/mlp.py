"""Multilayer perceptrons: the players of the vanilla, paper and dropout-mlp recipes; any image size, and points."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers import activations
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.head import head
from sparring.networks.layers.perceptron import Perceptron
from sparring.networks.layers.widths import Widths


@register("generator")
@dataclass(frozen=True)
class MLPGeneratorConfig(Ranged, prefix="generator."):
    """z [B, num_z] -> images [B, *shape] in [-1, 1] ("linear": any points)."""

    widths: Widths = (256,)
    activation: activations.Hidden = "relu"
    slope: Annotated[float, Range(0, below=1)] = 0.2
    dropout: Annotated[float, Range(0, below=1)] = 0.0
    output: activations.Output = "tanh"
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        return Perceptron(
            *_hidden_layers((num_z, *self.widths), self),
            nn.Linear(self.widths[-1], prod(shape)),
            *activations.output(self.output),
            nn.Unflatten(1, shape),
        )


@register("discriminator")
@dataclass(frozen=True)
class MLPDiscriminatorConfig(Ranged, prefix="discriminator."):
    """Images [B, *shape] in [-1, 1] -> logits [B].

    `unit_range` hands the pixels to the first layer as [0, 1].
    """

    widths: Widths = (256,)
    activation: activations.Hidden = "relu"
    slope: Annotated[float, Range(0, below=1)] = 0.2
    dropout: Annotated[float, Range(0, below=1)] = 0.0
    unit_range: bool = False
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        return Perceptron(
            nn.Flatten(),
            activations.Affine(0.5, 0.5) if self.unit_range else nn.Identity(),
            *_hidden_layers((prod(shape), *self.widths), self),
            *head(self.widths[-1], num_outputs),
        )


def _hidden_layers(sizes: tuple[int, ...], config: MLPGeneratorConfig | MLPDiscriminatorConfig) -> list[nn.Module]:
    layers = []
    for num_in, num_out in pairwise(sizes):
        layers += [nn.Linear(num_in, num_out), activations.hidden(config.activation, config.slope)]
        if config.dropout:
            layers.append(Dropout(config.dropout))
    return layers
