"""A user's own function as the loss of a recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from sparring.config.own import Own, of_function
from sparring.config.registry import register
from sparring.errors import InputError
from sparring.losses.loss import RelativisticLoss

Values = Tensor | tuple[Tensor, ...] | list[Tensor]
LossFunction = Callable[[Tensor, Tensor], tuple[Values, Values]]
"""(real_logits [N], fake_logits [M]) -> what D minimises, and what G minimises; each per-sample values, or tensors of them."""


@dataclass(frozen=True)
class _OwnLoss(Own):
    function: str  # its name
    fingerprint: str

    argument: ClassVar[str] = "loss"

    def __str__(self) -> str:
        return f"{self.function} (fingerprint {self.fingerprint[:8]})"


@register("loss", listed=False)
@dataclass(frozen=True)
class FunctionLoss(_OwnLoss):
    """A function in which G's loss depends on the logits of generated images alone."""

    probabilistic: bool = True

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, ...]:
        return _terms(self.require()(real_logits, fake_logits)[0])

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor, ...]:
        return _terms(self.require()(torch.zeros_like(fake_logits), fake_logits)[1])


@register("loss", listed=False)
@dataclass(frozen=True)
class RelativisticFunctionLoss(_OwnLoss, RelativisticLoss):
    """A function that compares generated images with as many real ones."""

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, ...]:
        return _terms(self.require()(real_logits, fake_logits)[0])

    def g_terms(self, fake_logits: Tensor, real_logits: Tensor) -> tuple[Tensor, ...]:
        return _terms(self.require()(real_logits, fake_logits)[1])


def own_loss(function: LossFunction) -> FunctionLoss | RelativisticFunctionLoss:
    """The loss of a function (real_logits [N], fake_logits [M]) -> (D's values, G's values), as a part of a recipe.

    Each is a tensor of per-sample values or several of them, of which each side minimises the sum of the means. The function
    is tried on made-up logits: where it needs as many real as generated images, or G's values depend on the real logits, it is
    relativistic, and G's steps see real images. An attribute `probabilistic = False` of the function says that sigmoid(logit)
    is no probability. Raises InputError where it fails, and for a scalar in place of per-sample values.
    """
    name = getattr(function, "__qualname__", type(function).__qualname__)
    real, other, fake = (torch.linspace(low, low + 3, 4) for low in (-1.5, -7.0, -1.2))
    try:
        _tried(function, real[:3], fake)
        num, paired = 3, False
    except Exception:  # of the user's code; an epoch's last batch of real images may be the smaller one
        num, paired = 4, True
    try:
        d, g = _tried(function, real[:num], fake)
        _, g_of_others = _tried(function, other[:num], fake)
    except InputError as error:
        raise InputError(f"the loss {name} {error}") from None
    except Exception as error:  # of the user's code
        reason = " ".join(str(error).split())
        raise InputError(f"the loss {name} fails on logits [4] and [4]: {type(error).__name__}: {reason}") from error
    for side, terms in (("D", d), ("G", g)):
        _check_terms(terms, name, side)
    compares = any(not torch.equal(a, b) for a, b in zip(g, g_of_others, strict=True))
    if paired or compares:
        return RelativisticFunctionLoss(name, of_function(function)).holding(function)
    return FunctionLoss(name, of_function(function), getattr(function, "probabilistic", True)).holding(function)


def _tried(function: LossFunction, real_logits: Tensor, fake_logits: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The terms of D and of G; what the function may draw is the same every time."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        found = function(real_logits.clone(), fake_logits.clone())
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise InputError("must return two things, what D minimises and what G minimises")
    return _terms(found[0]), _terms(found[1])


def _terms(values: Values) -> tuple[Tensor, ...]:
    return tuple(values) if isinstance(values, tuple | list) else (values,)


def _check_terms(terms: tuple[Tensor, ...], name: str, side: str) -> None:
    for term in terms:
        if not isinstance(term, Tensor) or term.ndim != 1 or not term.is_floating_point():
            came = f"values of shape {list(term.shape)}" if isinstance(term, Tensor) and term.ndim else "a scalar"
            raise InputError(
                f"the loss {name} gives {side} {came}; it must give a value per sample, [N]; their mean is taken here"
            )
