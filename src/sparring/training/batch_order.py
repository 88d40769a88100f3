"""The order of real images: a batch sampler that can be entered anywhere."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from sparring.config.rng import keyed_generator


@dataclass(frozen=True)
class BatchOrder:
    """The endless sequence of batches over `num_images`, each a function of its number.

    `full_batches`: an epoch's last batch goes on into the next epoch, where it would be short.
    """

    kind: Literal["file", "shuffled", "with-replacement"]
    num_images: int
    batch_size: int
    seed: int
    full_batches: bool = False

    @property
    def batches_per_epoch(self) -> int:
        return -(-self.num_images // self.batch_size)

    def images_before(self, batch: int) -> int:
        """Images shown in the first `batch` batches; an epoch's last batch may be short."""
        if self.kind == "with-replacement" or self.full_batches:
            return batch * self.batch_size
        epochs, rest = divmod(batch, self.batches_per_epoch)
        return epochs * self.num_images + rest * self.batch_size

    def size(self, batch: int) -> int:
        """The number of images in one batch."""
        return self.images_before(batch + 1) - self.images_before(batch)

    def indices(self, batch: int) -> Tensor:
        """The images of one batch: int64 [B] on the CPU."""
        if self.kind == "with-replacement":
            rng = keyed_generator("cpu", self.seed, "order", batch)
            return torch.randint(self.num_images, (self.batch_size,), generator=rng)
        if self.full_batches:
            return self._stretch(batch * self.batch_size, self.batch_size)
        epoch, place = divmod(batch, self.batches_per_epoch)
        start = place * self.batch_size
        return self._of_epoch(epoch)[start : start + self.batch_size]

    def _stretch(self, start: int, num: int) -> Tensor:
        """`num` images from place `start` on in the sequence of all epochs."""
        parts = []
        while num > 0:
            epoch, place = divmod(start, self.num_images)
            parts.append(self._of_epoch(epoch)[place : place + num])
            start, num = start + len(parts[-1]), num - len(parts[-1])
        return torch.cat(parts)

    def _of_epoch(self, epoch: int) -> Tensor:
        return _in_order(self, epoch if self.kind == "shuffled" else 0)


@lru_cache(maxsize=2)
def _in_order(order: BatchOrder, epoch: int) -> Tensor:
    if order.kind == "file":
        return torch.arange(order.num_images)
    return torch.randperm(order.num_images, generator=keyed_generator("cpu", order.seed, "order", epoch))
