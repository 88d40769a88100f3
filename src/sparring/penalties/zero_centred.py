"""Zero-centred penalties at either side's samples (Mescheder et al. 2018, https://arxiv.org/abs/1801.04406, section 4.1)."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from sparring.config.registry import register
from sparring.penalties.penalty import Critic, Penalty


@register("penalty")
@dataclass(frozen=True)
class R1(Penalty):
    """(gamma / 2) |grad D(x)|^2 at real samples. The code beside the paper has no 1/2: its 10 is our 20."""

    gamma: float = 1.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return self.of_input_gradients(critic, real, center=0)


@register("penalty")
@dataclass(frozen=True)
class R2(Penalty):
    """(gamma / 2) |grad D(G(z))|^2 at generated samples."""

    side: ClassVar[Literal["real", "fake"]] = "fake"

    gamma: float = 1.0

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        return self.of_input_gradients(critic, fake, center=0)
