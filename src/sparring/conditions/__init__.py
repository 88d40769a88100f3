"""Conditions: how D is told, or asked, of which class or code an image is. A condition a file.

A conditional D has more outputs than the logit: [B, 1 + n], all linear in the same last features. `codes` [B, classes +
continuous] are what a `noise.Code` adds to z, the first `num_classes` of them one-hot; those of a real image are its class.
"""

from typing import ClassVar, Protocol

from torch import Tensor

from sparring.conditions.auxiliary_classifier import AuxiliaryClassifier
from sparring.conditions.info import Info
from sparring.conditions.projection import Projection
from sparring.config import registry
from sparring.networks.latents import Code

__all__ = ["AuxiliaryClassifier", "Condition", "Info", "Projection"]


class Condition(Protocol):
    """What the steps ask of a condition. `uses_labels`: whether real images must come with their classes."""

    uses_labels: ClassVar[bool]

    def num_outputs(self, code: Code) -> int:
        """How many outputs D has beside the logit; InputError where the code does not suit."""
        ...

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        """D's logits [B] from its outputs [B, 1 + n]."""
        ...

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        """Per-sample values of real images that D minimises beside its loss, each [B]."""
        ...

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        """Those of generated images, which D minimises as well as G."""
        ...


registry.import_all(__name__, __path__)
