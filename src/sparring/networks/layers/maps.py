"""Feature maps: where they begin, and how their size changes."""

import torch
from torch import Tensor, nn


class Basis(nn.Module):
    """z [B, num_z] -> [B, width, *size]: a learned map, each channel of it times a number from z."""

    def __init__(self, num_z: int, width: int, size: tuple[int, int]):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(width, *size))
        self.scales = nn.Linear(num_z, width, bias=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.scales(z)[:, :, None, None] * self.basis


class Resample(nn.Module):
    """[B, C, *size] -> [B, C, *new]: bilinear, antialiased where it shrinks, as `torch.nn.functional.interpolate`.

    A matrix product for each axis: on CUDA the gradient of `interpolate` differs from run to run, on the CPU it is slower.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, size: tuple[int, int], new: tuple[int, int]):
        super().__init__()
        for name, old_side, new_side in zip(("rows", "columns"), size, new, strict=True):
            self.register_buffer(name, _triangles(old_side, new_side), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        turned = x.transpose(2, 3) @ self.rows  # [B, C, old width, new height]
        return turned.transpose(2, 3) @ self.columns

    def extra_repr(self) -> str:
        (height, new_height), (width, new_width) = self.rows.shape, self.columns.shape
        return f"{height} x {width} -> {new_height} x {new_width}"


def _triangles(size: int, new: int) -> Tensor:
    """[size, new]: what each old place gives to each new one; a triangle around the new place, as wide as the larger step."""
    step = size / new
    old, centres = torch.arange(size) + 0.5, (torch.arange(new) + 0.5) * step
    weights = (1 - (old[:, None] - centres).abs() / max(step, 1.0)).clamp(min=0)
    return weights / weights.sum(0)
