"""The hinge loss, squared, so that D's slope falls to zero on the way to the margin.

A file as users of version 0.1.0 have it: what it imports, and from where, stays as it is.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from sparring.registry import register
from torch import Tensor
from torch.nn.functional import relu

from sparring import recipes


@register("loss")
@dataclass(frozen=True)
class SquaredHinge:
    """D minimises max(0, m - D(x))^2 + max(0, m + D(G(z)))^2; G minimises -D(G(z)). D's output is a score, not a logit."""

    probabilistic: ClassVar[bool] = False  # so the journal writes no mean D(x)

    margin: float = 1.0

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        return relu(self.margin - real_logits).square(), relu(self.margin + fake_logits).square()

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        return (-fake_logits,)


@register("recipe")
def ring_hinge():
    """The ring with a squared hinge loss."""
    return replace(recipes.get("ring"), loss=SquaredHinge())
