"""Augmentation: differentiable functions of images, applied to all that D is shown, real and generated."""

from typing import Protocol

from torch import Tensor


class Augment(Protocol):
    """Changes each image by itself. What is random comes from outside, as numbers U[0, 1) of each image."""

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        """How many random numbers an image of this shape takes."""
        ...

    def __call__(self, images: Tensor, uniforms: Tensor, strength: float = 1.0) -> Tensor:
        """Images [B, *shape] -> [B, *shape], differentiable twice. uniforms: [B, num_uniforms(shape)]; strength in [0, 1]."""
        ...
