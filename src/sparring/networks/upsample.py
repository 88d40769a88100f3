"""The Keras tutorial's players: a generator that upsamples by repetition, a wide convolutional discriminator."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.networks.init import FirstLayer, GlorotUniform, Initial
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.head import head
from sparring.networks.layers.stages import stages


@register("generator")
@dataclass(frozen=True)
class UpsampleGeneratorConfig(Ranged, prefix="generator."):
    """z [B, num_z] -> images [B, C, H, W] in [-1, 1] of the sizes of `stages`.

    `width` channels in the smallest map, halved at every doubling; inner convolutions end in tanh, as written.
    """

    hidden: Annotated[int, Range(1)] = 512
    width: Annotated[int, Range(2)] = 128
    slope: Annotated[float, Range(0, below=1)] = 0.2
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        base, num_doublings = stages(shape, "upsample-generator")
        widths = [max(self.width >> k, 1) for k in range(num_doublings)]
        size = self.width * prod(base)
        layers: list[nn.Module] = []
        for num_in, num_out in pairwise((*widths, shape[0])):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(num_in, num_out, 5, padding=2), nn.Tanh()]
        return nn.Sequential(
            nn.Linear(num_z, self.hidden),
            nn.LeakyReLU(self.slope, inplace=True),
            nn.Linear(self.hidden, size),
            nn.LeakyReLU(self.slope, inplace=True),
            nn.BatchNorm1d(size, eps=self.bn_eps, momentum=self.bn_momentum),
            nn.Unflatten(1, (self.width, *base)),
            *layers,
        )


@register("discriminator")
@dataclass(frozen=True)
class UpsampleDiscriminatorConfig(Ranged, prefix="discriminator."):
    """Images [B, C, H, W] in [-1, 1] -> logits [B], of the sizes of `stages`.

    A convolution, leaky ReLU, max-pooling and dropout for each halving, of `width` channels first and twice as many after that;
    a dense layer, leaky ReLU and dropout.
    """

    width: Annotated[int, Range(1)] = 256
    hidden: Annotated[int, Range(1)] = 256
    slope: Annotated[float, Range(0, below=1)] = 0.2
    dropout: Annotated[float, Range(0, below=1)] = 0.3
    initial: Annotated[Initial, "initial"] = field(default_factory=FirstLayer)

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        base, num_halvings = stages(shape, "upsample-discriminator")
        widths = [shape[0], *(min(self.width << k, 2 * self.width) for k in range(num_halvings))]
        convolutions = [layer for num_in, num_out in pairwise(widths) for layer in _convolution(num_in, num_out, self)]
        return nn.Sequential(
            *convolutions,  # [B, 2 width, *base]
            nn.Flatten(),
            nn.Linear(widths[-1] * prod(base), self.hidden),
            nn.LeakyReLU(self.slope, inplace=True),
            Dropout(self.dropout),
            *head(self.hidden, num_outputs),
        )


def _convolution(num_in: int, num_out: int, config: UpsampleDiscriminatorConfig) -> list[nn.Module]:
    return [
        nn.Conv2d(num_in, num_out, 5, padding=2),
        nn.LeakyReLU(config.slope, inplace=True),
        nn.MaxPool2d(2),
        Dropout(config.dropout),
    ]
