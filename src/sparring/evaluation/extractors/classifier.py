"""The network of an extractor: a small convolutional classifier whose pooled last layer gives the features."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparring.errors import InputError, check

SMALLEST = 16  # pixels
MOST_WIDTHS = 30  # each but the first halves the image


@dataclass(frozen=True)
class ClassifierConfig:
    """3x3 convolutions with batch norm: the first keeps the image size; each further width halves it.

    Every inner width has a second convolution of stride 1. The channels of the last width, averaged over all positions, are
    the features.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128)

    def __post_init__(self) -> None:
        check(
            2 <= len(self.widths) <= MOST_WIDTHS,
            "widths",
            f"a list of {len(self.widths):,}",
            f"have 2 to {MOST_WIDTHS} numbers",
        )
        check(min(self.widths) >= 1, "widths", self.widths, "be positive numbers")

    def build(self, shape: tuple[int, ...], num_classes: int) -> "Classifier":
        """The network for images of `shape` [C, H, W]; InputError below 16 x 16 pixels."""
        if len(shape) != 3 or min(shape[1:]) < SMALLEST:
            raise InputError(f"an extractor needs images of at least {SMALLEST} x {SMALLEST} pixels, not {list(shape)}")
        return Classifier(self.widths, shape[0], num_classes)


class Classifier(nn.Module):
    """Images [B, C, H, W] in [-1, 1] -> features [B, D] and logits [B, K].

    Of 4 channels the last is alpha, which dims the others.
    """

    def __init__(self, widths: tuple[int, ...], num_channels: int, num_classes: int):
        super().__init__()
        first, *inner, last = widths
        layers = _block(num_channels, first)
        for narrow, wide in zip(widths, inner, strict=False):
            layers += _block(narrow, wide, stride=2) + _block(wide, wide)
        layers += _block(widths[-2], last, stride=2)
        self.features: nn.Sequential = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head: nn.Linear = nn.Linear(last, num_classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(_seen(images) if images.shape[1] == 4 else images)
        return features, self.head(features)


def _seen(images: Tensor) -> Tensor:
    """Colours as they are seen on black, beside their alpha: what is transparent has none."""
    colours, alpha = images[:, :3], images[:, 3:]
    return torch.cat([(colours + 1) * (alpha + 1) / 2 - 1, alpha], 1)


def _block(num_in: int, num_out: int, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(num_in, num_out, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(num_out), nn.ReLU(inplace=True)]
