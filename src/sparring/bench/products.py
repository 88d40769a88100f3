"""The matrix products and convolutions of single layers, alone: no autograd, no activation, no optimiser, no random draw."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Literal

import torch
from torch import Tensor

from sparring.networks.layers.products import product as product_of
from sparring.networks.layers.products import takes_onednn

Result = Literal["output", "weights", "input"]
"""Result of a product: a layer's output, the gradient by its weights, or the gradient by its input."""

_MASKS = {"input": (True, False, False), "weights": (False, True, False)}


@dataclass(frozen=True)
class Linear:
    """A linear layer; for one example it multiplies `rows` rows."""

    name: str
    rows: int
    num_in: int
    num_out: int
    has_weights_before: bool  # so that a gradient by the network's weights needs the gradient by its input

    def flops(self, num: int) -> int:
        """Operations of each of its three products over `num` examples; a multiplication and an addition are two."""
        return 2 * num * self.rows * self.num_in * self.num_out


@dataclass(frozen=True)
class Convolution:
    """A convolution, or a transposed one, on images [C, H, W]."""

    name: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    weights: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    transposed: bool
    has_weights_before: bool  # as in `Linear`

    def flops(self, num: int) -> int:
        """Operations of each of its three products over `num` examples, those on padding among them."""
        places = prod((self.input if self.transposed else self.output)[1:])
        return 2 * num * places * prod(self.weights)


Layer = Linear | Convolution


@dataclass(frozen=True)
class Product:
    """A product of a layer, over `num` examples, in one round of `every`."""

    layer: Layer
    result: Result
    num: int
    every: int = 1

    @property
    def flops(self) -> int:
        return self.layer.flops(self.num)


def prepare(
    products: Iterable[Product], device: torch.device, memory_format: torch.memory_format
) -> list[Callable[[], object]]:
    """Calls that compute these products, in this order, on tensors that are there already; products of a layer share them."""
    products = list(products)
    most: dict[Layer, int] = {}
    for product in products:
        most[product.layer] = max(product.num, most.get(product.layer, 0))
    operands = {
        layer: _linear(layer, num, device) if isinstance(layer, Linear) else _convolution(layer, num, device, memory_format)
        for layer, num in most.items()
    }
    return [operands[product.layer](product.result, product.num) for product in products]


def _linear(layer: Linear, most: int, device: torch.device) -> Callable[[Result, int], Callable[[], object]]:
    rng = torch.Generator(device).manual_seed(0)
    draw = partial(torch.randn, generator=rng, device=device)
    x, y = draw(most * layer.rows, layer.num_in), draw(most * layer.rows, layer.num_out)
    weights = draw(layer.num_out, layer.num_in)
    outputs = {"output": torch.empty_like(y), "weights": torch.empty_like(weights), "input": torch.empty_like(x)}

    def call(result: Result, num: int) -> Callable[[], object]:
        some_x, some_y = x[: num * layer.rows], y[: num * layer.rows]
        factors = {"output": (some_x, weights.t()), "weights": (some_y.t(), some_x), "input": (some_y, weights)}
        left, right = factors[result]
        if takes_onednn(left, right.t()):
            return partial(product_of, left, right.t())
        out = outputs[result] if result == "weights" else outputs[result][: num * layer.rows]
        return partial(torch.mm, left, right, out=out)

    return call


def _convolution(
    layer: Convolution, most: int, device: torch.device, memory_format: torch.memory_format
) -> Callable[[Result, int], Callable[[], object]]:
    rng = torch.Generator(device).manual_seed(0)

    def draw(*sizes: int) -> Tensor:
        return torch.randn(*sizes, generator=rng, device=device).to(memory_format=memory_format)

    sizes, padding, extra = geometry(layer)
    x, weights = draw(most, layer.input[0], *sizes), draw(*layer.weights)
    how = (layer.stride, padding, layer.dilation, layer.transposed, extra, layer.groups)
    y = draw(*torch.convolution(x.to("meta"), weights.to("meta"), None, *how).shape)

    def call(result: Result, num: int) -> Callable[[], object]:
        if result == "output":
            return partial(torch.convolution, x[:num], weights, None, *how)
        gradient = torch.ops.aten.convolution_backward
        return partial(gradient, y[:num], x[:num], weights, None, *how, _MASKS[result])

    return call


def geometry(layer: Convolution) -> tuple[list[int], list[int], list[int]]:
    """Input size, padding and output padding, by axis, with which PyTorch goes from the layer's input to its output.

    Padding that is uneven in the layer is even here, with one more row or column of zeros, which a stride leaves out again;
    where there is no stride that could, the input has that row already, or a transposed convolution's output one too many.
    """
    axes = [
        _axis(*numbers, layer.transposed)
        for numbers in zip(layer.input[1:], layer.output[1:], layer.weights[2:], layer.stride, layer.dilation, strict=True)
    ]
    sizes, padding, extra = (list(values) for values in zip(*axes, strict=True))
    return sizes, padding, extra


def _axis(size: int, output: int, kernel: int, stride: int, dilation: int, transposed: bool) -> tuple[int, int, int]:
    small, large = (size, output) if transposed else (output, size)
    total = (small - 1) * stride + dilation * (kernel - 1) + 1 - large  # the padding of both sides together
    uneven = total > 0 and total % 2
    if uneven and stride == 1:
        return size + (not transposed), total // 2, 0
    padding = max(total + 1, 0) // 2
    return size, padding, 2 * padding - total if transposed else 0
