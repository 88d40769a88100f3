"""InfoGAN (Chen et al. 2016, https://arxiv.org/abs/1606.03657)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.latents import AttributeCode, Code


@register("condition")
@dataclass(frozen=True)
class Info(Ranged, prefix="condition."):
    """D finds the code of a generated image again: both sides maximise log Q(c | G(z, c)) (equations 5, 6), without labels.

    Q shares all of D but the last layer. Of the class it is categorical; of a continuous code N(mean, 1), so that -log Q is
    half the squared error, but for a constant. `weight` is the paper's lambda for the class, `continuous_weight` for the rest.
    """

    weight: Annotated[float, Range(above=0)] = 1.0
    continuous_weight: Annotated[float, Range(above=0)] = 0.1

    uses_labels: ClassVar[bool] = False

    def num_outputs(self, code: Code) -> int:
        check(not isinstance(code, AttributeCode), "z", "an attribute-code", "be a code for their information")
        check(code.classes + code.continuous > 0, "z", code, "have classes or continuous codes, for their information")
        return code.classes + code.continuous

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        return outputs[:, 0]

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        found_class, mean = outputs[:, 1 : 1 + num_classes], outputs[:, 1 + num_classes :]
        class_, continuous = codes[:, :num_classes], codes[:, num_classes:]
        terms = []
        if class_.shape[1]:
            terms.append(-self.weight * (found_class.log_softmax(1) * class_).sum(1))
        if continuous.shape[1]:
            terms.append(self.continuous_weight * (continuous - mean).square().sum(1) / 2)
        return tuple(terms)
