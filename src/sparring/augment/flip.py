"""Mirror images, for data in which left and right are alike."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.augment.augment import check_images, for_each
from sparring.config.registry import register


@register("augment")
@dataclass(frozen=True)
class Flip:
    """Left becomes right, with probability strength / 2."""

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        check_images("flip", shape)
        return 1

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        chosen = uniforms[:, 0] < strength / 2
        return torch.where(for_each(chosen, samples), samples.flip(3), samples)
