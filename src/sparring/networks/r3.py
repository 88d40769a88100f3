"""R3GAN's networks (Huang et al. 2024, https://arxiv.org/abs/2501.05441, section 3 and appendix): no normalisation, no tanh."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Annotated

from torch import Generator, nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.init import Initial
from sparring.networks.layers.head import head
from sparring.networks.layers.maps import Basis, Resample
from sparring.networks.layers.residual import Residual
from sparring.networks.layers.stages import stages

SLOPE = 0.2
EXPANSION = 2
GAIN = sqrt(2 / (1 + SLOPE**2))  # keeps the variance through a leaky ReLU (He et al. 2015)


@register("initial")
@dataclass(frozen=True)
class Scaled(Initial):
    """Weights N(0, gain^2 / fan_in), with the gain that a layer names, or 1; biases 0."""

    def layer(self, layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, rng: Generator) -> None:
        fan_in = layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=getattr(layer, "gain", 1.0) / sqrt(fan_in), generator=rng)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


@dataclass(frozen=True)
class _R3Config(Ranged):
    """Settings that both sides have."""

    width: Annotated[int, Range(1)] = 32
    max_width: int = 128
    blocks: Annotated[int, Range(1, 100)] = 1
    group: Annotated[int, Range(1)] = 16
    initial: Annotated[Initial, "initial"] = field(default_factory=Scaled)

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = f"be a multiple of {self.group} / {EXPANSION}, of the groups' channels"
        check(self._in_groups(self.width), f"{self.prefix}width", self.width, rule)
        good = self.max_width >= self.width and self._in_groups(self.max_width)
        check(good, f"{self.prefix}max_width", self.max_width, f"{rule}, and at least the width")

    def _in_groups(self, num_channels: int) -> bool:
        return num_channels * EXPANSION % self.group == 0

    def _widths(self, num_halvings: int) -> list[int]:
        """Channels from the image's size downwards."""
        return [min(self.width << k, self.max_width) for k in range(num_halvings + 1)]


@register("generator")
@dataclass(frozen=True)
class R3GeneratorConfig(_R3Config, prefix="generator."):
    """z [B, num_z] -> images [B, C, H, W] of the sizes of `stages`, near [-1, 1] but not bound to it.

    A learned smallest map, scaled channel by channel by a linear map of z; `blocks` residual blocks in each size, of `width`
    channels in the image's size and twice as many at each size below, up to `max_width`, in groups of `group` channels.
    """

    def build(self, num_z: int, shape: tuple[int, ...]) -> nn.Module:
        base, num_doublings = stages(shape, "r3-generator")
        widths = self._widths(num_doublings)[::-1]
        depth = self.blocks * len(widths)
        layers: list[nn.Module] = [Basis(num_z, widths[0], base), *_blocks(widths[0], self, depth)]
        for place, (num_in, num_out) in enumerate(pairwise(widths)):
            height, width = (side << place for side in base)
            doubling = Resample((height, width), (2 * height, 2 * width))
            layers += [*_changed(num_in, num_out), doubling, *_blocks(num_out, self, depth)]
        return nn.Sequential(*layers, nn.Conv2d(widths[-1], shape[0], 1, bias=False))


@register("discriminator")
@dataclass(frozen=True)
class R3DiscriminatorConfig(_R3Config, prefix="discriminator."):
    """Images [B, C, H, W] -> logits [B], of the sizes of `stages`: the generator's mirror image.

    At the end every channel of the smallest map is weighed by a kernel of its own size.
    """

    def build(self, shape: tuple[int, ...], num_outputs: int = 1) -> nn.Module:
        base, num_halvings = stages(shape, "r3-discriminator")
        widths = self._widths(num_halvings)
        depth = self.blocks * len(widths)
        layers: list[nn.Module] = [nn.Conv2d(shape[0], widths[0], 1), *_blocks(widths[0], self, depth)]
        for place, (num_in, num_out) in enumerate(pairwise(widths)):
            height, width = (side >> place for side in shape[1:])
            layers += [
                Resample((height, width), (height // 2, width // 2)),
                *_changed(num_in, num_out),
                *_blocks(num_out, self, depth),
            ]
        whole = nn.Conv2d(widths[-1], widths[-1], base, groups=widths[-1], bias=False)
        return nn.Sequential(*layers, whole, nn.Flatten(), *head(widths[-1], num_outputs))


def _changed(num_in: int, num_out: int) -> list[nn.Module]:
    """To another number of channels, where it is another."""
    return [] if num_in == num_out else [nn.Conv2d(num_in, num_out, 1, bias=False)]


def _blocks(width: int, config: R3GeneratorConfig | R3DiscriminatorConfig, depth: int) -> list[nn.Module]:
    return [_block(width, config.group, depth) for _ in range(config.blocks)]


def _block(width: int, group: int, depth: int) -> Residual:
    """x + W3 f(W2 f(W1 x)): up by 1 x 1, grouped 3 x 3, back by 1 x 1, which starts at zero.

    The first two start smaller by depth^(-1/4), `depth` being the number of blocks (Fixup, Zhang et al. 2019,
    https://arxiv.org/abs/1901.09321).
    """
    inner = EXPANSION * width
    gain = GAIN * depth**-0.25
    return Residual(
        nn.Sequential(
            _scaled(nn.Conv2d(width, inner, 1), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            _scaled(nn.Conv2d(inner, inner, 3, padding=1, groups=inner // group), gain),
            nn.LeakyReLU(SLOPE, inplace=True),
            _scaled(nn.Conv2d(inner, width, 1, bias=False), 0.0),
        )
    )


def _scaled(layer: nn.Conv2d, gain: float) -> nn.Conv2d:
    layer.gain = gain  # pyright: ignore[reportArgumentType]  (what `Scaled` looks for)
    return layer
