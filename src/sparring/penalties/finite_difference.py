"""R1 and R2 by finite differences, without second derivatives (Lin et al. 2025, https://arxiv.org/abs/2501.08316)."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from sparring.config.ranges import Range
from sparring.config.registry import register
from sparring.penalties.penalty import Critic, Penalty


@dataclass(frozen=True)
class FiniteDifference(Penalty):
    """(gamma / 2) ((D(x + eps u) - D(x)) / eps)^2, with u = +1 or -1 in each value of x, both with probability 1/2.

    Since E u u' = 1, its mean over u is that of R1 or R2 but for a share of order eps^2. Two things differ from the paper's
    |D(x + sigma n) - D(x)|^2: the division by eps^2, with which gamma means the same as in R1 and R2 (their lambda of 100 with
    sigma 0.01 is gamma 0.02), and signs in place of normal n, for which the variance over u is smaller.
    """

    num_points: ClassVar[int] = 2

    gamma: float = 1.0
    eps: Annotated[float, Range(above=0)] = 0.01

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return prod(shape)

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return real if self.side == "real" else fake

    def neighbours(self, points: Tensor, uniforms: Tensor) -> Tensor:
        """x + eps u for points x [B, *shape], with u the signs of uniforms [B, n] - 1/2."""
        signs = 2 * (uniforms >= 0.5).to(points.dtype) - 1
        return points + self.eps * signs.view(points.shape)

    def difference_values(self, logits: Tensor, neighbour_logits: Tensor) -> Tensor:
        """Values [B] with gamma in them, `every` not, of D's logits [B] at the points and at their neighbours."""
        return self.scaled_square((neighbour_logits - logits) / self.eps)

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        """The values [B] from one pass of both points of every sample."""
        points = self.points(real, fake, uniforms).detach()
        logits = critic(torch.cat((points, self.neighbours(points, uniforms))))
        return self.difference_values(*logits.chunk(2))


@register("penalty")
@dataclass(frozen=True)
class R1FD(FiniteDifference):
    """R1 by finite differences: at real samples."""


@register("penalty")
@dataclass(frozen=True)
class R2FD(FiniteDifference):
    """R2 by finite differences: at generated samples."""

    side: ClassVar[Literal["real", "fake"]] = "fake"
