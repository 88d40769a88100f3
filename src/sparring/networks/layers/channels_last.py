"""Layers of channels-last maps whose results and gradients lie without gaps in that memory format.

On a CPU, element-wise operations and batch norm are up to twenty times slower where two of their tensors differ in format.
"""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.networks.layers.perceptron import is_hooked
from sparring.networks.layers.replace import replace_layers, sharing
from sparring.networks.layers.same import SameConvTranspose2d, same_padding


class DenseFlatten(nn.Flatten):
    """`nn.Flatten`, whose gradient by maps is channels last."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(_ChannelsLast.apply(input))


class DenseConvTranspose2d(SameConvTranspose2d):
    """`SameConvTranspose2d`, whose result, cut out of a larger one, is copied."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        return super().forward(input).contiguous(memory_format=torch.channels_last)


def dense_layers(network: nn.Module) -> nn.Module:
    """The network with these layers in the place of those that leave gaps or change the format; weights and names stay."""
    return replace_layers(network, _dense)


def _dense(layer: nn.Module) -> nn.Module:
    if is_hooked(layer):
        return layer
    if type(layer) is nn.Flatten and layer.start_dim == 1:
        return DenseFlatten(layer.start_dim, layer.end_dim).train(layer.training)
    if type(layer) is SameConvTranspose2d and _leaves_gaps(layer):
        settings = layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.bias is not None
        return sharing(lambda: DenseConvTranspose2d(*settings), layer)
    return layer


def _leaves_gaps(layer: SameConvTranspose2d) -> bool:
    before, after = same_padding(layer.stride[0], layer.kernel_size[0], layer.stride[0])
    return before != after


class _ChannelsLast(torch.autograd.Function):
    """The same values, whose gradient is channels last."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (dy,) = gradients
        return dy.contiguous(memory_format=torch.channels_last) if dy.ndim == 4 else dy
