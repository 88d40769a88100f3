"""The Keras tutorial's players: a generator that upsamples by repetition, a wide convolutional discriminator."""

from dataclasses import dataclass, field
from typing import Annotated

from torch import nn

from sparring.errors import check
from sparring.networks.init import FirstLayer, GlorotUniform, Initial
from sparring.networks.layers.activations import needs_size
from sparring.networks.layers.dropout import Dropout
from sparring.registry import register


@register("generator")
@dataclass(frozen=True)
class UpsampleGeneratorConfig:
    """z [B, num_z] -> images [B, C, 28, 28] in [-1, 1]; its inner convolution ends in tanh, as written."""

    hidden: int = 512
    width: int = 128
    slope: float = 0.2
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self):
        check(self.width >= 2, "generator.width", self.width, "be at least 2")
        check(self.hidden >= 1, "generator.hidden", self.hidden, "be at least 1")
        check(0 <= self.slope < 1, "generator.slope", self.slope, "lie in [0, 1)")

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        needs_size(shape, 28, "upsample-generator")
        width = self.width
        return nn.Sequential(
            nn.Linear(num_z, self.hidden),
            nn.LeakyReLU(self.slope, inplace=True),
            nn.Linear(self.hidden, width * 7 * 7),
            nn.LeakyReLU(self.slope, inplace=True),
            nn.BatchNorm1d(width * 7 * 7, eps=self.bn_eps, momentum=self.bn_momentum),
            nn.Unflatten(1, (width, 7, 7)),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width, width // 2, 5, padding=2),
            nn.Tanh(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(width // 2, shape[0], 5, padding=2),
            nn.Tanh(),
        )


@register("discriminator")
@dataclass(frozen=True)
class UpsampleDiscriminatorConfig:
    """Images [B, C, 28, 28] in [-1, 1] -> logits [B]; three times convolution or dense layer, leaky ReLU, dropout."""

    width: int = 256
    hidden: int = 256
    slope: float = 0.2
    dropout: float = 0.3
    initial: Annotated[Initial, "initial"] = field(default_factory=FirstLayer)

    def __post_init__(self):
        check(self.width >= 1, "discriminator.width", self.width, "be at least 1")
        check(self.hidden >= 1, "discriminator.hidden", self.hidden, "be at least 1")
        check(0 <= self.slope < 1, "discriminator.slope", self.slope, "lie in [0, 1)")
        check(0 <= self.dropout < 1, "discriminator.dropout", self.dropout, "lie in [0, 1)")

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        needs_size(shape, 28, "upsample-discriminator")
        width = self.width
        return nn.Sequential(
            *_convolution(shape[0], width, self),  # [B, width, 14, 14]
            *_convolution(width, 2 * width, self),  # [B, 2 width, 7, 7]
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, self.hidden),
            nn.LeakyReLU(self.slope, inplace=True),
            Dropout(self.dropout),
            nn.Linear(self.hidden, 1),
            nn.Flatten(0),
        )


def _convolution(num_in: int, num_out: int, config: UpsampleDiscriminatorConfig) -> list[nn.Module]:
    return [
        nn.Conv2d(num_in, num_out, 5, padding=2),
        nn.LeakyReLU(config.slope, inplace=True),
        nn.MaxPool2d(2),
        Dropout(config.dropout),
    ]
