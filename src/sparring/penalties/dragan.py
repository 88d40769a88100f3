"""DRAGAN: the slope of D around real samples (Kodali et al. 2017, https://arxiv.org/abs/1705.07215)."""

from dataclasses import dataclass
from math import prod
from typing import Annotated

from torch import Tensor

from sparring.config.ranges import Range
from sparring.config.registry import register
from sparring.penalties.penalty import Penalty


@register("penalty")
@dataclass(frozen=True)
class Dragan(Penalty):
    """(gamma / 2) (|grad D| - 1)^2 at x + a w u, with a ~ U[0, 1) for each sample and u ~ U[0, 1) for each of its values.

    As in the authors' code, but for the width w of the noise: theirs is half the standard deviation of the batch, ours is
    fixed, so that a sample's value depends on no other; the default is about theirs on MNIST in [-1, 1]. Their lambda of 10 is
    gamma 20.
    """

    gamma: float = 20.0
    width: Annotated[float, Range(above=0)] = 0.3

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return 1 + prod(shape)

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return real + (self.width * uniforms[:, :1] * uniforms[:, 1:]).view(real.shape)

    def values(self, gradients: Tensor) -> Tensor:
        return self.squared_norm(gradients, center=1)
