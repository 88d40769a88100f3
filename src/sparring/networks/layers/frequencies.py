"""Convolutions with large kernels and many channels as products of their Fourier transforms, quicker on a CPU.

All of it is matrix products: the transforms, and what becomes of the channels at each frequency. With three real products for a
complex one (Gauss), a map of 14 x 14 places takes 390 of every two channels in place of the 4900 of a kernel of 5 x 5. In
float32 the results are as exact as those of the plain way.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sparring.networks.layers.perceptron import is_hooked
from sparring.networks.layers.products import product
from sparring.networks.layers.replace import replace_layers, sharing

_SAVING = 4.5  # as many times fewer multiplications make good that more numbers are read and written
_LARGE, _MANY = 5, 64  # sides of a kernel and channels, at least
_BATCH = 128  # images at once
_BLOCK = 2**24  # numbers of the largest tensor between


class FrequencyConv2d(nn.Conv2d):
    """`nn.Conv2d` of stride 1 with an odd kernel and padding that keeps a map's size: [B, C, H, W] -> [B, C', H, W]."""

    def __init__(self, num_in: int, num_out: int, kernel: tuple[int, int], bias: bool = True):
        super().__init__(num_in, num_out, kernel, padding=(kernel[0] // 2, kernel[1] // 2), bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        if _saving(input.shape, self.weight.shape) < _SAVING:
            return super().forward(input)
        return _ThroughFrequencies.apply(input, self.weight, self.bias)


def through_frequencies(network: nn.Module) -> nn.Module:
    """The network with such layers in the place of plain ones of large kernels and many channels; weights and names stay."""
    return replace_layers(network, _through)


def _through(layer: nn.Module) -> nn.Module:
    if type(layer) is not nn.Conv2d or is_hooked(layer) or not _fits(layer):
        return layer
    height, width = layer.kernel_size
    settings = layer.in_channels, layer.out_channels, (height, width), layer.bias is not None
    return sharing(lambda: FrequencyConv2d(*settings), layer)


def _fits(layer: nn.Conv2d) -> bool:
    plain = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    large = min(layer.kernel_size) >= _LARGE and min(layer.in_channels, layer.out_channels) >= _MANY
    keeps = layer.padding == tuple(side // 2 for side in layer.kernel_size) and all(side % 2 for side in layer.kernel_size)
    return plain and large and keeps


def _saving(images: torch.Size, weight: torch.Size) -> float:
    """How many multiplications the plain way takes for one of this way, for images and weights of these shapes."""
    (batch, _, *size), (num_out, num_in, *kernel) = images, weight
    places, taps = math.prod(size), math.prod(kernel)
    num_products = 3 * math.prod(map(_period, size, kernel)) / 2
    transforms = batch * places * (num_in + num_out) + taps * num_in * num_out
    return batch * places * taps * num_in * num_out / (num_products * (batch * num_in * num_out + transforms))


def _period(side: int, kernel: int) -> int:
    """Places of an axis with zeros at its end, which also stand before its start."""
    return side + kernel // 2


class _Transform(NamedTuple):
    """A matrix [products, places], and the height and width of these places."""

    matrix: Tensor
    size: tuple[int, ...]


@cache
def _transforms(
    size: tuple[int, ...], kernel: tuple[int, ...], dtype: torch.dtype
) -> tuple[_Transform, _Transform, _Transform]:
    """Those of images, kernels and maps, I, K and M: the convolution is M^T (I x * K w), a product of channels each.

    I and K are discrete Fourier transforms, of two conjugate frequencies one alone. For a + bi of an image and c + di of a
    kernel, which is conjugated, they give a + b, a, b and c, d - c, c + d. The real part is the first product less the third,
    the imaginary one the first and the second.
    """
    periods = torch.tensor([*map(_period, size, kernel)])
    every = torch.cartesian_prod(*map(torch.arange, periods.tolist()))
    numbers = torch.arange(len(every))
    conjugates = (-every % periods) @ torch.stack((periods[1], torch.ones_like(periods[1])))
    one_of_two = numbers <= conjugates
    turns = 2 * math.pi * every[one_of_two].double() / periods

    def waves(size: tuple[int, ...], before: Sequence[int]) -> tuple[Tensor, Tensor]:
        places = torch.cartesian_prod(*(torch.arange(side) - first for side, first in zip(size, before, strict=True)))
        angles = turns @ places.double().t()
        return angles.cos(), angles.sin()

    cos, sin = waves(size, (0, 0))
    images = torch.cat((cos - sin, cos, -sin))
    share = torch.where(numbers == conjugates, 1.0, 2.0).double()[one_of_two].repeat(3)[:, None] / periods.prod()
    maps = torch.cat((cos - sin, -sin, -cos)) * share
    cos, sin = waves(kernel, [side // 2 for side in kernel])
    kernels = torch.cat((cos, sin - cos, cos + sin))
    return _Transform(images.to(dtype), size), _Transform(kernels.to(dtype), kernel), _Transform(maps.to(dtype), size)


class _ThroughFrequencies(torch.autograd.Function):
    """`conv2d` with the padding that keeps a map's size."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        images, kernels, maps = _transforms_of(x, weight)
        y = torch.empty(len(x), len(weight), *x.shape[2:], dtype=x.dtype, memory_format=torch.channels_last)
        for some, result in zip(x.split(_BATCH), y.split(_BATCH), strict=True):
            result.copy_(_combined((images, some), (kernels, weight), maps, product))
        return y if bias is None else y.add_(bias.view(-1, 1, 1))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (dy,), (x, weight), wanted = gradients, ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():  # the gradients will be differentiated
            padding = [side // 2 for side in weight.shape[2:]]
            how = [len(weight)], [1, 1], padding, [1, 1], False, [0, 0], 1
            return torch.ops.aten.convolution_backward(dy, x, weight, *how, wanted)
        images, kernels, maps = _transforms_of(x, weight)
        dx = torch.empty_like(x) if wanted[0] else None
        dw = torch.zeros_like(weight) if wanted[1] else None
        for start in range(0, len(x), _BATCH):
            some = slice(start, start + _BATCH)
            if dx is not None:
                dx[some] = _combined((maps, dy[some]), (kernels, weight), images, lambda dy, w: product(dy, w.t()))
            if dw is not None:
                dw += _combined((maps, dy[some]), (images, x[some]), kernels, lambda dy, x: product(dy.t(), x.t()))
        return dx, dw, dy.sum((0, 2, 3)) if wanted[2] else None


def _transforms_of(x: Tensor, weight: Tensor) -> tuple[_Transform, _Transform, _Transform]:
    return _transforms(tuple(x.shape[2:]), tuple(weight.shape[2:]), x.dtype)


def _combined(
    one: tuple[_Transform, Tensor],
    other: tuple[_Transform, Tensor],
    back: _Transform,
    multiply: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """The products of two transforms [I, J, H, W], transformed back; some of the products at a time, to need less memory."""
    pairs = [(transform.matrix, values.permute(2, 3, 0, 1).flatten(0, 1)) for transform, values in (one, other)]
    num_blocks = -(-len(back.matrix) * max(values[0].numel() for _, values in pairs) // _BLOCK)
    step = -(-len(back.matrix) // num_blocks)
    total = None
    for start in range(0, len(back.matrix), step):
        block = slice(start, start + step)
        results = _multiplied([(rows[block], places) for rows, places in pairs], multiply)
        part = product(back.matrix[block].t(), results.flatten(1).t()).view(*back.size, *results.shape[1:])
        total = part if total is None else total.add_(part)
        del results, part  # before those of the next block
    assert total is not None
    return total.permute(2, 3, 0, 1)


def _multiplied(pairs: Sequence[tuple[Tensor, Tensor]], multiply: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The products of two transforms, one after the other, in one tensor."""
    left, right = (product(rows, places.flatten(1).t()).unflatten(1, places.shape[1:]) for rows, places in pairs)
    first = multiply(left[0], right[0])
    results = first.new_empty(len(left), *first.shape)
    for result, a, b in zip(results, left, right, strict=True):
        result.copy_(multiply(a, b))
    return results
