"""Replacing layers of a network that has been built."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def replace_layers(network: nn.Module, change: Callable[[nn.Module], nn.Module]) -> nn.Module:
    """The network with `change(layer)` in the place of every layer, at any depth, and of itself."""
    for name, child in network.named_children():
        setattr(network, name, replace_layers(child, change))
    return change(network)


def sharing(make: Callable[[], M], layer: nn.Module) -> M:
    """A layer made by `make` that shares the weights and buffers of another, which has the same ones."""
    with torch.device("meta"):  # nothing is drawn
        new = make()
    new._parameters, new._buffers = layer._parameters, layer._buffers
    return new.train(layer.training)
