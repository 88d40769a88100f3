"""Losses: logits in, per-sample values out. A file holds one family; the steps reduce and differentiate."""

from sparring.config import registry
from sparring.losses.hinge import Hinge
from sparring.losses.least_squares import LeastSquares
from sparring.losses.loss import Loss, RelativisticLoss, is_probabilistic
from sparring.losses.non_saturating import Minimax, NonSaturating
from sparring.losses.own import LossFunction, own_loss
from sparring.losses.relativistic import RelativisticAverage, RelativisticPairing
from sparring.losses.wasserstein import Wasserstein

__all__ = [
    "Hinge",
    "LeastSquares",
    "Loss",
    "LossFunction",
    "Minimax",
    "NonSaturating",
    "RelativisticAverage",
    "RelativisticLoss",
    "RelativisticPairing",
    "Wasserstein",
    "is_probabilistic",
    "own_loss",
]

registry.import_all(__name__, __path__)
