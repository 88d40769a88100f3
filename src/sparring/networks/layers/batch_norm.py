"""Synchronised batch norm over several processes, on every device (PyTorch's own needs GPUs)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sparring.distributed.rows import Rows, ShardedLayer
from sparring.networks.layers.replace import replace_layers, sharing

aten = torch.ops.aten
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(var + eps) weight + bias, with mean and variance of the whole batch.

    With x' = (x - mean) / sqrt(var + eps), and means over the whole batch of n values a channel, the gradient by x is
    weight / sqrt(var + eps) (dy - mean(dy) - x' mean(dy x')): Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167,
    section 3. Those by weight and bias are of the rows that are here, as with every other layer.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, statistics: tuple[Tensor, ...], eps: float, rows: Rows
    ) -> Tensor:
        mean, var, num = statistics
        ctx.save_for_backward(x, weight, mean, var, num)
        ctx.eps, ctx.rows = eps, rows
        return aten.native_batch_norm(x, weight, bias, mean, var, False, 0.0, eps)[0] if len(x) else x.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        (dy,), (x, weight, mean, var, num) = gradients, ctx.saved_tensors
        if len(x):  # as if mean and variance were constants
            unused = mean.new_empty(0)  # CUDA asserts that the batch's own statistics are given, and does not read them here
            dx, dw, db = aten.native_batch_norm_backward(dy, x, weight, mean, var, unused, unused, False, ctx.eps, [True] * 3)
        else:
            dx, dw, db = torch.zeros_like(x), torch.zeros_like(mean), torch.zeros_like(mean)
        if ctx.needs_input_grad[0]:
            sum_w, sum_b = ctx.rows.all_gather(torch.stack([dw, db])).sum(0)  # of dy x', and of dy
            scale = (var + ctx.eps).rsqrt()
            factor = scale if weight is None else weight * scale
            slope = -factor * scale * sum_w / num
            shift = -factor * sum_b / num - slope * mean
            dx = torch.addcmul(dx, x, _of_channels(slope, x)).add_(_of_channels(shift, x))
        return dx, dw if ctx.needs_input_grad[1] else None, db if ctx.needs_input_grad[2] else None, None, None, None


def _of_channels(values: Tensor, x: Tensor) -> Tensor:
    """[C] in a shape that broadcasts with x [B, C, ...]."""
    return values.view(-1, *[1] * (x.ndim - 2))


def _statistics(x: Tensor, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [C], biased variance [C] and number of values a channel of the whole batch, from x [B, C, ...], some of its rows;
    of bfloat16 in float32.

    Parts of n_i values with means m_i and variances v_i have together the mean m = sum n_i m_i / n, and the variance
    sum n_i (v_i + (m_i - m)^2) / n (Chan et al. 1979), which loses no digits where the mean is large.
    """
    channels, x = x.shape[1], x.to(torch.promote_types(x.dtype, torch.float32))
    if len(x):
        mean, var = aten.batch_norm_update_stats(x, None, None, 0.0)
    else:
        mean = var = x.new_zeros(channels)
    count = x.new_full((1,), x.numel() / channels)
    counts, means, variances = rows.all_gather(torch.cat([count, mean, var])).split(
        [1, channels, channels], dim=1
    )  # [parts, ...]
    num = counts.sum()
    mean = (counts * means).sum(0) / num
    return mean, (counts * (variances + (means - mean).square())).sum(0) / num, num


class _Synchronised(ShardedLayer):
    """The common part of both: PyTorch's batch norm on the whole batch, of which this process has some rows."""

    def forward(self, input: Tensor) -> Tensor:
        if self.rows is None or not self.training:
            return super().forward(input)
        assert isinstance(self, BatchNorm)
        self._check_input_dim(input)
        if self.rows.num * input.shape[2:].numel() < 2:
            raise ValueError(f"batch normalisation needs more than 1 value per channel, got {self.rows.num} sample(s)")
        mean, var, num = _statistics(input.detach(), self.rows)
        self._follow(mean, var * (num / (num - 1)))
        return _Normalise.apply(input, self.weight, self.bias, (mean, var, num), self.eps, self.rows)

    def _follow(self, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics towards those of a batch, of which `var` is unbiased."""
        assert isinstance(self, BatchNorm)
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(var.to(self.running_var.dtype), momentum)


class SynchronisedBatchNorm1d(_Synchronised, nn.BatchNorm1d):
    """`nn.BatchNorm1d`, over the whole batch where this process has only some of its rows."""


class SynchronisedBatchNorm2d(_Synchronised, nn.BatchNorm2d):
    """`nn.BatchNorm2d`, over the whole batch where this process has only some of its rows."""


_SYNCHRONISED = {nn.BatchNorm1d: SynchronisedBatchNorm1d, nn.BatchNorm2d: SynchronisedBatchNorm2d}


def convert_sync_batchnorm(network: nn.Module) -> nn.Module:
    """The network with every `nn.BatchNorm1d` and `nn.BatchNorm2d`, not types derived from them, over the whole batch.

    The new layers share weights and statistics with the old ones, whose hooks they lack.
    """
    return replace_layers(network, _synchronised)


def _synchronised(layer: nn.Module) -> nn.Module:
    kind = _SYNCHRONISED.get(type(layer))
    if kind is None:
        return layer
    assert isinstance(layer, BatchNorm)
    settings = layer.num_features, layer.eps, layer.momentum, layer.affine, layer.track_running_stats
    return sharing(lambda: kind(*settings), layer)
