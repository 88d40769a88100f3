"""Weight clipping (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, algorithm 1)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register


@register("constraint")
@dataclass(frozen=True)
class WeightClipping(Ranged, prefix="constraint."):
    """Every weight and every bias stays within [-limit, limit], from the start."""

    limit: Annotated[float, Range(above=0)] = 0.01

    def install(self, network: nn.Module) -> None:
        self.enforce(network)

    @torch.no_grad()
    def enforce(self, network: nn.Module) -> None:
        """Clamp in place."""
        for weight in network.parameters():
            weight.clamp_(-self.limit, self.limit)
