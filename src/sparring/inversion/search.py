"""The search for z: pure functions of tensors; what draws images and what sees features are given."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from sparring.errors import check
from sparring.inversion.prior import Prior

BETA1, BETA2, EPS = 0.9, 0.99, 1e-8
BLOCK = 250  # candidates that are drawn together

Network = Callable[[Tensor], Tensor]
"""z [N, num_z] -> images [N, *shape], or images -> features [N, D]."""


@dataclass(frozen=True)
class Search:
    """How to search: the best `starts` of `candidates` draws of z, each moved by `steps` of Adam.

    Every class gets a start where there are at most `classes` of them. After an eighth, a quarter and half of the steps the
    better half of the starts goes on. `lr` is of the first step, and falls along a cosine.
    """

    candidates: int = 1000
    starts: int = 8
    classes: int = 16
    steps: int = 200
    lr: float = 0.1

    def __post_init__(self) -> None:
        check(self.starts >= 1, "starts", self.starts, "be at least 1")
        check(self.candidates >= self.starts, "candidates", self.candidates, f"be at least the number of starts, {self.starts}")
        check(self.steps >= 0, "steps", self.steps, "not be negative")


@dataclass(frozen=True)
class Scale:
    """Mean squared distances of generated images from their mean, in pixels and in features, by which errors are divided.

    So both count alike, whatever the data: an image that has nothing to do with the target has an error of about 2 in each.
    """

    pixels: float
    features: float

    @classmethod
    def of(cls, images: Tensor, features: Tensor) -> "Scale":
        """That of generated images [N, *shape], with their features [N, D]."""
        return cls(*(float((x - x.mean(0)).square().mean().clamp(min=1e-12)) for x in (images, features)))

    def errors(self, images: Tensor, features: Tensor, target: Tensor, target_features: Tensor) -> Tensor:
        """The errors [...] of images [..., *shape] against targets that broadcast with them, pixels and features added up."""
        pixels = (images - target).square().mean(dim=(-3, -2, -1)) / self.pixels
        return pixels + (features - target_features).square().mean(-1) / self.features if features.shape[-1] else pixels


@dataclass(frozen=True)
class Found:
    """The best z [N, num_z] of each target, with the errors [N] of its image by which it was chosen."""

    z: Tensor
    errors: Tensor


def invert(targets: Tensor, candidates: Tensor, draw: Network, see: Network, prior: Prior, how: Search) -> Found:
    """The z whose images are nearest to `targets` [N, C, H, W], of those near the prior.

    candidates: z [M, num_z], of which the best become starts. draw: the generator. see: features by which images are compared
    beside their pixels; [N, 0] for none.
    """
    return deque(searched(targets, candidates, draw, see, prior, how), maxlen=1).pop()


def searched(targets: Tensor, candidates: Tensor, draw: Network, see: Network, prior: Prior, how: Search) -> Iterator[Found]:
    """As `invert`, step by step: the best of each row before each of the steps, and at last what `invert` finds."""
    with torch.no_grad():
        seen = see(targets)
        scale, errors = None, []
        for part in candidates.split(BLOCK):
            images = draw(part)
            features = see(images)
            scale = scale or Scale.of(images, features)
            errors.append(torch.stack([scale.errors(images, features, *target) for target in zip(targets, seen, strict=True)]))
    assert scale is not None, "there is a candidate"
    choices, measure = prior.choice(candidates), scale.errors
    z = torch.stack([candidates[_starts(own, choices, how)] for own in torch.cat(errors, dim=1)])

    def errors_of(z: Tensor) -> Tensor:
        images = draw(z.flatten(0, 1))
        pixels, features = (found.unflatten(0, z.shape[:2]) for found in (images, see(images)))
        return measure(pixels, features, targets[:, None], seen[:, None])

    yield from _descend(z, errors_of, prior, how)


def _starts(errors: Tensor, choices: Tensor, how: Search) -> Tensor:
    """The places of the best candidates: first the best of every choice, then the second best ones, and so on."""
    order = errors.argsort()
    rank = torch.zeros_like(choices)
    for choice in choices.unique():
        own = order[choices[order] == choice]
        rank[own] = torch.arange(len(own), device=rank.device)
    by_rank = order[rank[order].argsort(stable=True)]
    num_choices = len(choices.unique())
    return by_rank[: num_choices if how.starts < num_choices <= how.classes else how.starts]


def _descend(z: Tensor, errors_of: Network, prior: Prior, how: Search) -> Iterator[Found]:
    """Adam on every z [N, S, num_z] by itself, each step brought back near the prior; the best of each row all along."""
    moving = prior.moving(z[0])
    mean, square = torch.zeros_like(z), torch.zeros_like(z)
    for step in range(how.steps):
        z = z.detach().requires_grad_()
        errors = errors_of(z)
        yield _best(z, errors.detach())
        (gradient,) = torch.autograd.grad(errors.sum(), z)
        with torch.no_grad():
            if step in (how.steps // 8, how.steps // 4, how.steps // 2) and z.shape[1] > 1:
                kept = errors.topk(-(-z.shape[1] // 2), largest=False).indices[..., None].expand(-1, -1, z.shape[2])
                z, gradient, mean, square = (x.gather(1, kept) for x in (z, gradient, mean, square))
            mean = BETA1 * mean + (1 - BETA1) * gradient
            square = BETA2 * square + (1 - BETA2) * gradient.square()
            lr = how.lr * prior.std * 0.5 * (1 + cos(pi * step / how.steps))
            update = (mean / (1 - BETA1 ** (step + 1))) / ((square / (1 - BETA2 ** (step + 1))).sqrt() + EPS)
            z = prior.near((z - lr * moving * update).flatten(0, 1)).unflatten(0, z.shape[:2])
    with torch.no_grad():  # which must not be on while others go on
        found = _best(z, errors_of(z))
    yield found


def _best(z: Tensor, errors: Tensor) -> Found:
    lowest, place = errors.min(1)
    return Found(z.detach()[torch.arange(len(z), device=z.device), place], lowest)
