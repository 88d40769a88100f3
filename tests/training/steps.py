"""Both ways to take a step: the plain one and the fast one."""

from typing import Any

from torch import Tensor

from sparring.recipe import MoveG
from sparring.training.fast import FastSteps
from sparring.training.gan import GAN
from sparring.training.step import STEPS, Readings, apply_gradients


class Steps:
    """`fast` is set by a fixture, so that each test is made both ways."""

    fast = False


def take_step(move: Any, gan: GAN, real: Tensor, z: Tensor, codes: Tensor | None = None, keep: bool = False) -> Readings:
    """A whole step; `keep`: G's next step is on the same z."""
    if not Steps.fast:
        return apply_gradients(gan, STEPS[type(move)](move, gan, real, z, codes))
    return apply_gradients(gan, fast_steps(gan)(move, real, z, codes, next_move=MoveG(z="same") if keep else None))


def fast_steps(gan: GAN) -> FastSteps:
    """Those of this GAN, which are made before a test hooks its networks."""
    return gan.__dict__.setdefault("fast_steps", FastSteps(gan))
