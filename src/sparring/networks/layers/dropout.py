"""Dropout whose masks cost little: four of them from one 64-bit random word."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sparring.distributed.rows import Rows, ShardedLayer
from sparring.errors import InputError

_WORD = 1 << 16


def factors(kept: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """The scale where a mask says so, else zero; from bytes, which are converted two to three times as fast as bools."""
    return kept.view(torch.int8).to(dtype).mul_(scale)


class _Masked(torch.autograd.Function):
    """x, scaled where a mask says so, else zero. Bools are slow to multiply by, but take a quarter of the memory to keep."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return x * factors(kept, scale, x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (dy,), (kept,) = gradients, ctx.saved_tensors
        return dy * factors(kept, ctx.scale, dy.dtype), None, None


class Dropout(ShardedLayer):
    """Inverted dropout (Srivastava et al. 2014): zero with probability `rate`, else x / (1 - rate).

    The mask compares 16 raw random bits with round(rate * 65536), so the rate is exact to 2^-17; the scale uses the rate
    that results, so the mean is exact. Bits come from torch's default generator of the device, as in `torch.nn.Dropout`.
    Where several processes share a batch, each draws the mask of the whole batch and takes its rows, so that the masks do not
    depend on the number of processes. (Those of `torch.nn.Dropout` do: it knows of its own rows alone.)
    `copies`: the batch is that many batches, one after the other, which share one mask.
    """

    copies: int = 1

    def __init__(self, rate: float):
        super().__init__()
        if not 0 <= rate < 1:
            raise InputError(f"the dropout rate is {rate}; it must lie in [0, 1)")
        self.threshold = min(round(rate * _WORD), _WORD - 1)

    @property
    def scale(self) -> float:
        """The factor of the values that are kept."""
        return _WORD / (_WORD - self.threshold)

    @property
    def _least(self) -> int:
        """A value stays where its random bits, as a number, are at least this."""
        return self.threshold - _WORD // 2

    def kept(self, x: Tensor) -> Tensor | None:
        """Which values of x stay: bool, of its shape and memory format; None for all, as in inference."""
        if not self.training or self.threshold == 0:
            return None
        if self.copies > 1:
            return torch.cat([self._drawn(x[: len(x) // self.copies])] * self.copies)
        return self._drawn(x)

    def _drawn(self, x: Tensor) -> Tensor:
        if self.rows is not None:
            return self._kept_rows(x, self.rows)
        kept = _bits(x.numel(), x.device) >= self._least
        return kept.view(x.shape) if x.is_contiguous() else kept.as_strided(x.shape, _dense_strides(x))

    def _kept_rows(self, x: Tensor, rows: Rows) -> Tensor:
        """The rows of the whole batch's mask; in memory the samples follow each other."""
        per_row = x.shape[1:].numel()
        kept = rows.of(_bits(rows.num * per_row, x.device, rows.rng).view(rows.num, per_row)) >= self._least
        if x.is_contiguous() or len(x) == 0:
            return kept.view(x.shape)
        return kept.as_strided(x.shape, (per_row, *_dense_strides(x)[1:]))

    def forward(self, x: Tensor) -> Tensor:
        kept = self.kept(x)
        return x if kept is None else _Masked.apply(x, kept, self.scale)

    def extra_repr(self) -> str:
        return f"rate={self.threshold / _WORD:.5g}"


@contextmanager
def shared_masks(network: nn.Module, copies: int) -> Iterator[None]:
    """Within the block the network is given `copies` batches of one size, one after the other, which share their masks."""
    layers = [layer for layer in network.modules() if isinstance(layer, Dropout)]
    for layer in layers:
        layer.copies = copies
    try:
        yield
    finally:
        for layer in layers:
            layer.copies = 1


def _bits(num: int, device: torch.device, rng: torch.Generator | None = None) -> Tensor:
    """16 random bits each, int16 [num], uniform on [-32768, 32767]; drawn as 64-bit words."""
    words = torch.empty(-(-num // 4), dtype=torch.int64, device=device).random_(-(2**63), None, generator=rng)
    return words.view(torch.int16)[:num]


def _dense_strides(x: Tensor) -> tuple[int, ...]:
    """Those of a tensor without gaps in x's memory format."""
    return torch.empty_like(x, device="meta").stride()
