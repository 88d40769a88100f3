"""The averaged copy of the generator (Yazici et al. 2019, https://arxiv.org/abs/1806.04498)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from sparring.config.ranges import Range, Ranged

_foreach_lerp_ = torch._foreach_lerp_  # pyright: ignore[reportPrivateImportUsage]  (one call for all weights)


@dataclass(frozen=True)
class EMA(Ranged, prefix="average."):
    """An exponential average over rounds, in which what lies `halflife_images` real images back weighs half as much.

    At the start the half-life is at most `rampup` times the images so far, so that the first weights are soon forgotten
    (StyleGAN2, Karras et al. 2020, https://arxiv.org/abs/1912.04958; its rampup is 0.05); 0 leaves it as it is.
    Running statistics are averaged as weights are.
    """

    halflife_images: Annotated[float, Range(above=0)] = 10_000.0
    rampup: Annotated[float, Range(0)] = 0.05

    def decay(self, images: int, batch: int) -> float:
        """The weight of the average so far after a round of `batch` images, the last of `images` in all."""
        halflife = min(self.halflife_images, images * self.rampup) if self.rampup else self.halflife_images
        return 0.5 ** (batch / halflife)


@torch.no_grad()
def update_average(averaged: Sequence[Tensor], tensors: Sequence[Tensor], decay: float) -> None:
    """Move an averaged network's state towards the trained one's, tensor by tensor; whole numbers are copied."""
    pairs = list(zip(averaged, tensors, strict=True))
    floats = [(ours, theirs) for ours, theirs in pairs if ours.is_floating_point()]
    _foreach_lerp_([ours for ours, _ in floats], [theirs for _, theirs in floats], 1 - decay)
    for ours, theirs in pairs:
        if not ours.is_floating_point():
            ours.copy_(theirs)
