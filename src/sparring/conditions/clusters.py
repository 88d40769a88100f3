"""Clusters of examples that are found without labels: k-means on their principal components."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Generator, Tensor
from torch.nn.functional import adaptive_avg_pool2d

SIDE = 16  # pixels, to which larger pictures are averaged down
MOST_STEPS = 20  # of k-means


@dataclass(frozen=True)
class Clusters:
    """K centres among n principal components of D features; float32, on one device."""

    mean: Tensor  # [D]
    basis: Tensor  # [D, n]
    centres: Tensor  # [K, n]

    @classmethod
    def of(cls, features: Tensor, num: int, components: int, rng: Generator) -> Self:
        """`num` clusters of features [N, D] on the CPU, computed in float64.

        `components`: how many of the principal components count, all where there are fewer. Features that are alike in fewer
        than `num` ways leave some clusters empty.
        """
        features = features.double()
        mean = features.mean(0)
        centred = features - mean
        _, axes = torch.linalg.eigh(centred.T @ centred)
        basis = axes.flip(1)[:, :components].contiguous()  # the largest variances first
        centres = k_means(centred @ basis, num, rng)
        return cls(mean.float(), basis.float(), centres.float())

    def assign(self, examples: Tensor) -> Tensor:
        """The nearest centre of each example (images [B, C, H, W] or points [B, D]), int64 [B]."""
        return nearest((features_of(examples) - self.mean) @ self.basis, self.centres)

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called where classes have names."""
        return tuple(f"cluster {number}" for number in range(len(self.centres)))

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name."""
        return {"mean": self.mean, "basis": self.basis, "centres": self.centres}

    def to(self, device: torch.device | str) -> Self:
        """The same clusters on another device."""
        return type(self)(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def in_order(self, order: Tensor) -> Self:
        """The same clusters with other numbers: the new i-th one is the old `order[i]`-th."""
        return type(self)(self.mean, self.basis, self.centres[order])


def features_of(examples: Tensor) -> Tensor:
    """Images of at most 16 x 16 pixels, or points, as float32 rows [B, D]."""
    examples = examples.float()
    if examples.ndim == 4:
        height, width = examples.shape[2:]
        examples = adaptive_avg_pool2d(examples, (min(height, SIDE), min(width, SIDE)))
    return examples.flatten(1)


def k_means(points: Tensor, num: int, rng: Generator) -> Tensor:
    """`num` centres [num, D] of points [N, D]: Lloyd's algorithm, begun as k-means++ (Arthur and Vassilvitskii 2007).

    A centre that loses all its points stays where it is.
    """
    centres = _first_centres(points, num, rng)
    before = None
    for _ in range(MOST_STEPS):
        assigned = nearest(points, centres)
        if before is not None and torch.equal(assigned, before):
            break
        counts = torch.bincount(assigned, minlength=num)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, assigned, points)
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
        before = assigned
    return centres


def _first_centres(points: Tensor, num: int, rng: Generator) -> Tensor:
    """Points drawn one after the other, each with a probability in proportion to its squared distance from those before."""
    chosen = points[torch.randint(len(points), (1,), generator=rng)]
    distances = (points - chosen).square().sum(1)
    while len(chosen) < num:
        weights = distances if distances.any() else torch.ones_like(distances)
        next_ = points[torch.multinomial(weights, 1, generator=rng)]
        chosen = torch.cat([chosen, next_])
        distances = torch.minimum(distances, (points - next_).square().sum(1))
    return chosen


def nearest(points: Tensor, centres: Tensor) -> Tensor:
    """The nearest of the centres [K, D] to each of the points [N, D], int64 [N]; of equally near ones the first."""
    return (centres.square().sum(1) - 2 * points @ centres.T).argmin(1)
