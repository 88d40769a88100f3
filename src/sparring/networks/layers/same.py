"""Strided convolutions with TensorFlow's "same" padding: where the total padding is odd, the extra row and column come last."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, fold, pad

_FEW = 4  # so few channels are spread faster than transposed convolutions of PyTorch's CPU library make them


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis of `size` so that a strided convolution gives ceil(size / stride)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """[B, C, H, W] -> [B, C', ceil(H / stride), ceil(W / stride)]."""

    def __init__(self, num_in: int, num_out: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(num_in, num_out, kernel, stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        top, bottom = _padding(input.shape[2], self.kernel_size[0], self.stride[0])
        left, right = _padding(input.shape[3], self.kernel_size[1], self.stride[1])
        if _spreads_faster(input, self.in_channels) and input.requires_grad:
            return _ConvOfFew.apply(pad(input, (left, right, top, bottom)), self.weight, self.bias, self.stride[0])
        if (top, left) == (bottom, right):
            return conv2d(input, self.weight, self.bias, self.stride, (top, left))
        return conv2d(pad(input, (left, right, top, bottom)), self.weight, self.bias, self.stride)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """[B, C, H, W] -> [B, C', stride H, stride W]: the transpose (the gradient) of `SameConv2d` on the larger image."""

    def __init__(self, num_in: int, num_out: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(num_in, num_out, kernel, stride, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = self.stride[0] * input.shape[2], self.stride[1] * input.shape[3]
        top, _ = _padding(height, self.kernel_size[0], self.stride[0])
        left, _ = _padding(width, self.kernel_size[1], self.stride[1])
        if _spreads_faster(input, self.out_channels) and self.bias is None:
            full = tuple((n - 1) * self.stride[0] + k for n, k in zip(input.shape[2:], self.kernel_size, strict=True))
            return _spread(input, self.weight, self.stride[0], full)[:, :, top : top + height, left : left + width]
        y = conv_transpose2d(input, self.weight, self.bias, self.stride, (top, left))
        return y[:, :, :height, :width]


def _spreads_faster(x: Tensor, num_channels: int) -> bool:
    return num_channels <= _FEW and x.device.type == "cpu"


def _spread(x: Tensor, weight: Tensor, stride: int, size: tuple[int, ...]) -> Tensor:
    """The transposed convolution without padding, [B, C, h, w] -> [B, C', *size], weight [C, C', k, k].

    One matrix product gives what each place contributes to its surroundings; `fold` adds that up.
    """
    parts = x.permute(0, 2, 3, 1).reshape(-1, len(weight)) @ weight.flatten(1)  # [B h w, C' k k]
    return fold(
        parts.view(len(x), x.shape[2] * x.shape[3], parts.shape[1]).transpose(1, 2), size, weight.shape[2:], stride=stride
    )


class _ConvOfFew(torch.autograd.Function):
    """`conv2d` of an input with few channels, whose gradient is spread."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return conv2d(x, weight, bias, stride)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (dy,), (x, weight) = gradients, ctx.saved_tensors
        wants_x, *wanted, _ = ctx.needs_input_grad
        dx, dw, db = _spread(dy, weight, ctx.stride, x.shape[2:]) if wants_x else None, None, None
        if any(wanted):
            _, dw, db = torch.ops.aten.convolution_backward(
                dy, x, weight, [len(weight)], [ctx.stride] * 2, [0, 0], [1, 1], False, [0, 0], 1, [False, *wanted]
            )
        return dx, dw, db, None
