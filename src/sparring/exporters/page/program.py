"""A generator as a flat list of operations, for `forward.js`: what a page needs to draw without PyTorch.

A program's register 0 is z; operation i reads the registers `from` and writes register i + 1. Batch norm becomes part of the
linear layer or convolution before it, or a scale and a shift of each channel. Weights are rounded to float16.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sparring.networks.layers.activations import Affine
from sparring.networks.layers.blur import Blur
from sparring.networks.layers.dropout import Dropout
from sparring.networks.layers.maps import Basis, Resample
from sparring.networks.layers.perceptron import Perceptron
from sparring.networks.layers.residual import Residual
from sparring.networks.layers.same import SameConvTranspose2d, same_padding

Op = dict[str, Any]


class UnknownLayerError(Exception):
    """A network has a layer that the page cannot compute."""


@dataclass
class Weights:
    """Tensors one after the other in a binary file, each with its place: {type, offset, count, scale}."""

    data: bytearray = field(default_factory=bytearray)
    places: list[dict[str, Any]] = field(default_factory=list)

    def add(self, tensor: Tensor) -> int:
        """The number of a tensor that is now in the file: vectors in float32, all others in float16."""
        values, scale = tensor.detach().float().contiguous(), 1.0
        self.data += bytes(-len(self.data) % 4)
        if tensor.ndim > 1:
            scale = _scale(values)
            values = (values / scale).half()
        kind = "float16" if tensor.ndim > 1 else "float32"
        place = {"type": kind, "offset": len(self.data), "count": values.numel(), "scale": scale, "shape": list(tensor.shape)}
        self.data += values.numpy().tobytes()
        self.places.append(place)
        return len(self.places) - 1

    def get(self, number: int) -> Tensor:
        """The tensor of this number as the page has it, in float32."""
        place = self.places[number]
        dtype = torch.float16 if place["type"] == "float16" else torch.float32
        flat = torch.frombuffer(self.data, dtype=dtype, count=place["count"], offset=place["offset"])
        return flat.float().mul(place["scale"]).reshape(place["shape"])


@dataclass
class Program:
    """Operations and weights of a generator, z [B, num_z] -> [B, *shape]."""

    num_z: int
    shape: tuple[int, ...]
    ops: list[Op] = field(default_factory=list)
    weights: Weights = field(default_factory=Weights)

    def shape_of(self, register: int) -> tuple[int, ...]:
        """The shape of a register's values for each sample."""
        return tuple(self.ops[register - 1]["shape"]) if register else (self.num_z,)

    def append(self, name: str, read: tuple[int, ...], shape: tuple[int, ...], **settings: Any) -> int:
        """Add an operation, tensors among its settings included; the number of the register that it writes."""
        stored = {key: self.weights.add(value) if isinstance(value, Tensor) else value for key, value in settings.items()}
        self.ops.append({"op": name, "from": list(read), "shape": list(shape), **stored})
        return len(self.ops)

    def as_json(self) -> dict[str, Any]:
        """What `createGenerator` of `forward.js` reads beside the weights."""
        return {"num_z": self.num_z, "shape": list(self.shape), "ops": self.ops, "tensors": self.weights.places}


def compile_network(network: nn.Module, num_z: int, shape: tuple[int, ...]) -> Program:
    """The program of a network in inference mode; raises UnknownLayerError for a layer that has no operation."""
    program = Program(num_z, shape)
    _sequence(program, [network], 0)
    return program


def _sequence(program: Program, layers: list[nn.Module], register: int) -> int:
    """Append layers that follow each other; the register of what comes out."""
    waiting = _unpacked(layers)
    while waiting:
        layer = waiting.pop(0)
        if isinstance(layer, _FOLDS) and waiting and isinstance(waiting[0], nn.BatchNorm1d | nn.BatchNorm2d):
            register = _weighted(program, layer, register, _scale_and_shift(waiting.pop(0)))
        else:
            register = _layer(program, layer, register)
    return register


def _unpacked(layers: list[nn.Module]) -> list[nn.Module]:
    """The layers of all sequences, without those that do nothing in inference mode."""
    found: list[nn.Module] = []
    for layer in layers:
        if type(layer) in (nn.Sequential, Perceptron):
            found += _unpacked(list(layer.children()))
        elif type(layer) not in (nn.Identity, Dropout, nn.Dropout, nn.Dropout2d):
            found.append(layer)
    return found


def _layer(program: Program, layer: nn.Module, register: int) -> int:
    if type(layer) not in _LAYERS:
        raise UnknownLayerError(type(layer).__qualname__)
    return _LAYERS[type(layer)](program, layer, register)


def _weighted(program: Program, layer: Any, register: int, after: tuple[Tensor, Tensor] | None = None) -> int:
    """A linear layer or convolution, with the batch norm that follows it: (W x + b) scale + shift."""
    shape, settings = _WEIGHTED[type(layer)](layer, program.shape_of(register))
    weight, bias = layer.weight.detach().double(), None if layer.bias is None else layer.bias.detach().double()
    out = 1 if isinstance(layer, nn.ConvTranspose2d) else 0  # the axis of the output's channels
    if after is not None:
        scale, shift = after
        weight = weight * scale.reshape([-1 if axis == out else 1 for axis in range(weight.ndim)])
        bias = shift if bias is None else bias * scale + shift
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.movedim(0, -1)  # [C', k, k, C]: each tap is a row of a matrix product
    biases = {} if bias is None else {"bias": bias}
    return program.append(shape=shape, read=(register,), weight=weight, **biases, **settings)


