"""Activations by name, each computed in place where autograd allows it."""

from typing import Literal

import torch
from torch import Tensor, nn

Hidden = Literal["relu", "leaky-relu"]
Output = Literal["tanh", "sigmoid", "linear"]


class Affine(nn.Module):
    """shift + scale x, in one pass."""

    def __init__(self, shift: float, scale: float):
        super().__init__()
        self.shift, self.scale = torch.tensor(shift), scale

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.shift, x, alpha=self.scale)

    def extra_repr(self) -> str:
        return f"{self.shift:g} + {self.scale:g} x"


def hidden(name: Hidden, slope: float) -> nn.Module:
    """A hidden activation; `slope` is the leaky ReLU's for negative values."""
    return nn.ReLU(inplace=True) if name == "relu" else nn.LeakyReLU(slope, inplace=True)


def output(name: Output) -> list[nn.Module]:
    """The last activation of a generator; "sigmoid" draws in [0, 1], rescaled to [-1, 1]."""
    if name == "sigmoid":
        return [nn.Sigmoid(), Affine(-1, 2)]
    return [nn.Tanh()] if name == "tanh" else []
