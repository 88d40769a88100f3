"""Strided convolutions with TensorFlow's "same" padding: where the total padding is odd, the extra row and column come last."""

from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis of `size` so that a strided convolution gives ceil(size / stride)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """[B, C, H, W] -> [B, C', ceil(H / stride), ceil(W / stride)]."""

    def __init__(self, num_in: int, num_out: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(num_in, num_out, kernel, stride, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        top, bottom = same_padding(input.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(input.shape[3], self.kernel_size[1], self.stride[1])
        if (top, left) == (bottom, right):
            return conv2d(input, self.weight, self.bias, self.stride, (top, left))
        return conv2d(pad(input, (left, right, top, bottom)), self.weight, self.bias, self.stride)


class SameConvTranspose2d(nn.ConvTranspose2d):
    """[B, C, H, W] -> [B, C', stride H, stride W]: the transpose (the gradient) of `SameConv2d` on the larger image."""

    def __init__(self, num_in: int, num_out: int, kernel: int, stride: int = 1, bias: bool = True):
        super().__init__(num_in, num_out, kernel, stride, bias=bias)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = self.stride[0] * input.shape[2], self.stride[1] * input.shape[3]
        top, _ = same_padding(height, self.kernel_size[0], self.stride[0])
        left, _ = same_padding(width, self.kernel_size[1], self.stride[1])
        y = conv_transpose2d(input, self.weight, self.bias, self.stride, (top, left))
        return y[:, :, :height, :width]
