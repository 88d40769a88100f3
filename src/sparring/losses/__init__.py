"""Losses: logits in, per-sample values out. A file holds one family; the steps reduce and differentiate."""

from typing import Protocol

from torch import Tensor

from sparring import registry
from sparring.losses.non_saturating import Minimax, NonSaturating

__all__ = ["Loss", "Minimax", "NonSaturating"]


class Loss(Protocol):
    """What the steps ask of a loss: terms, each a tensor of per-sample values; a side minimises the sum of their means."""

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, ...]: ...

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor, ...]: ...


registry.import_all(__name__, __path__)
