"""The interface of losses."""

from typing import ClassVar, Protocol

from torch import Tensor


class Loss(Protocol):
    """Terms, each a tensor of per-sample values; a side minimises the sum of their means.

    A class attribute `probabilistic = False` says that sigmoid(logit) is no probability of "real" (see `is_probabilistic`).
    """

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, ...]: ...

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor, ...]: ...


class RelativisticLoss:
    """Base of losses in which G's terms need real logits too: only differences count, and D may gain any constant.

    Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734.
    """

    probabilistic: ClassVar[bool] = False

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def g_terms(self, fake_logits: Tensor, real_logits: Tensor) -> tuple[Tensor, ...]:
        raise NotImplementedError


def is_probabilistic(loss: Loss | RelativisticLoss) -> bool:
    """True if sigmoid(logit) is the probability that D gives to "real", which is the default."""
    return getattr(loss, "probabilistic", True)
