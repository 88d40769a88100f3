"""Feature maps: where they begin, and how their size changes."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class Basis(nn.Module):
    """z [B, num_z] -> [B, width, size, size]: a learned map, each channel of it times a number from z."""

    def __init__(self, num_z: int, width: int, size: int):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, size, size))
        self.scales = nn.Linear(num_z, width, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.scales(z)[:, :, None, None] * self.basis


class Resample(nn.Module):
    """[B, C, H, W] -> twice or half the size, bilinear; smaller maps are smoothed first (weights 1 3 3 1)."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return interpolate(x, scale_factor=self.factor, mode="bilinear", align_corners=False, antialias=self.factor < 1)
