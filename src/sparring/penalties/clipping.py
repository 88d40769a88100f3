"""Weight clipping (Arjovsky et al. 2017, https://arxiv.org/abs/1701.07875, algorithm 1)."""

from dataclasses import dataclass
from math import inf

import torch
from torch import nn

from sparring.config.registry import register
from sparring.errors import check


@register("constraint")
@dataclass(frozen=True)
class WeightClipping:
    """Every weight and every bias stays within [-limit, limit], from the start."""

    limit: float = 0.01

    def __post_init__(self):
        check(0 < self.limit < inf, "constraint.limit", self.limit, "be above 0 and finite")

    def install(self, network: nn.Module) -> None:
        self.enforce(network)

    @torch.no_grad()
    def enforce(self, network: nn.Module) -> None:
        """Clamp in place."""
        for weight in network.parameters():
            weight.clamp_(-self.limit, self.limit)
