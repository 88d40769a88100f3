"""The small DCGAN of TensorFlow's eager tutorial (after Radford et al. 2016, https://arxiv.org/abs/1511.06434)."""

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from torch import nn

from sparring.errors import check
from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers.activations import needs_size
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.registry import register


@register("generator")
@dataclass(frozen=True)
class DcganGeneratorConfig:
    """z [B, num_z] -> images [B, C, 28, 28] in [-1, 1]; batch norm with Keras' epsilon and momentum (PyTorch's 1 - 0.99)."""

    width: int = 64
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self):
        check(self.width >= 2, "generator.width", self.width, "be at least 2")

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        needs_size(shape, 28, "dcgan-generator")
        wide, narrow = self.width, self.width // 2
        batch_norm = partial(nn.BatchNorm2d, eps=self.bn_eps, momentum=self.bn_momentum)
        return nn.Sequential(
            nn.Linear(num_z, wide * 7 * 7, bias=False),
            nn.BatchNorm1d(wide * 7 * 7, eps=self.bn_eps, momentum=self.bn_momentum),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (wide, 7, 7)),
            SameConvTranspose2d(wide, wide, 5, stride=1, bias=False),
            batch_norm(wide),
            nn.ReLU(inplace=True),
            SameConvTranspose2d(wide, narrow, 5, stride=2, bias=False),  # [B, narrow, 14, 14]
            batch_norm(narrow),
            nn.ReLU(inplace=True),
            SameConvTranspose2d(narrow, shape[0], 5, stride=2, bias=False),  # [B, C, 28, 28]
            nn.Tanh(),
        )


@register("discriminator")
@dataclass(frozen=True)
class DcganDiscriminatorConfig:
    """Images [B, C, 28, 28] in [-1, 1] -> logits [B]; dropout in place of batch norm."""

    width: int = 64
    slope: float = 0.2
    dropout: float = 0.3
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self):
        check(self.width >= 1, "discriminator.width", self.width, "be at least 1")
        check(0 <= self.slope < 1, "discriminator.slope", self.slope, "lie in [0, 1)")
        check(0 <= self.dropout < 1, "discriminator.dropout", self.dropout, "lie in [0, 1)")

    def build(self, shape: tuple[int, ...]) -> nn.Module:
        needs_size(shape, 28, "dcgan-discriminator")
        width = self.width
        return nn.Sequential(
            SameConv2d(shape[0], width, 5, stride=2),  # [B, width, 14, 14]
            nn.LeakyReLU(self.slope, inplace=True),
            Dropout(self.dropout),
            SameConv2d(width, 2 * width, 5, stride=2),  # [B, 2 width, 7, 7]
            nn.LeakyReLU(self.slope, inplace=True),
            Dropout(self.dropout),
            nn.Flatten(),
            nn.Linear(2 * width * 7 * 7, 1),
            nn.Flatten(0),
        )
