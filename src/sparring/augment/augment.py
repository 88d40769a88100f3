"""The interface of augmentations, and helpers that they share."""

from typing import Protocol

from torch import Tensor

from sparring.errors import InputError


class Augment(Protocol):
    """Maps samples, differentiably; `strength` 0 leaves them exactly as they are, 1 is the whole of it."""

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        """The number of random numbers that a sample of this shape takes; InputError for a shape that it cannot map."""
        ...

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """samples: [B, *shape]; uniforms: [B, num_uniforms(shape)] of their type -> [B, *shape]."""
        ...


def check_images(name: str, shape: tuple[int, ...]) -> None:
    """InputError unless samples of this shape are images."""
    if len(shape) != 3:
        raise InputError(f"{name} maps images, but a sample has the shape {list(shape)}; leave it out for points")


def for_each(numbers: Tensor, samples: Tensor) -> Tensor:
    """One number a sample, [B], in a shape that meets each of its values."""
    return numbers.view(-1, *[1] * (samples.ndim - 1))
