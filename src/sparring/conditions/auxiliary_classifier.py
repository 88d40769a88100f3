"""The auxiliary classifier (Odena et al. 2017, https://arxiv.org/abs/1610.09585)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.latents import AttributeCode, Code


@register("condition")
@dataclass(frozen=True)
class AuxiliaryClassifier(Ranged, prefix="condition."):
    """D also tells the class: both sides maximise log P(class | image), of real and generated images (equation 3).

    `weight` multiplies these values, in nats.
    """

    weight: Annotated[float, Range(above=0)] = 1.0

    uses_labels: ClassVar[bool] = True

    def num_outputs(self, code: Code) -> int:
        check(not isinstance(code, AttributeCode), "z", "an attribute-code", "be a code for a classifier")
        check(code.classes >= 2 and code.continuous == 0, "z", code, "have classes, and no continuous codes, for a classifier")
        return code.classes

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        return outputs[:, 0]

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return (-self.weight * (outputs[:, 1:].log_softmax(1) * codes).sum(1),)

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return self.real_terms(outputs, codes, num_classes)
