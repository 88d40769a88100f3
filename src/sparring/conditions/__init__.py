"""Conditions: D is told the class of an image, or has to find its class or code. One condition a file.

A conditional D has more outputs than the logit: [B, 1 + n], all linear in the same last features. `codes` [B, classes +
continuous] are what a `noise.Code` adds to z, the first `num_classes` of them one-hot; those of a real image are its class.
"""

from typing import ClassVar, Protocol

from torch import Tensor

from sparring.conditions.auto import Auto
from sparring.conditions.auxiliary_classifier import AuxiliaryClassifier
from sparring.conditions.info import Info
from sparring.conditions.projection import Projection
from sparring.conditions.self_conditioned import SelfConditioned
from sparring.config import registry
from sparring.networks.latents import Code

__all__ = ["Auto", "AuxiliaryClassifier", "Condition", "Info", "Projection", "SelfConditioned"]


class Condition(Protocol):
    """The interface of conditions. `uses_labels`: real images must have labels."""

    uses_labels: ClassVar[bool]

    def num_outputs(self, code: Code) -> int:
        """The number of D's outputs beside the logit; InputError for a code that does not suit."""
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
