"""Products are those of `linear`, from whichever library they come."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear

from sparring.networks.layers import products
from sparring.networks.layers.products import product

CHOICES = [True, False]


def operands(num: int, num_in: int, num_out: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    sizes = (num, num_in), (num_out, num_in), (num_out,)
    return tuple(torch.randn(size, generator=rng, dtype=torch.float64).to(dtype) for size in sizes)  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("transposed", CHOICES)
@pytest.mark.parametrize("biased", CHOICES)
def test_large_products(biased, transposed):
    x, weight, bias = operands(200, 128, 96)
    if transposed:  # as for the gradients
        x, weight = x.t().contiguous().t(), weight.t().contiguous().t()
    expected = linear(x.double(), weight.double(), bias.double() if biased else None)
    torch.testing.assert_close(product(x, weight, bias if biased else None).double(), expected, rtol=0, atol=1e-4)


def test_the_operator_is_taken_where_it_is_worth_it(monkeypatch):
    if not torch.backends.mkldnn.is_available():
        pytest.skip("this PyTorch lacks oneDNN")
    assert products.has_onednn()
    taken = []
    monkeypatch.setattr(products, "linear", lambda *args: taken.append(args) or linear(*args))
    product(*operands(200, 128, 96))
    assert not taken
    product(*operands(8, 128, 96))
    product(*operands(200, 128, 96, torch.float64))
    product(operands(8, 128, 96)[0].expand(40, 8, 128), *operands(8, 128, 96)[1:])
    assert len(taken) == 3


@pytest.mark.parametrize("operator", [lambda *args: torch.zeros(5, 2), None], ids=["other values", "no operator"])
def test_without_a_sound_operator_linear_is_taken(operator, monkeypatch):
    products.has_onednn.cache_clear()
    if operator is None:
        monkeypatch.delattr(torch.ops.mkldnn, "_linear_pointwise", raising=False)
        monkeypatch.setattr(torch.ops, "mkldnn", object())
    else:
        monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", operator)
    assert not products.has_onednn()
    x, weight, bias = operands(200, 128, 96)
    assert torch.equal(product(x, weight, bias), linear(x, weight, bias))
    products.has_onednn.cache_clear()
