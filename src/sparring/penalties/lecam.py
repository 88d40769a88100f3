"""LeCam regularisation for little data (Tseng et al. 2021, https://arxiv.org/abs/2104.03310)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from sparring.config.ranges import Range
from sparring.config.registry import register
from sparring.penalties.penalty import LogitPenalty


@register("penalty")
@dataclass(frozen=True)
class LeCam(LogitPenalty):
    """(gamma / 2) (D(x) - a_fake)^2 and (gamma / 2) (D(G(z)) - a_real)^2: each side near the other's running mean.

    a_real and a_fake are exponential moving averages of the mean logits, from 0, with this `decay`. As in the paper; the code
    beside it squares only what is positive of D(x) - a_fake and of a_real - D(G(z)). Their lambda of 0.3 (BigGAN on CIFAR,
    hinge loss) is gamma 0.6.
    """

    gamma: float = 0.6
    decay: Annotated[float, Range(0, below=1)] = 0.99

    def initial(self) -> Tensor:
        """a_real and a_fake before the first round, [2]."""
        return torch.zeros(2)

    def values(self, real_logits: Tensor, fake_logits: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        a_real, a_fake = memory
        return self.scaled_square(real_logits - a_fake), self.scaled_square(fake_logits - a_real)

    def remember(self, memory: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """a <- decay a + (1 - decay) mean, for either side."""
        means = torch.stack((real_logits.detach().mean(), fake_logits.detach().mean()))
        return self.decay * memory + (1 - self.decay) * means