def _linear(layer: nn.Linear, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Op]:
    return (layer.out_features,), {"name": "linear"}


def _conv(layer: nn.Conv2d, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Op]:
    kernel, padding = layer.kernel_size[0], layer.padding[0]
    plain = layer.stride == layer.dilation == (1, 1) and layer.padding_mode == "zeros"
    if not plain or isinstance(padding, str) or layer.kernel_size != (kernel, kernel) or layer.padding != (padding, padding):
        raise UnknownLayerError(repr(layer))
    size = [n + 2 * padding - kernel + 1 for n in shape[1:]]
    return (layer.out_channels, *size), {"name": "conv", "kernel": kernel, "padding": padding, "groups": layer.groups}


def _conv_transposed(layer: SameConvTranspose2d, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Op]:
    kernel, stride = layer.kernel_size[0], layer.stride[0]
    size = [stride * n for n in shape[1:]]
    padding, _ = same_padding(size[0], kernel, stride)
    return (layer.out_channels, *size), {"name": "conv_transposed", "kernel": kernel, "stride": stride, "padding": padding}


def _batch_norm(program: Program, layer: nn.Module, register: int) -> int:
    scale, shift = _scale_and_shift(layer)
    return program.append("affine", (register,), program.shape_of(register), scale=scale, shift=shift)


def _scale_and_shift(layer: Any) -> tuple[Tensor, Tensor]:
    """Batch norm in inference mode as x scale + shift, in float64."""
    scale = (layer.running_var.double() + layer.eps).rsqrt() * layer.weight.detach().double()
    return scale, layer.bias.detach().double() - layer.running_mean.double() * scale


def _affine(program: Program, layer: Any, register: int) -> int:
    shape = program.shape_of(register)
    scale, shift = torch.full((shape[0],), layer.scale), torch.full((shape[0],), float(layer.shift))
    return program.append("affine", (register,), shape, scale=scale, shift=shift)


def _element_wise(name: str) -> Callable[[Program, Any, int], int]:
    def append(program: Program, layer: Any, register: int) -> int:
        slope = {"slope": layer.negative_slope} if name == "leaky_relu" else {}
        return program.append(name, (register,), program.shape_of(register), **slope)

    return append


def _unflatten(program: Program, layer: Any, register: int) -> int:
    if layer.dim != 1:
        raise UnknownLayerError(repr(layer))
    return program.append("reshape", (register,), tuple(layer.unflattened_size))


def _upsample(program: Program, layer: Any, register: int) -> int:
    times = layer.scale_factor
    if layer.mode != "nearest" or not isinstance(times, int | float) or times != int(times):
        raise UnknownLayerError(repr(layer))
    channels, *size = program.shape_of(register)
    return program.append("nearest", (register,), (channels, *(int(times) * n for n in size)), times=int(times))


def _blur(program: Program, layer: Any, register: int) -> int:
    settings = {"name": "conv", "kernel": 3, "padding": 1, "groups": len(layer.kernel)}
    return program.append(read=(register,), shape=program.shape_of(register), weight=layer.kernel, **settings)


def _basis(program: Program, layer: Any, register: int) -> int:
    scales = _weighted(program, layer.scales, register)
    return program.append("map", (scales,), tuple(layer.basis.shape), map=layer.basis)


def _resample(program: Program, layer: Any, register: int) -> int:
    shape = program.shape_of(register)[0], layer.rows.shape[1], layer.columns.shape[1]
    return program.append("resample", (register,), shape, rows=layer.rows, columns=layer.columns)


def _residual(program: Program, layer: Any, register: int) -> int:
    shortcut = _sequence(program, [layer.shortcut], register)
    branch = _sequence(program, [layer.branch], register)
    return program.append("add", (shortcut, branch), program.shape_of(branch))


def _scale(values: Tensor) -> float:
    """A power of two near the largest value, so that float16 has room for the small ones."""
    largest = values.abs().max().item()
    return 2.0 ** round(math.log2(largest)) if largest > 0 else 1.0


_WEIGHTED: dict[type, Callable[[Any, tuple[int, ...]], tuple[tuple[int, ...], Op]]] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv,
    SameConvTranspose2d: _conv_transposed,
}
_FOLDS = tuple(_WEIGHTED)
_LAYERS: dict[type, Callable[[Program, Any, int], int]] = {
    **dict.fromkeys(_WEIGHTED, _weighted),
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    Affine: _affine,
    nn.ReLU: _element_wise("relu"),
    nn.LeakyReLU: _element_wise("leaky_relu"),
    nn.Tanh: _element_wise("tanh"),
    nn.Sigmoid: _element_wise("sigmoid"),
    nn.Unflatten: _unflatten,
    nn.Upsample: _upsample,
    Blur: _blur,
    Basis: _basis,
    Resample: _resample,
    Residual: _residual,
}
"""Every layer of the registered generators, by its exact type: a layer of the user's that derives from one is not it."""
