"""The synchronised batch norm by itself; tests/distributed compares it with PyTorch's over several processes."""

import torch
from torch import nn

from sparring.distributed.rows import Rows, sharded
from sparring.networks.layers.batch_norm import convert_sync_batchnorm


def test_a_batch_in_bfloat16_has_statistics_in_float32():
    x = (3 + torch.randn(6, 4, 7, 7, generator=torch.Generator().manual_seed(0))).bfloat16().requires_grad_()
    whole, part = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
    expected = whole(x.float()).pow(3).mean()
    (slope,) = torch.autograd.grad(expected, x)
    network = convert_sync_batchnorm(nn.Sequential(part))
    with sharded(network, Rows(6, ((0, 6),), torch.Generator(), lambda own: own[None])):
        y = network(x)
        (found,) = torch.autograd.grad(y.float().pow(3).mean(), x)
    assert (y.dtype, found.dtype) == (torch.bfloat16, torch.bfloat16)
    torch.testing.assert_close(y.float(), whole(x.float()), rtol=1e-2, atol=1e-2)
    assert (found.float() - slope.float()).norm() < 0.02 * slope.float().norm()
    of_channels = x.detach().float().transpose(0, 1).flatten(1)
    torch.testing.assert_close(part.running_mean, 0.1 * of_channels.mean(1))
    torch.testing.assert_close(part.running_var, 0.9 + 0.1 * of_channels.var(1))
