"""Conditioning on classes where there are any."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import register
from sparring.networks.latents import Code


@register("condition", listed=False)
@dataclass(frozen=True)
class Auto:
    """A projection where the data have classes, else no condition; chosen when a run begins, and recorded as what was chosen.

    Before the choice there is no condition.
    """

    uses_labels: ClassVar[bool] = False

    def num_outputs(self, code: Code) -> int:
        return 0

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        return outputs

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()
