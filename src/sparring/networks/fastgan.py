"""Networks for few pictures, after FastGAN (Liu et al. 2021, https://arxiv.org/abs/2101.04775, sections 3.1 and 3.2)."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import Annotated

from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers.excitation import Excited, SkipExcitation
from sparring.networks.layers.head import head
from sparring.networks.layers.reconstruction import Reconstructing
from sparring.networks.layers.residual import Residual
from sparring.networks.layers.stages import stages

SLOPE = 0.2
NARROWEST = 8  # channels of a decoder's last map, at least
SKIP = 4  # doublings between a map and the one that it excites: 16 times the size


@dataclass(frozen=True)
class _FastganConfig(Ranged):
    """Settings that both sides have."""

    width: Annotated[int, Range(1)] = 16
    max_width: int = 256
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self) -> None:
        super().__post_init__()
        good = self.max_width >= self.width
        check(good, f"{self.prefix}max_width", self.max_width, f"be at least the width, {self.width}")

    def _widths(self, num_halvings: int) -> list[int]:
        """Channels from the image's size downwards."""
        return [min(self.width << k, self.max_width) for k in range(num_halvings + 1)]


@register("generator")
@dataclass(frozen=True)
class FastganGeneratorConfig(_FastganConfig, prefix="generator."):
    """z [B, num_z] -> images [B, C, H, W] in [-1, 1] of the sizes of `stages`.

    A convolution, batch norm and a gated linear unit for each doubling; `width` channels in the image's size, twice as many at
    each size below, up to `max_width`. A map of 16 times the size of an earlier one is excited by it, and the largest one at
    least by the smallest. The paper's noise, and its second convolution in every other size, are left out.
    """

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        base, num_doublings = stages(shape, "fastgan-generator")
        widths = self._widths(num_doublings)[::-1]
        first = nn.Sequential(
            nn.Linear(num_z, 2 * widths[0] * prod(base), bias=False),
            nn.Unflatten(1, (2 * widths[0], *base)),
            *_gated(widths[0]),
        )
        sources = {place: max(place - SKIP, 0) for place in range(1, num_doublings + 1)}
        skips = {
            place: (source, SkipExcitation(widths[source], widths[place]))
            for place, source in sources.items()
            if place >= SKIP or place == num_doublings
        }
        last = nn.Sequential(nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=False), nn.Tanh())
        return Excited([first, *(_doubling(num_in, num_out) for num_in, num_out in pairwise(widths))], skips, last)


@register("discriminator")
@dataclass(frozen=True)
class FastganDiscriminatorConfig(_FastganConfig, prefix="discriminator."):
    """Images [B, C, H, W] in [-1, 1] -> logits [B], of the sizes of `stages`, without normalisation.

    Residual halvings down to the smallest map, of twice `width` channels after the first and twice as many after each, up to
    `max_width`. From the two smallest maps decoders make the image at half its size: D minimises `reconstruction` times their
    distances from real images as well, so that its maps hold the whole image. In training D has that value as one output more;
    see `Reconstructing`. The paper decodes a random quarter of the larger map, at full size, and compares features of a trained
    network; here it is all of it, at half size, and pixels are compared.
    """

    reconstruction: Annotated[float, Range(above=0)] = 1.0

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        base, num_halvings = stages(shape, "fastgan-discriminator")
        widths = self._widths(num_halvings)[1:]
        first = nn.Sequential(nn.Conv2d(shape[0], widths[0], 4, stride=2, padding=1), nn.LeakyReLU(SLOPE, inplace=True))
        layers = [first, *(_halving(num_in, num_out) for num_in, num_out in pairwise(widths))]
        decoders = [
            _decoder(width, num_halvings - 1 - smaller, shape[0]) for width, smaller in ((widths[-2], 1), (widths[-1], 0))
        ]
        verdict = nn.Sequential(nn.Flatten(), *head(widths[-1] * prod(base), num_outputs))
        return Reconstructing(layers, verdict, decoders, self.reconstruction)


def _gated(width: int) -> list[nn.Module]:
    """Batch norm and a gated linear unit, from twice the width."""
    return [nn.BatchNorm2d(2 * width), nn.GLU(1)]


def _doubling(num_in: int, num_out: int) -> nn.Sequential:
    convolution = nn.Conv2d(num_in, 2 * num_out, 3, padding=1, bias=False)
    return nn.Sequential(nn.Upsample(scale_factor=2), convolution, *_gated(num_out))


def _halving(num_in: int, num_out: int) -> nn.Sequential:
    """A convolution of stride 2 and another one, beside the average of each 2 x 2 places."""
    branch = nn.Sequential(
        nn.Conv2d(num_in, num_out, 4, stride=2, padding=1),
        nn.LeakyReLU(SLOPE, inplace=True),
        nn.Conv2d(num_out, num_out, 3, padding=1),
    )
    shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(num_in, num_out, 1, bias=False))
    return nn.Sequential(Residual(branch, shortcut), nn.LeakyReLU(SLOPE, inplace=True))


def _decoder(width: int, num_doublings: int, channels: int) -> nn.Sequential:
    """A map to an image: at each doubling a gated linear unit, to a quarter of the channels but no fewer than 8."""
    layers: list[nn.Module] = []
    for _ in range(num_doublings):
        narrower = max(width // 4, NARROWEST)
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, 2 * narrower, 3, padding=1), nn.GLU(1)]
        width = narrower
    return nn.Sequential(*layers, nn.Conv2d(width, channels, 3, padding=1), nn.Tanh())
