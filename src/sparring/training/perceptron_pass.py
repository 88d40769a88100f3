"""A pass through a perceptron with its gradients written out: of small layers, autograd's books cost a third of the time."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sparring.networks.layers.activations import Affine
from sparring.networks.layers.dropout import Dropout, factors
from sparring.networks.layers.perceptron import Perceptron, is_hooked
from sparring.networks.layers.products import product

aten = torch.ops.aten

_POINTWISE: Mapping[type[nn.Module], tuple[Any, Callable[[Any], tuple]]] = {  # f'(x) dy from y = f(x), and what else it needs
    nn.ReLU: (aten.threshold_backward.grad_input, lambda layer: (0,)),
    nn.LeakyReLU: (aten.leaky_relu_backward.grad_input, lambda layer: (layer.negative_slope, True)),
    nn.Sigmoid: (aten.sigmoid_backward.grad_input, lambda layer: ()),
    nn.Tanh: (aten.tanh_backward.grad_input, lambda layer: ()),
}
_RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)


def has_written_gradients(network: nn.Module) -> bool:
    """True if `PerceptronPass` can replace autograd: known layers without hooks, each linear one once and none frozen, and no
    value overwritten in place that the layer before needs for its gradient."""
    if not isinstance(network, Perceptron):
        return False
    layers = list(network)
    known = {type(layer) for layer in layers} <= {nn.Linear, Affine, Dropout, *_POINTWISE, *_RESHAPING}
    linear_ones = [layer for layer in layers if isinstance(layer, nn.Linear)]
    once = 0 < len(linear_ones) == len({*linear_ones})
    overwriting = (before for before, layer in pairwise((nn.Identity(), *layers)) if getattr(layer, "inplace", False))
    kept = all(isinstance(before, nn.Linear | Affine) for before in overwriting)
    moving = all(weight.requires_grad for weight in network.parameters())
    return known and once and kept and moving and not any(is_hooked(module) for module in network.modules())


class PerceptronPass:
    """One way of inputs [B, ...] through a perceptron, without autograd, and its gradients by the chain rule."""

    outputs: Tensor

    def __init__(self, network: Perceptron, x: Tensor):
        self._steps: list[tuple[nn.Module, Tensor, Tensor]] = []  # layer, input, and what its gradient needs beside
        for layer in network:
            y, needed = _forward(layer, x)
            self._steps.append((layer, x, needed))
            x = y
        self.outputs = x

    def vjp(self, dy: Tensor, *, weights: bool = False, inputs: bool = False, again: bool = False) -> list[Tensor]:
        """From the gradient by the outputs, whose memory it takes, those by each of `parameters()`, then that by the inputs.

        It may be called any number of times; `again` says so, to passes that care.
        """
        found: list[Tensor] = []  # the last first
        dy = dy.contiguous()  # an expanded one cannot be overwritten
        first = next(layer for layer, *_ in self._steps if isinstance(layer, nn.Linear))
        for layer, x, needed in reversed(self._steps):
            if not isinstance(layer, nn.Linear):
                dy = _backward(layer, x, needed, dy)
                continue
            if weights:
                rows = dy.flatten(0, -2)
                found += [rows.sum(0)] * (layer.bias is not None) + [product(rows.t(), x.flatten(0, -2).t())]
            if layer is first and not inputs:
                return found[::-1]
            dy = product(dy, layer.weight.t())
        return [*found[::-1], dy]


def _forward(layer: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """A layer's output, and what its gradient needs: the output itself, or dropout's factors."""
    if isinstance(layer, nn.Linear):
        y = product(x, layer.weight, layer.bias)
    elif isinstance(layer, Dropout) and (kept := layer.kept(x)) is not None:
        kept = factors(kept, layer.scale, x.dtype)
        return x * kept, kept
    else:
        y = layer.forward(x)
    return y, y


def _backward(layer: nn.Module, x: Tensor, needed: Tensor, dy: Tensor) -> Tensor:
    """The gradient by a layer's input x from that by its output, in the latter's memory."""
    if isinstance(layer, Affine):
        return dy.mul_(layer.scale)
    if isinstance(layer, Dropout):
        return dy if needed is x else dy.mul_(needed)
    if isinstance(layer, _RESHAPING):
        return dy.reshape(x.shape)
    backward, settings = _POINTWISE[type(layer)]
    return backward(dy, needed, *settings(layer), grad_input=dy)
