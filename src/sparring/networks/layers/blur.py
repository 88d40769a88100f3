"""A fixed low-pass filter of feature maps."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d


class Blur(nn.Module):
    """[B, C, H, W] -> [B, C, H, W]: each place's mean with its neighbours by the weights 1, 2, 1 along both axes.

    Outside the map are zeros, as for convolutions.
    """

    kernel: Tensor

    def __init__(self, num_channels: int):
        super().__init__()
        binomial = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("kernel", torch.outer(binomial, binomial).repeat(num_channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return conv2d(x, self.kernel.to(x.dtype), padding=1, groups=len(self.kernel))
