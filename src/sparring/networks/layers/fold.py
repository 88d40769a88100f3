"""The convolutions of `same` for few channels, quicker than PyTorch's on a CPU: one matrix product, and `fold`."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, pad

from sparring.networks.layers.replace import replace_layers, sharing
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d, same_padding

FEW = 4  # channels, at most, for which folding is quicker


class FoldConv2d(SameConv2d):
    """`SameConv2d` with another way back to its input, which has few channels."""

    def forward(self, input: Tensor) -> Tensor:
        top, bottom = same_padding(input.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(input.shape[3], self.kernel_size[1], self.stride[1])
        return _ConvOfFew.apply(pad(input, (left, right, top, bottom)), self.weight, self.bias, self.stride[0])


class FoldConvTranspose2d(SameConvTranspose2d):
    """`SameConvTranspose2d` without a bias, to few channels."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = self.stride[0] * input.shape[2], self.stride[1] * input.shape[3]
        top, _ = same_padding(height, self.kernel_size[0], self.stride[0])
        left, _ = same_padding(width, self.kernel_size[1], self.stride[1])
        full = tuple((n - 1) * self.stride[0] + k for n, k in zip(input.shape[2:], self.kernel_size, strict=True))
        return _folded(input, self.weight, self.stride[0], full)[:, :, top : top + height, left : left + width]


def fold_few(network: nn.Module) -> nn.Module:
    """The network with these layers in the place of those of `same` that have few channels; weights and names stay."""
    return replace_layers(network, _folding)


def _folding(layer: nn.Module) -> nn.Module:
    if type(layer) is SameConv2d and layer.in_channels <= FEW:
        settings = layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.bias is not None
        return sharing(lambda: FoldConv2d(*settings), layer)
    if type(layer) is SameConvTranspose2d and layer.out_channels <= FEW and layer.bias is None:
        settings = layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]
        return sharing(lambda: FoldConvTranspose2d(*settings, bias=False), layer)
    return layer


def _folded(x: Tensor, weight: Tensor, stride: int, size: tuple[int, ...]) -> Tensor:
    """The transposed convolution without padding, [B, C, h, w] -> [B, C', *size], weight [C, C', k, k].

    One matrix product gives what each place contributes to its surroundings; `fold` adds that up.
    """
    parts = x.permute(0, 2, 3, 1).reshape(-1, len(weight)) @ weight.flatten(1)  # [B h w, C' k k]
    return fold(
        parts.view(len(x), x.shape[2] * x.shape[3], parts.shape[1]).transpose(1, 2), size, weight.shape[2:], stride=stride
    )


class _ConvOfFew(torch.autograd.Function):
    """`conv2d` of an input with few channels, whose gradient is folded."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return conv2d(x, weight, bias, stride)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (dy,), (x, weight) = gradients, ctx.saved_tensors
        wants_x, *wanted, _ = ctx.needs_input_grad
        dx, dw, db = _folded(dy, weight, ctx.stride, x.shape[2:]) if wants_x else None, None, None
        if any(wanted):
            _, dw, db = torch.ops.aten.convolution_backward(
                dy, x, weight, [len(weight)], [ctx.stride] * 2, [0, 0], [1, 1], False, [0, 0], 1, [False, *wanted]
            )
        return dx, dw, db, None
