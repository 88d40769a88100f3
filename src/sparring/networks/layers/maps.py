"""Feature maps: where they begin, and how their size changes."""

import torch
from torch import Tensor, nn


class Basis(nn.Module):
    """z [B, num_z] -> [B, width, size, size]: a learned map, each channel of it times a number from z."""

    def __init__(self, num_z: int, width: int, size: int):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, size, size))
        self.scales = nn.Linear(num_z, width, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.scales(z)[:, :, None, None] * self.basis


class Resample(nn.Module):
    """[B, C, size, size] -> [B, C, new, new]: bilinear, antialiased where it shrinks, as `torch.nn.functional.interpolate`.

    A matrix product for each axis: on CUDA the gradient of `interpolate` differs from run to run, on the CPU it is slower.
    """

    matrix: Tensor

    def __init__(self, size: int, new: int):
        super().__init__()
        self.register_buffer("matrix", _triangles(size, new), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        columns = x.transpose(2, 3) @ self.matrix  # [B, C, size, new], width before height
        return columns.transpose(2, 3) @ self.matrix

    def extra_repr(self) -> str:
        return "{} -> {}".format(*self.matrix.shape)


def _triangles(size: int, new: int) -> Tensor:
    """[size, new]: what each old place gives to each new one; a triangle around the new place, as wide as the larger step."""
    step = size / new
    old, centres = torch.arange(size) + 0.5, (torch.arange(new) + 0.5) * step
    weights = (1 - (old[:, None] - centres).abs() / max(step, 1.0)).clamp(min=0)
    return weights / weights.sum(0)
