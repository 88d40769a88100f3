"""Differentiable augmentation (Zhao et al. 2020, https://arxiv.org/abs/2006.10738)."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.augment.augment import check_images, for_each
from sparring.config.registry import register
from sparring.errors import InputError

NUM_UNIFORMS = {"brightness": 1, "saturation": 1, "contrast": 1, "translation": 2, "cutout": 2, "flip": 0}
"""Numbers that a transform takes, beside the one that decides if it is applied; in the order in which they come."""


@register("augment")
@dataclass(frozen=True)
class DiffAugment:
    """Brightness, saturation and contrast, then translation by up to an eighth, a hole of half the size, and a mirror image.

    As in the authors' code, which has no mirror image: what comes in at the edges and the hole are 0, mid-grey. Each of the up
    to six transforms is applied to an image with probability `strength`, the mirror image with half of it, independently (as in
    Karras et al. 2020, https://arxiv.org/abs/2006.06676); at 1 it is their method.

    All colours change in one affine map and all places by one look-up, of the values that one transform after the other gives.
    """

    color: bool = True
    translation: bool = True
    cutout: bool = True
    flip: bool = False

    def __post_init__(self) -> None:
        if not (self.color or self.translation or self.cutout or self.flip):
            raise InputError("diff-augment does nothing with color, translation, cutout and flip all false; leave it out")

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        """For each transform one number that decides if it is applied, and the one or two that it takes itself."""
        check_images("diff-augment", shape)
        return sum(1 + NUM_UNIFORMS[name] for name in self._transforms())

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        drawn = dict(self._split(uniforms))
        if self.color:
            samples = recoloured(samples, drawn["brightness"], drawn["saturation"], drawn["contrast"], strength)
        if not (self.translation or self.cutout or self.flip):
            return samples
        return replaced(samples, drawn.get("translation"), drawn.get("cutout"), drawn.get("flip"), strength)

    def _transforms(self) -> Iterator[str]:
        """Their names, in order."""
        if self.color:
            yield from ("brightness", "saturation", "contrast")
        yield from (name for name in ("translation", "cutout", "flip") if getattr(self, name))

    def _split(self, uniforms: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The numbers of each transform, the one that decides first."""
        first = 0
        for name in self._transforms():
            last = first + 1 + NUM_UNIFORMS[name]
            yield name, uniforms[:, first:last]
            first = last


def recoloured(
    images: Tensor, brightness: Tensor, saturation: Tensor, contrast: Tensor, strength: float | Tensor = 1.0
) -> Tensor:
    """All values moved by U(-1/2, 1/2), then each pixel's channels U(0, 2) times as far from their mean, then all values
    U(1/2, 3/2) times as far from the image's mean.

    Each [B, 2]: a number that decides if the change is made, and its own. One channel has no saturation.
    """
    shift = _where(brightness, strength, brightness[:, 1] - 0.5, 0.0)
    spread = _where(saturation, strength, 2 * saturation[:, 1], 1.0)
    gain = _where(contrast, strength, 0.5 + contrast[:, 1], 1.0)
    shift, spread, gain = (for_each(each, images) for each in (shift, spread, gain))
    constant = gain * shift + (1 - gain) * (images.mean((1, 2, 3), keepdim=True) + shift)
    if images.shape[1] == 1:
        return torch.addcmul(constant, gain, images)
    return torch.addcmul(gain * (1 - spread) * images.mean(1, keepdim=True) + constant, gain * spread, images)


def replaced(
    images: Tensor, translation: Tensor | None, cutout: Tensor | None, flip: Tensor | None, strength: float | Tensor = 1.0
) -> Tensor:
    """Moved by whole pixels down and to the right, each from -size / 8 to size / 8 (rounded half up), where 0 comes in; then a
    hole of half the height and width (rounded half up) around any pixel, cut off at the edges, becomes 0; then left becomes
    right, in half of all cases.

    translation, cutout: [B, 3]; flip: [B, 1]; the first number decides if it is done. None for what is left out.
    """
    num, channels, height, width = images.shape
    rows, columns = (torch.arange(size, device=images.device).expand(num, size) for size in (height, width))
    if flip is not None:
        is_mirrored = flip[:, :1] < strength / 2
        columns = torch.where(is_mirrored, width - 1 - columns, columns)
    keep = torch.ones(num, height, width, dtype=torch.bool, device=images.device)
    if cutout is not None:
        in_hole = _in_hole(rows, height, cutout[:, 1:2])[:, :, None] & _in_hole(columns, width, cutout[:, 2:])[:, None, :]
        keep &= ~(in_hole & (cutout[:, :1, None] < strength))
    if translation is not None:
        is_moved = translation[:, :1] < strength
        rows, columns = (
            torch.where(is_moved, places - _shift(size, numbers), places)
            for places, size, numbers in ((rows, height, translation[:, 1:2]), (columns, width, translation[:, 2:]))
        )
        inside = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
        keep &= inside[0][:, :, None] & inside[1][:, None, :]
        rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    source = (width * rows[:, :, None] + columns[:, None, :]).view(num, 1, height * width)
    moved = images.reshape(num, channels, height * width).gather(2, source.expand(num, channels, -1))
    return moved.view(images.shape) * keep[:, None]


def _where(drawn: Tensor, strength: float | Tensor, changed: Tensor, otherwise: float) -> Tensor:
    """The changed value where the first number decides for it, [B]."""
    return torch.where(drawn[:, 0] < strength, changed, otherwise)


def _shift(size: int, uniforms: Tensor) -> Tensor:
    """Whole pixels from -size / 8 to size / 8, [B, 1]."""
    most = int(size / 8 + 0.5)
    return _whole(uniforms, 2 * most + 1) - most


def _in_hole(places: Tensor, size: int, uniforms: Tensor) -> Tensor:
    """True for the places [B, size] inside the hole; one of even length has one position more, at the end."""
    length = int(size / 2 + 0.5)
    first = _whole(uniforms, size + 1 - length % 2) - length // 2
    return (places >= first) & (places < first + length)


def _whole(uniforms: Tensor, num: int) -> Tensor:
    """Whole numbers below `num`, equally likely; a float below 1 times `num` never rounds up to it."""
    return (uniforms * num).long()
