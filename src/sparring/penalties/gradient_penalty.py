"""The gradient penalty between real and generated samples (Gulrajani et al. 2017, https://arxiv.org/abs/1704.00028)."""

from dataclasses import dataclass
from typing import Annotated

from torch import Tensor

from sparring.config.ranges import Range
from sparring.config.registry import register
from sparring.penalties.penalty import Penalty


@register("penalty")
@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """(gamma / 2) (|grad D| - center)^2 at a random point on the line from each generated to a real sample (equation 3).

    The norm is that of each sample by itself, and so is the place on the line, U[0, 1). Center 1 is WGAN-GP, whose lambda of 10
    is gamma 20; center 0 is that of Thanh-Tung et al. 2019 (https://arxiv.org/abs/1902.03984).
    Raises ValueError where the batches differ in shape.
    """

    gamma: float = 20.0
    center: Annotated[float, Range(0)] = 1.0

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        return 1

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        if real.shape != fake.shape:
            shapes = f"{list(real.shape)} and {list(fake.shape)}"
            raise ValueError(f"gradient-penalty joins real with generated samples, but the batches are {shapes}")
        return fake + uniforms.view(-1, *[1] * (real.ndim - 1)) * (real - fake)

    def values(self, gradients: Tensor) -> Tensor:
        return self.squared_norm(gradients, self.center)
