"""Matrix products through the quicker of the two libraries that PyTorch has on a CPU.

In float32 PyTorch takes MKL, which on other processors than Intel's leaves AVX-512 unused; oneDNN is twice as fast there. It is
reached through the operator that PyTorch's own compiler uses.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import linear

_LEAST = 2**21  # multiplications, from which oneDNN makes good what it takes to prepare a product


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`linear` without autograd: x weight^T + bias, x [..., i], weight [o, i]."""
    if takes_onednn(x, weight):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return linear(x, weight, bias)


def takes_onednn(x: Tensor, weight: Tensor) -> bool:
    """True if `product` of these is oneDNN's."""
    large = x.ndim == 2 and len(x) * weight.numel() >= _LEAST
    return large and x.dtype == torch.float32 and x.device.type == "cpu" and has_onednn()


@cache
def has_onednn() -> bool:
    """True if the operator, which is not public, is there and gives what `linear` does."""
    x, weight = torch.linspace(-1, 1, 15).view(5, 3), torch.linspace(0, 2, 6).view(2, 3)
    try:
        found = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(found, linear(x, weight), atol=1e-5)
