"""Least squares (Mao et al. 2017, https://arxiv.org/abs/1611.04076)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check


@register("loss")
@dataclass(frozen=True)
class LeastSquares(Ranged, prefix="loss."):
    """D minimises (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2, G minimises (D(G(z)) - c)^2 / 2 (equation 2).

    `a`, `b`, `c` are the paper's: D's targets for generated and for real samples, and what G wants D to say. The defaults are
    its 0-1 coding (equation 9); -1, 1, 0 make G minimise a Pearson chi-squared divergence (equation 8). `b` below 1 is
    one-sided label smoothing. D estimates a target, not a logit. Values are per sample, of the logits' shape, minimised.
    """

    probabilistic: ClassVar[bool] = False

    a: Annotated[float, Range()] = 0.0
    b: Annotated[float, Range()] = 1.0
    c: Annotated[float, Range()] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.b != self.a, "loss.b", self.b, "differ from loss.a, for D to tell real from generated")
        check(self.c != self.a, "loss.c", self.c, "differ from loss.a, for G to want something else than D")

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """D's per-sample values for the real and for the generated batch; D minimises the sum of their means."""
        return (real_logits - self.b).square() / 2, (fake_logits - self.a).square() / 2

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        """G's per-sample values, (D(G(z)) - c)^2 / 2."""
        return ((fake_logits - self.c).square() / 2,)
