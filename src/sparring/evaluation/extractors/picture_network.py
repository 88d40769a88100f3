"""The network of an extractor for pictures of any kind: convolutions whose channels are averaged at three scales."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from sparring.errors import check

SIZE = 64  # pixels of both sides of what the network sees


@dataclass(frozen=True)
class PictureNetworkConfig:
    """3x3 convolutions with batch norm, each width at half the size of the one before, the first at half the picture's.

    The channels of all widths but the first, averaged over all positions and brought to mean 0 and variance 1, are the
    features.
    """

    widths: tuple[int, ...] = (32, 64, 128, 192)

    def __post_init__(self) -> None:
        check(2 <= len(self.widths) <= 6, "widths", f"a list of {len(self.widths):,}", "have 2 to 6 numbers")
        check(1 <= min(self.widths) <= max(self.widths) <= 4096, "widths", self.widths, "be in 1..4,096")

    @property
    def num_features(self) -> int:
        return sum(self.widths[1:])

    def build(self) -> "PictureNetwork":
        return PictureNetwork(self)


class PictureNetwork(nn.Module):
    """Pictures [B, 3, 64, 64] in [-1, 1] -> features [B, D]."""

    def __init__(self, config: PictureNetworkConfig):
        super().__init__()
        self.config = config
        stages = [nn.Sequential(*_block(3, config.widths[0], stride=2))]
        for narrow, wide in zip(config.widths, config.widths[1:], strict=False):
            last = wide == config.widths[-1]
            stages.append(nn.Sequential(*_block(narrow, wide, stride=2), *([] if last else _block(wide, wide))))
        self.stages: nn.ModuleList = nn.ModuleList(stages)
        self.scale: nn.BatchNorm1d = nn.BatchNorm1d(config.num_features, momentum=0.02, affine=False)

    def forward(self, pictures: Tensor) -> Tensor:
        levels, x = [], pictures
        for stage in self.stages:
            x = stage(x)
            levels.append(x.mean((2, 3)))
        return self.scale(torch.cat(levels[1:], 1))


def prepared(images: Tensor) -> Tensor:
    """What the network sees of images [B, C, H, W] in [-1, 1] with 1, 3 or 4 channels: float32 [B, 3, 64, 64].

    Grey is repeated. Colours are multiplied by alpha, so that what is transparent is mid-grey. Both sides are brought to 64
    pixels, whatever their ratio, by a triangular kernel that is widened where it shrinks (bilinear where it enlarges).
    """
    if images.shape[1] == 4:
        images = images[:, :3] * (images[:, 3:] + 1) / 2
    if images.shape[2:] != (SIZE, SIZE):
        images = interpolate(images, (SIZE, SIZE), mode="bilinear", antialias=True)
    return images.expand(-1, 3, -1, -1)


def _block(num_in: int, num_out: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(num_in, num_out, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(num_out), nn.ReLU(inplace=True)]
