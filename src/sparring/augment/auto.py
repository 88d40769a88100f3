"""The augmentation that suits the number of pictures."""

from dataclasses import dataclass

from torch import Tensor

from sparring.augment.adaptive import Adaptive
from sparring.augment.augment import Augment
from sparring.augment.diff_augment import DiffAugment
from sparring.config.registry import register

MANY = 2000  # images from which on D does not overfit within a run of usual length
FEWEST = 10  # images, of which an adaptive augmentation holds one back
SHARE = 8  # of the run's images in which the strength could rise from 0 to 1
IMAGES_TO_FULL = 10_000  # where the run's length is in minutes


@dataclass(frozen=True)
class Choice:
    """An augmentation, or None for none, and the reason in words."""

    augment: Augment | None
    reason: str


@register("augment", listed=False)
@dataclass(frozen=True)
class Auto:
    """Chosen when a run begins, by the number of its images, and recorded as what was chosen.

    None with thousands. With fewer, translation, cutout and flip at a strength that rises when D overfits (`Adaptive`), and
    could rise to its full in an eighth of the run. Before the choice nothing is augmented.
    """

    def choose(self, num_images: int, shown: int | None) -> Choice:
        """The choice for so many training images, of which the run shows `shown` to D in all; None where that is open."""
        if num_images >= MANY:
            return Choice(None, f"none, for {num_images:,} images are many")
        parts = DiffAugment(color=False, flip=True)
        if num_images < FEWEST:
            return Choice(parts, f"translation, cutout and flip, for {num_images:,} images are few")
        speed = IMAGES_TO_FULL if shown is None else max(1, shown // SHARE)
        reason = f"translation, cutout and flip, as much as D overfits to {num_images:,} images"
        return Choice(Adaptive(parts, images_to_full=speed), reason)

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return 0

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        return samples.clone()
