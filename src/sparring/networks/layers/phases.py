"""A doubling by repetition with the convolution after it, as one convolution of the smaller map, quicker on a CPU."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from sparring.networks.layers.perceptron import is_hooked
from sparring.networks.layers.replace import sharing

MANY = 64  # input channels, from beyond which the plain way is quicker
_TAPS = torch.tensor([[[1.0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]])  # [phase, place of the smaller map, tap of the kernel]


class PhaseConv2d(nn.Conv2d):
    """`nn.Upsample(scale_factor=2)` and a 3 x 3 convolution with padding 1: [B, C, H, W] -> [B, C', 2 H, 2 W].

    Of the nine taps at a place of the large map several fall on one place of the small one. Their weights add up to a kernel of
    2 x 2 for each of the four phases, with 4/9 of the multiplications and no large map of C channels.
    """

    def __init__(self, num_in: int, num_out: int):
        super().__init__(num_in, num_out, 3, padding=1, bias=False)

    def forward(self, input: Tensor) -> Tensor:
        batch, _, height, width = input.shape
        taps = _TAPS.to(self.weight)
        kernels = torch.einsum("pkr,qls,oirs->pqoikl", taps, taps, self.weight).flatten(0, 2)
        y = conv2d(input, kernels.contiguous(memory_format=torch.channels_last), padding=1)  # [B, 4 C', H + 1, W + 1]
        blocks = y.permute(0, 2, 3, 1).reshape(batch, height + 1, width + 1, 2, 2, self.out_channels).transpose(2, 3)
        large = blocks.reshape(batch, 2 * height + 2, 2 * width + 2, self.out_channels)[:, 1:-1, 1:-1]
        return large.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def doubled_in_phases(network: nn.Module) -> nn.Module:
    """The network with a `PhaseConv2d` in the place of such a convolution of few channels, and nothing in that of the doubling
    before it; weights and names stay."""
    for module in network.modules():
        if type(module) is nn.Sequential:
            for (place, doubling), (next_place, conv) in pairwise([*module.named_children()]):
                if _doubles(doubling) and isinstance(conv, nn.Conv2d) and _fits(conv):
                    settings = conv.in_channels, conv.out_channels
                    setattr(module, place, nn.Identity())
                    setattr(module, next_place, sharing(lambda settings=settings: PhaseConv2d(*settings), conv))
    return network


def _doubles(layer: nn.Module) -> bool:
    if type(layer) is not nn.Upsample or is_hooked(layer):
        return False
    return (layer.size, layer.scale_factor, layer.mode) == (None, 2.0, "nearest")


def _fits(layer: nn.Conv2d) -> bool:
    if type(layer) is not nn.Conv2d or is_hooked(layer) or layer.bias is not None or layer.in_channels > MANY:
        return False
    plain = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    return plain and layer.kernel_size == (3, 3) and layer.padding == (1, 1)
