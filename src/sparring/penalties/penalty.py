"""The base of all penalties: their weight, their interval, and the gradients of D by its inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from sparring.config.ranges import Range, Ranged

Critic = Callable[[Tensor], Tensor]
"""D as a function: samples [B, ...] -> logits [B], each of its own sample, twice differentiable. Where a penalty judges several
points of each sample, [points B, ...] -> [points B], with the same dropout and augmentation for all points of a sample."""


@dataclass(frozen=True)
class LazyPenalty(Ranged, prefix="penalty."):
    """`gamma`: the weight. `every`: the penalty is applied in every n-th round, scaled by n (lazy regularisation)."""

    gamma: Annotated[float, Range(above=0)]
    every: Annotated[int, Range(1)] = 1

    def scaled_square(self, deviation: Tensor) -> Tensor:
        """(gamma / 2) deviation^2, element by element."""
        return self.gamma / 2 * deviation.square()


@dataclass(frozen=True)
class Penalty(LazyPenalty):
    """A penalty on the gradients of D's logits by its input samples: `values` of the gradients at `points`.

    `side`: the side whose images, and codes under a condition, D is evaluated on. `at_samples`: the points are that side's
    samples themselves, whose logits a step has already. `num_points`: the points of each sample that D judges. Random numbers
    come from outside, U[0, 1) for each sample, so that a batch can be drawn whole and split by rows.
    """

    side: ClassVar[Literal["real", "fake"]] = "real"
    at_samples: ClassVar[bool] = False
    num_points: ClassVar[int] = 1

    def num_uniforms(self, shape: tuple[int, ...]) -> int:
        """The number of random numbers that a sample of this shape takes."""
        return 0

    def points(self, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        """Where the gradients are taken, [B, *shape]. real, fake: [B, *shape]; uniforms: [B, num_uniforms(shape)]."""
        raise NotImplementedError

    def values(self, gradients: Tensor) -> Tensor:
        """Values [B] with gamma in them, `every` not, of the gradients [B, n] of each logit by its own point."""
        raise NotImplementedError

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniforms: Tensor) -> Tensor:
        """The values [B] from a pass of their own through the critic.

        Their gradient by D's weights is one of second order: call it with gradients enabled.
        """
        points = self.points(real, fake, uniforms).detach().requires_grad_()
        return self.values(input_gradients(critic(points.clone()), points))  # a copy, as a network may begin in place

    def squared_norm(self, gradients: Tensor, center: float = 0.0) -> Tensor:
        """(gamma / 2) (|gradient| - center)^2, [B].

        Where a gradient is 0, so is the derivative taken of its norm (the subgradient of least norm): never NaN.
        """
        if center == 0:  # no root, so that all derivatives are exact
            return self.scaled_square(gradients).sum(1)
        return self.scaled_square(torch.linalg.vector_norm(gradients, dim=1) - center)


@dataclass(frozen=True)
class LogitPenalty(LazyPenalty):
    """A penalty on D's logits relative to a running state, which is passed in and returned."""

    def initial(self) -> Tensor:
        """The memory before the first round."""
        raise NotImplementedError

    def values(self, real_logits: Tensor, fake_logits: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Per-sample values of either batch with gamma in them, `every` not; D minimises the sum of their means as well."""
        raise NotImplementedError

    def remember(self, memory: Tensor, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The memory after these batches; detached."""
        raise NotImplementedError


def input_gradients(logits: Tensor, points: Tensor) -> Tensor:
    """The gradient of each logit [B] by its own point, [B, values in a point], itself differentiable by D's weights."""
    (gradient,) = torch.autograd.grad(logits.sum(), points, create_graph=True)
    return gradient.flatten(1)
