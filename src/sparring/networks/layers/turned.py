"""The strided convolutions of `same` with maps and kernels turned by 180 degrees, quicker on a CPU.

Where TensorFlow's padding is uneven, it has one more row and column at the end, while PyTorch pads both ends alike. So a map
must be copied into a larger one, whose zeros are multiplied. Turned, the longer end comes first. PyTorch's padding of that
length gives the same places then, for the stride leaves out what is too much at the other end, and oneDNN skips its own zeros.
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from sparring.networks.layers.perceptron import is_hooked
from sparring.networks.layers.replace import replace_layers, sharing
from sparring.networks.layers.same import SameConv2d, SameConvTranspose2d, same_padding

_MANY = 16  # channels of the larger map, from which turning is quicker


class TurnedConv2d(SameConv2d):
    """`SameConv2d` with a stride of at least 2."""

    def forward(self, input: Tensor) -> Tensor:
        before, after = _paddings(input.shape[2:], self)
        if before == after:
            return super().forward(input)
        return _turned(conv2d(_turned(input), _turned(self.weight), self.bias, self.stride, after))


class TurnedConvTranspose2d(SameConvTranspose2d):
    """`SameConvTranspose2d` with a stride of at least 2."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        before, after = _paddings([stride * size for stride, size in zip(self.stride, input.shape[2:], strict=True)], self)
        if before == after:
            return super().forward(input)
        extra = [last - first for first, last in zip(before, after, strict=True)]
        return _turned(conv_transpose2d(_turned(input), _turned(self.weight), self.bias, self.stride, after, extra))


def turn_layers(network: nn.Module) -> nn.Module:
    """The network with these layers in the place of strided ones of many channels; weights and names stay."""
    return replace_layers(network, _turning)


def _turning(layer: nn.Module) -> nn.Module:
    if type(layer) is SameConv2d and layer.in_channels >= _MANY:
        kind = TurnedConv2d
    elif type(layer) is SameConvTranspose2d and layer.out_channels >= _MANY:
        kind = TurnedConvTranspose2d
    else:
        return layer
    if is_hooked(layer) or layer.stride[0] == 1:
        return layer
    settings = layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0], layer.bias is not None
    return sharing(lambda: kind(*settings), layer)


def _turned(x: Tensor) -> Tensor:
    return x.flip(2, 3)


def _paddings(sizes: Sequence[int], layer: SameConv2d | SameConvTranspose2d) -> tuple[list[int], list[int]]:
    """Zeros before and after each axis of the larger map."""
    before, after = zip(*map(same_padding, sizes, layer.kernel_size, layer.stride), strict=True)
    return list(before), list(after)
