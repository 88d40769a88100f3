"""Multilayer perceptrons."""

from torch import nn


class Perceptron(nn.Sequential):
    """Linear layers, element-wise ones, and others."""


def is_hooked(module: nn.Module) -> bool:
    """True if calling the module does more than its `forward`."""
    return bool(module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks)
