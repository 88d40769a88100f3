"""SNGAN's residual networks (Miyato et al. 2018, https://arxiv.org/abs/1802.05957, tables 4 and 5).

Spectral normalisation is not part of them: it is a constraint that a recipe puts on any discriminator.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers.head import head
from sparring.networks.layers.residual import Residual, SumPool
from sparring.networks.layers.stages import stages

SMALLEST = 8  # pixels of the map's shorter side at which D stops to halve


@register("generator")
@dataclass(frozen=True)
class ResnetGeneratorConfig(Ranged, prefix="generator."):
    """z [B, num_z] -> images [B, C, H, W] in [-1, 1] of the sizes of `stages`.

    A residual block with batch norm for each doubling; `width` channels in the image's size, twice as many at each size below
    down to 32 pixels of the shorter side, and no more from there on (the paper's width is 256 for 32 pixels).
    """

    width: Annotated[int, Range(1)] = 64
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        base, num_doublings = stages(shape, "resnet-generator")
        widths = [_width(self.width, min(shape[1:]), min(base) << k) for k in range(num_doublings + 1)]
        return nn.Sequential(
            nn.Linear(num_z, widths[0] * prod(base)),
            nn.Unflatten(1, (widths[0], *base)),
            *(_doubling(num_in, num_out) for num_in, num_out in pairwise(widths)),
            nn.BatchNorm2d(widths[-1]),
            nn.ReLU(inplace=True),
            nn.Conv2d(widths[-1], shape[0], 3, padding=1),
            nn.Tanh(),
        )


@register("discriminator")
@dataclass(frozen=True)
class ResnetDiscriminatorConfig(Ranged, prefix="discriminator."):
    """Images [B, C, H, W] in [-1, 1] -> logits [B], of the sizes of `stages`.

    Residual blocks without normalisation that halve the map until its shorter side is at most 8, two that keep it, and the sum
    over all places; `width` as in the generator (the paper's is 128 for 32 pixels).
    """

    width: Annotated[int, Range(1)] = 64
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        stages(shape, "resnet-discriminator")
        side = size = min(shape[1:])
        width = _width(self.width, side, side)
        blocks = [_first(shape[0], width)]
        while (size := size // 2) > SMALLEST:
            wider = _width(self.width, side, size)
            blocks.append(_halving(width, wider))
            width = wider
        return nn.Sequential(
            *blocks, _keeping(width), _keeping(width), nn.ReLU(inplace=True), SumPool(), *head(width, num_outputs)
        )


def _width(width: int, size: int, at: int) -> int:
    """Channels of a map whose shorter side has `at` pixels, within images whose shorter side has `size`."""
    return width * max(1, min(size // 32, size // at))


def _conv(num_in: int, num_out: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(num_in, num_out, kernel, padding=kernel // 2)


def _doubling(num_in: int, num_out: int) -> Residual:
    branch = nn.Sequential(
        nn.BatchNorm2d(num_in),
        nn.ReLU(inplace=True),
        nn.Upsample(scale_factor=2),
        _conv(num_in, num_out),
        nn.BatchNorm2d(num_out),
        nn.ReLU(inplace=True),
        _conv(num_out, num_out),
    )
    return Residual(branch, nn.Sequential(nn.Upsample(scale_factor=2), _conv(num_in, num_out, kernel=1)))


def _first(num_in: int, num_out: int) -> Residual:
    """As `_halving`, but that images are not rectified, and are averaged before the shortcut's convolution."""
    branch = nn.Sequential(_conv(num_in, num_out), nn.ReLU(inplace=True), _conv(num_out, num_out), nn.AvgPool2d(2))
    return Residual(branch, nn.Sequential(nn.AvgPool2d(2), _conv(num_in, num_out, kernel=1)))


def _halving(num_in: int, num_out: int) -> Residual:
    branch = nn.Sequential(nn.ReLU(), _conv(num_in, num_out), nn.ReLU(inplace=True), _conv(num_out, num_out), nn.AvgPool2d(2))
    return Residual(branch, nn.Sequential(_conv(num_in, num_out, kernel=1), nn.AvgPool2d(2)))


def _keeping(width: int) -> Residual:
    return Residual(nn.Sequential(nn.ReLU(), _conv(width, width), nn.ReLU(inplace=True), _conv(width, width)))
