"""Zero-centred penalties at either side's samples (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, section 4.1)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from sparring.config.registry import register
from sparring.penalties.penalty import Penalty


@register("penalty")
@dataclass(frozen=True)
class R1(Penalty):
    """(gamma / 2) |grad D(x)|^2 at real samples. The code beside the paper has no 1/2: its 10 is our 20."""

    at_samples: ClassVar[bool] = True

    gamma: float = 1.0

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return real

    def values(self, gradients: Tensor) -> Tensor:
        return self.squared_norm(gradients)


@register("penalty")
@dataclass(frozen=True)
class R2(Penalty):
    """(gamma / 2) |grad D(G(z))|^2 at generated samples."""

    side: ClassVar[Literal["real", "fake"]] = "fake"
    at_samples: ClassVar[bool] = True

    gamma: float = 1.0

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return fake

    def values(self, gradients: Tensor) -> Tensor:
        return self.squared_norm(gradients)
