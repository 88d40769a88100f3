"""What the generator starts from: the distributions of z."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from sparring.errors import check
from sparring.registry import register


@dataclass(frozen=True)
class Noise:
    """A distribution of z with `num` independent, equal coordinates."""

    num: int = 100

    def __post_init__(self):
        check(self.num >= 1, "z.num", self.num, "be at least 1")

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        """[num_samples, num] float32 on the device of `rng`."""
        raise NotImplementedError


@register("noise")
@dataclass(frozen=True)
class Normal(Noise):
    """z ~ N(0, 1)."""

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        return torch.randn(num_samples, self.num, generator=rng, device=rng.device)


@register("noise")
@dataclass(frozen=True)
class Uniform(Noise):
    """z ~ U(-1, 1)."""

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        return 2 * torch.rand(num_samples, self.num, generator=rng, device=rng.device) - 1
