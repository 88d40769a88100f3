"""Dropout whose masks cost little: four of them from one 64-bit random word."""

from typing import Any

import torch
from torch import Tensor, nn

from sparring.errors import InputError

_WORD = 1 << 16


class _Masked(torch.autograd.Function):
    """x, scaled where a mask says so, else zero. Bools are slow to multiply by, but take a quarter of the memory to keep."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return x * kept.to(x.dtype).mul_(scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (dy,), (kept,) = gradients, ctx.saved_tensors
        return dy * kept.to(dy.dtype).mul_(ctx.scale), None, None


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al. 2014): zero with probability `rate`, else x / (1 - rate).

    The mask compares 16 raw random bits with round(rate * 65536), so the rate is exact to 2^-17; the scale uses the rate
    that results, so the mean is exact. Bits come from torch's default generator of the device, as in `torch.nn.Dropout`.
    """

    def __init__(self, rate: float):
        super().__init__()
        if not 0 <= rate < 1:
            raise InputError(f"the dropout rate is {rate}; it must lie in [0, 1)")
        self.threshold = min(round(rate * _WORD), _WORD - 1)

    @property
    def scale(self) -> float:
        """What is kept is multiplied by this."""
        return _WORD / (_WORD - self.threshold)

    def kept(self, x: Tensor) -> Tensor | None:
        """Which values of x stay: bool, of its shape and memory format; None for all, as in inference."""
        if not self.training or self.threshold == 0:
            return None
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = words.view(torch.int16)[: x.numel()] >= self.threshold - _WORD // 2  # a bit is uniform on [-32768, 32767]
        return kept.view(x.shape) if x.is_contiguous() else kept.as_strided(x.shape, _dense_strides(x))

    def forward(self, x: Tensor) -> Tensor:
        kept = self.kept(x)
        return x if kept is None else _Masked.apply(x, kept, self.scale)

    def extra_repr(self) -> str:
        return f"rate={self.threshold / _WORD:.5g}"


def _dense_strides(x: Tensor) -> tuple[int, ...]:
    """Those of a tensor without gaps in x's memory format."""
    return torch.empty_like(x, device="meta").stride()
