"""The averaged copy of the generator (Yazici et al. 2019, https://arxiv.org/abs/1806.04498)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

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
    def update(self, averaged: nn.Module, network: nn.Module, images: int, batch: int) -> None:
        """Move the averaged network towards the other one, which has been trained on `images` images, `batch` of them new."""
        decay, ours, theirs = self.decay(images, batch), averaged.state_dict(), network.state_dict()
        floats = [name for name, tensor in ours.items() if tensor.is_floating_point()]
        _foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - decay)
        for name in ours.keys() - set(floats):
            ours[name].copy_(theirs[name])
