"""The Wasserstein critic (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import register


@register("loss")
@dataclass(frozen=True)
class Wasserstein:
    """D maximises E D(x) - E D(G(z)) (equation 2), G maximises E D(G(z)); D needs a bound on its slope by other means.

    With |grad D| <= K, minus D's loss is at most K times the Wasserstein-1 distance. D gives scores, not probabilities.
    Values are per sample, of the logits' shape, minimised.
    """

    probabilistic: ClassVar[bool] = False

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """D's per-sample values, -D(x) and D(G(z)); D minimises the sum of their means."""
        return -real_logits, fake_logits

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        """G's per-sample values, -D(G(z))."""
        return (-fake_logits,)
