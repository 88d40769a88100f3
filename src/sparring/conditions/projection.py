"""Projection (Miyato and Koyama 2018, https://arxiv.org/abs/1802.05637)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.latents import Code


@register("condition")
@dataclass(frozen=True)
class Projection:
    """D(x, y) = psi(phi(x)) + y' V phi(x) (equation 3): D's other outputs are V phi(x), and the class picks its own.

    Each class has a bias beside, which the paper has not: the logit of its share. A combination of attributes picks one output
    for each of them, and their sum is its own.
    """

    uses_labels: ClassVar[bool] = True

    def num_outputs(self, code: Code) -> int:
        check(code.classes >= 2 and code.continuous == 0, "z", code, "have classes, and no continuous codes, for a projection")
        return code.class_columns

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        return outputs[:, 0] + (outputs[:, 1:] * codes).sum(1)

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()
