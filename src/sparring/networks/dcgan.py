"""The small DCGAN of TensorFlow's eager tutorial (after Radford et al. 2016, https://arxiv.org/abs/1511.06434)."""

from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from math import prod
from typing import Annotated, Literal

from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.init import GlorotUniform, Initial
from sparring.networks.layers.blur import Blur
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.head import head
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d
from sparring.networks.layers.stages import stages
from sparring.networks.layers.widths import OptionalWidths


@register("generator")
@dataclass(frozen=True)
class DcganGeneratorConfig(Ranged, prefix="generator."):
    """z [B, num_z] -> images [B, C, H, W] in [-1, 1] of the sizes of `stages`.

    `width` channels at the smallest map, twice as many a doubling beyond two, halved at every doubling. Batch norm with
    Keras' epsilon and momentum (PyTorch's 1 - 0.99). `mapping`: widths of perceptron layers that z passes first, so that small
    steps of it can change much (Karras et al. 2019, https://arxiv.org/abs/1812.04948, section 2; theirs have no batch norm).
    `refine`: a convolution before the first doubling, as the tutorial has it. `doubling`: "transposed", a convolution of stride
    2, the last one straight into the image; or "resize", the repetition of each place and then a convolution of 3 x 3, and
    after the last one another into the image, which leaves no lattice (Odena et al. 2016,
    https://distill.pub/2016/deconv-checkerboard/). `blur`: so many of the last doublings have a low-pass filter after
    their convolution (Karras et al. 2019, section 2), which makes a repetition bilinear.
    """

    width: Annotated[int, Range(2)] = 64
    kernel: Annotated[int, Range(2, 7)] = 5
    mapping: OptionalWidths = ()
    refine: bool = True
    doubling: Literal["transposed", "resize"] = "transposed"
    blur: Annotated[int, Range(0)] = 0
    max_width: int = 512
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.max_width >= self.width, "generator.max_width", self.max_width, f"be at least the width, {self.width}")

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        base, num_doublings = stages(shape, "dcgan-generator")
        num_places = prod(base)
        batch_norm_1d = partial(nn.BatchNorm1d, eps=self.bn_eps, momentum=self.bn_momentum)
        batch_norm = partial(nn.BatchNorm2d, eps=self.bn_eps, momentum=self.bn_momentum)
        widths = [min(self.width * 2**k // 2, self.max_width) for k in range(num_doublings - 1, -1, -1)]
        deep = widths[0]
        dense = (num_z, *self.mapping)
        layers: list[nn.Module] = []
        for num_in, num_out in pairwise(dense):
            layers += [nn.Linear(num_in, num_out, bias=False), batch_norm_1d(num_out), nn.LeakyReLU(0.2, inplace=True)]
        layers += [
            nn.Linear(dense[-1], deep * num_places, bias=False),
            batch_norm_1d(deep * num_places),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (deep, *base)),
        ]
        if self.refine:
            layers += [SameConvTranspose2d(deep, deep, self.kernel, bias=False), batch_norm(deep), nn.ReLU(inplace=True)]
        if self.doubling == "resize":
            widths.append(max(widths[-1] // 2, 1))
        pairs = list(pairwise(widths))
        for place, (num_in, num_out) in enumerate(pairs):
            blur = [Blur(num_out)] if place >= len(pairs) - self.blur else []
            layers += [*self._doubled(num_in, num_out), *blur, batch_norm(num_out), nn.ReLU(inplace=True)]
        if self.doubling == "resize":
            last = [nn.Conv2d(widths[-1], shape[0], 3, padding=1, bias=False)]
        else:
            last = self._doubled(widths[-1], shape[0])
        return nn.Sequential(*layers, *last, nn.Tanh())

    def _doubled(self, num_in: int, num_out: int) -> list[nn.Module]:
        if self.doubling == "resize":
            return [nn.Upsample(scale_factor=2), nn.Conv2d(num_in, num_out, 3, padding=1, bias=False)]
        return [SameConvTranspose2d(num_in, num_out, self.kernel, stride=2, bias=False)]


@register("discriminator")
@dataclass(frozen=True)
class DcganDiscriminatorConfig(Ranged, prefix="discriminator."):
    """Images [B, C, H, W] in [-1, 1] -> logits [B], of the sizes of `stages`; dropout in place of batch norm.

    `depth` convolutions, each of which halves the map and doubles the channels from `width` on; None: down to the smallest map.
    """

    width: Annotated[int, Range(1)] = 64
    kernel: Annotated[int, Range(2, 7)] = 5
    depth: Annotated[int, Range(1, 6)] | None = None
    max_width: int = 512
    slope: Annotated[float, Range(0, below=1)] = 0.2
    dropout: Annotated[float, Range(0, below=1)] = 0.3
    initial: Annotated[Initial, "initial"] = field(default_factory=GlorotUniform)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.max_width >= self.width, "discriminator.max_width", self.max_width, f"be at least the width, {self.width}")

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        _, num_halvings = stages(shape, "dcgan-discriminator")
        depth = self.depth or num_halvings
        widths = [shape[0], *(min(self.width * 2**k, self.max_width) for k in range(depth))]
        layers: list[nn.Module] = []
        for num_in, num_out in pairwise(widths):
            layers += [SameConv2d(num_in, num_out, self.kernel, stride=2), nn.LeakyReLU(self.slope, inplace=True)]
            layers.append(Dropout(self.dropout))
        num_places = prod(-(-side // 2**depth) for side in shape[1:])
        return nn.Sequential(*layers, nn.Flatten(), *head(widths[-1] * num_places, num_outputs))
