"""Instance noise.

Sønderby et al. 2017, https://arxiv.org/abs/1610.04490; Arjovsky and Bottou 2017, https://arxiv.org/abs/1701.04862.
"""

from dataclasses import dataclass
from math import prod
from typing import Annotated

import torch
from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register


@register("augment")
@dataclass(frozen=True)
class InstanceNoise(Ranged, prefix="augment."):
    """Gaussian noise on all samples that D sees, so that both distributions overlap; its deviation is `std` times strength."""

    std: Annotated[float, Range(above=0)] = 0.1

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return prod(shape)

    def __call__(self, samples: Tensor, uniforms: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        return samples + strength * (self.std * normal(uniforms)).view(samples.shape)


def normal(uniforms: Tensor) -> Tensor:
    """N(0, 1) from U[0, 1): the quantile at the middle of each step between neighbouring numbers, hence finite at 0 as well.

    The tails end at 5.4 for float32 and at 8.3 for float64.
    """
    half_a_step = torch.finfo(uniforms.dtype).eps / 2
    return 2**0.5 * torch.erfinv(2 * uniforms - 1 + half_a_step)
