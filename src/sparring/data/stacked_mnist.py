"""Stacked MNIST: three digits as the three channels of a picture, so that there are 1,000 modes to find or to lose."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Generator, Tensor

from sparring.config.registry import register
from sparring.data.mnist import Mnist
from sparring.data.sets import ImageSet, Progress, StackedSet
from sparring.errors import InputError

TRAIN_SEED, TEST_SEED = 1, 2
MOST = 10_000_000
NUM_TEST = 26_000


@register("data")
@dataclass(frozen=True)
class StackedMnist:
    """The protocol of PacGAN's code (Lin et al. 2018, https://arxiv.org/abs/1712.04086, `VEEGAN_experiment`).

    `num` triples of digits, each drawn independently, evenly and with replacement from all 70,000 of MNIST, the 60,000 to
    train on and after them the 10,000 to test; drawn once, from a fixed seed. That is the protocol, so the test set is
    26,000 other triples of the same digits, and measures modes, not memory. A triple's label is 100 a + 10 b + c.
    InputError where `num` is not in 1..10,000,000.
    """

    num: int = 128_000

    summary: ClassVar[str] = "stacked MNIST: three digits as channels, 28 x 28, 128,000 to train on, 1,000 modes"
    classes: ClassVar[tuple[str, ...]] = tuple(f"{number:03}" for number in range(1000))
    modes: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.num <= MOST:
            raise InputError(f"stacked-mnist: num is {self.num}; it must be in 1..{MOST:,}")

    def train(self, progress: Progress | None = None) -> StackedSet:
        """The triples to train on, [num, 3, 28, 28], held as places among the digits."""
        return self._drawn(self.num, TRAIN_SEED, progress)

    def test(self, progress: Progress | None = None) -> StackedSet:
        """26,000 others, [26000, 3, 28, 28]."""
        return self._drawn(NUM_TEST, TEST_SEED, progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that MNIST is on this machine; InputError where it cannot be had."""
        Mnist().fetch(progress)

    def is_cached(self) -> bool:
        """True if MNIST is on this machine."""
        return Mnist().is_cached()

    def _drawn(self, num: int, seed: int, progress: Progress | None) -> StackedSet:
        digits, labels = _all(Mnist().train(progress), Mnist().test(progress))
        places = torch.randint(len(digits), (num, 3), generator=Generator().manual_seed(seed))
        numbers = labels[places] @ torch.tensor([100, 10, 1])
        return StackedSet(digits, places, numbers, self.classes)


def _all(train: ImageSet, test: ImageSet) -> tuple[Tensor, Tensor]:
    """The pictures uint8 [N, 28, 28] and labels int64 [N] of both halves."""
    pairs = [(half.images[:, 0], half.labels) for half in (train, test)]
    return torch.cat([images for images, _ in pairs]), torch.cat([labels for _, labels in pairs if labels is not None])
