"""Differentiable augmentation (Zhao et al. 2020, https://arxiv.org/abs/2006.10738)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.augment.augment import check_images, for_each
from sparring.config.registry import register
from sparring.errors import InputError

Transform = Callable[[Tensor, Tensor], Tensor]


@register("augment")
@dataclass(frozen=True)
class DiffAugment:
    """Brightness, saturation and contrast, then translation by up to an eighth, then a hole of half the size.

    As in the authors' code: what comes in at the edges and the hole are 0, mid-grey. Each of the up to five transforms is
    applied to an image with probability `strength`, independently (as in Karras et al. 2020, https://arxiv.org/abs/2006.06676);
    at 1 it is their method.
    """

    color: bool = True
    translation: bool = True
    cutout: bool = True

    def __post_init__(self) -> None:
        if not (self.color or self.translation or self.cutout):
            raise InputError("diff-augment does nothing with color, translation and cutout all false; leave it out")

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        """For each transform one number that decides if it is applied, and the one or two that it takes itself."""
        check_images("diff-augment", shape)
        return sum(1 + num for _, num in self._transforms())

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        first = 0
        for transform, num in self._transforms():
            chosen = uniforms[:, first] < strength
            transformed = transform(samples, uniforms[:, first + 1 : first + 1 + num])
            samples = torch.where(for_each(chosen, samples), transformed, samples)
            first += 1 + num
        return samples

    def _transforms(self) -> tuple[tuple[Transform, int], ...]:
        """In order, with how many numbers each takes."""
        color = ((brightness, 1), (saturation, 1), (contrast, 1)) if self.color else ()
        return color + ((translation, 2),) * self.translation + ((cutout, 2),) * self.cutout


def brightness(images: Tensor, uniforms: Tensor) -> Tensor:
    """All values of an image moved by U(-1/2, 1/2)."""
    return images + for_each(uniforms[:, 0] - 0.5, images)


def saturation(images: Tensor, uniforms: Tensor) -> Tensor:
    """Each pixel's channels U(0, 2) times as far from their mean; one channel stays as it is."""
    mean = images.mean(1, keepdim=True)
    return mean + for_each(2 * uniforms[:, 0], images) * (images - mean)


def contrast(images: Tensor, uniforms: Tensor) -> Tensor:
    """All values of an image U(1/2, 3/2) times as far from their mean."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + for_each(0.5 + uniforms[:, 0], images) * (images - mean)


def translation(images: Tensor, uniforms: Tensor) -> Tensor:
    """Whole pixels down and to the right, each from -size / 8 to size / 8 (rounded half up); 0 comes in."""
    num, _, height, width = images.shape
    rows, inside_rows = _shifted(height, uniforms[:, 0])
    columns, inside_columns = _shifted(width, uniforms[:, 1])
    moved = images.gather(2, rows[:, None, :, None].expand(num, images.shape[1], height, width))
    moved = moved.gather(3, columns[:, None, None, :].expand_as(moved))
    return moved * (inside_rows[:, None, :, None] & inside_columns[:, None, None, :])


def _shifted(size: int, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """The source of each place along an axis, [B, size], and True for sources inside the image."""
    most = int(size / 8 + 0.5)
    shift = _whole(uniforms, 2 * most + 1) - most
    source = torch.arange(size, device=uniforms.device) - shift[:, None]
    return source.clamp(0, size - 1), (source >= 0) & (source < size)


def cutout(images: Tensor, uniforms: Tensor) -> Tensor:
    """A hole of half the height and width (rounded half up) around any pixel, cut off at the edges, becomes 0."""
    in_rows, in_columns = (_in_hole(size, uniforms[:, axis]) for axis, size in enumerate(images.shape[2:]))
    return images * ~(in_rows[:, None, :, None] & in_columns[:, None, None, :])


def _in_hole(size: int, uniforms: Tensor) -> Tensor:
    """True for the places along an axis inside the hole, [B, size]; one of even length has one position more, at the end."""
    length = int(size / 2 + 0.5)
    first = _whole(uniforms, size + 1 - length % 2) - length // 2
    from_first = torch.arange(size, device=uniforms.device) - first[:, None]
    return (from_first >= 0) & (from_first < length)


def _whole(uniforms: Tensor, num: int) -> Tensor:
    """Whole numbers below `num`, equally likely; a float below 1 times `num` never rounds up to it."""
    return (uniforms * num).long()
