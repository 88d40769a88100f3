"""Adaptive strength of an augmentation (Karras et al. 2020, https://arxiv.org/abs/2006.06676, section 3)."""

from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor

from sparring.augment.augment import Augment
from sparring.augment.diff_augment import DiffAugment
from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import InputError


@register("augment")
@dataclass(frozen=True)
class Adaptive(Ranged, prefix="augment."):
    """Another augmentation, stronger while D overfits and weaker while it does not; strength starts at 0.

    Every so many rounds (`every`) r_v (`overfitting`) is measured on D's logits, of samples augmented alike, and the strength
    goes up or down by the images shown since over `images_to_full`. The paper drives its runs by r_t = E sign(D(x)), which
    needs no held-out images but means nothing to a critic that may gain any constant; its 0.6 is no target for r_v.
    """

    augment: Annotated[Augment, "augment"] = field(default_factory=DiffAugment)
    target: Annotated[float, Range(above=0, below=1)] = 0.5
    every: Annotated[int, Range(1)] = 4
    images_to_full: Annotated[int, Range(1)] = 500_000

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.augment, Adaptive):
            raise InputError("augment.augment is adaptive itself; name what it adapts, such as diff-augment")

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return self.augment.num_uniforms(shape)

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        return self.augment(samples, uniforms, strength)

    def adapt(self, strength: float, train: Tensor, held_out: Tensor, generated: Tensor, images: int) -> float:
        """The strength from now on, given D's logits of the three kinds of samples and the images shown since the last time."""
        return adapted(strength, overfitting(train, held_out, generated), self.target, images, self.images_to_full)


def overfitting(train: Tensor, held_out: Tensor, generated: Tensor) -> float:
    """r_v = (E D(train) - E D(held out)) / (E D(train) - E D(generated)) (equation 1), from logits of any number each.

    0: held-out images look as real as those trained on, 1: as false as generated ones. Also 0 where generated samples look as
    real as the images, for there is nothing then that D has learnt. Invariant to a constant and a factor in D.
    """
    means = [logits.double().mean() for logits in (train, held_out, generated)]
    real, unseen, fake = torch.stack(means).tolist()  # one synchronisation
    return (real - unseen) / (real - fake) if real > fake else 0.0


def adapted(strength: float, signal: float, target: float, images: int, images_to_full: int) -> float:
    """A step of images / images_to_full towards more where the signal is above its target, else towards less; in [0, 1]."""
    step = images / images_to_full
    return min(max(strength + (step if signal > target else -step), 0.0), 1.0)
