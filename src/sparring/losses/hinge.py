"""The hinge loss (Lim and Ye 2017, https://arxiv.org/abs/1705.02894; Miyato et al. 2018, https://arxiv.org/abs/1802.05957)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu

from sparring.config.registry import register


@register("loss")
@dataclass(frozen=True)
class Hinge:
    """D minimises max(0, 1 - D(x)) + max(0, 1 + D(G(z))), G minimises -D(G(z)) (Miyato et al., equations 16 and 17).

    D has no slope on what is right by more than the margin, and G's is -1 everywhere. D gives scores, not probabilities.
    Values are per sample, of the logits' shape, minimised.
    """

    probabilistic: ClassVar[bool] = False

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """D's per-sample values for the real and for the generated batch; D minimises the sum of their means."""
        return relu(1 - real_logits), relu(1 + fake_logits)

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        """G's per-sample values, -D(G(z))."""
        return (-fake_logits,)
