"""Activations by name, each computed in place where autograd allows it."""

from typing import Literal

from torch import nn

from sparring.errors import InputError

Hidden = Literal["relu", "leaky-relu"]
Output = Literal["tanh", "sigmoid", "linear"]


class UnitSigmoid(nn.Sigmoid):
    """A sigmoid picture of range [0, 1], handed on in the house's range [-1, 1]: 2 sigmoid(x) - 1."""

    def forward(self, input):
        return 2 * super().forward(input) - 1


def hidden(name: Hidden, slope: float) -> nn.Module:
    """A fresh hidden activation; `slope` is the leaky ReLU's for negative values."""
    return nn.ReLU(inplace=True) if name == "relu" else nn.LeakyReLU(slope, inplace=True)


def output(name: Output) -> nn.Module:
    """The last activation of a generator; "sigmoid" draws in [0, 1], rescaled to [-1, 1]."""
    return {"tanh": nn.Tanh, "sigmoid": UnitSigmoid, "linear": nn.Identity}[name]()


def needs_size(shape: tuple[int, ...], size: int, network: str) -> None:
    """InputError unless `shape` is that of images [C, size, size]."""
    if len(shape) != 3 or shape[1:] != (size, size):
        raise InputError(f"{network} draws images of {size} x {size} pixels, but the data's shape is {list(shape)}")
