"""Multilayer perceptrons with their gradients written out: of small layers, autograd's books cost a third of the time."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from sparring.networks.layers.activations import Affine

aten = torch.ops.aten

_POINTWISE: Mapping[type[nn.Module], tuple[Any, Callable[[Any], tuple]]] = {  # f'(x) dy from y = f(x), and what else it needs
    nn.ReLU: (aten.threshold_backward.grad_input, lambda layer: (0,)),
    nn.LeakyReLU: (aten.leaky_relu_backward.grad_input, lambda layer: (layer.negative_slope, True)),
    nn.Sigmoid: (aten.sigmoid_backward.grad_input, lambda layer: ()),
    nn.Tanh: (aten.tanh_backward.grad_input, lambda layer: ()),
}
_RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)


class Perceptron(nn.Sequential):
    """Linear layers, element-wise ones, and others; `written_out` says whether `Pass` knows all of them."""

    def __init__(self, *layers: nn.Module):
        super().__init__(*layers)
        self.written_out = {type(layer) for layer in layers} <= {nn.Linear, Affine, *_POINTWISE, *_RESHAPING}


class Pass:
    """One way of inputs [B, ...] through a perceptron, without autograd, and its gradients by the chain rule."""

    def __init__(self, network: Perceptron, x: Tensor):
        self.layers, self._values = list(network), [x]  # before each layer, and after the last
        for layer in self.layers:
            x = self._values[-1]
            self._values.append(linear(x, layer.weight, layer.bias) if isinstance(layer, nn.Linear) else layer.forward(x))
        self.outputs = self._values[-1]

    def pull(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> list[Tensor]:
        """From the gradient by the outputs, whose memory it takes, those by each of `parameters()`, then that by the inputs.

        It may be called any number of times; `again` says so, to passes that care.
        """
        found: list[Tensor] = []  # the last first
        first = next(layer for layer in self.layers if isinstance(layer, nn.Linear))
        for layer, x, y in reversed(list(zip(self.layers, self._values, self._values[1:], strict=False))):
            if not isinstance(layer, nn.Linear):
                dy = _through(layer, x, y, dy)
                continue
            if weights:
                found += [dy.sum(0)] * (layer.bias is not None) + [dy.t() @ x]
            if layer is first and not inputs:
                return found[::-1]
            dy = dy @ layer.weight
        return [*found[::-1], dy]


def _through(layer: nn.Module, x: Tensor, y: Tensor, dy: Tensor) -> Tensor:
    """The gradient by a layer's input x from that by its output y, in the latter's memory."""
    if isinstance(layer, Affine):
        return dy.mul_(layer.scale)
    if isinstance(layer, _RESHAPING):
        return dy.reshape(x.shape)
    backward, settings = _POINTWISE[type(layer)]
    return backward(dy, y, *settings(layer), grad_input=dy)
