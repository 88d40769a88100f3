"""The floor as it runs: it computes the products of a round, and nothing else."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sparring.bench.arithmetic import round_products
from sparring.bench.floor import build
from sparring.bench.products import Linear, Product
from sparring.bench.round_flops import FlopCounter
from tiny import miniature

CPU = torch.device("cpu")
ALLOWED = {"aten.mm.out", "aten.convolution.default", "aten.convolution_backward.default", "aten.detach.default"}
ALLOWED |= {"mkldnn._linear_pointwise.default"}


class Names(TorchDispatchMode):
    """The names of all operations within the block."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["vanilla", "dcgan", "upsample", "flash"])
def test_the_floor_does_what_it_lists_and_nothing_else(name, tmp_path):
    recipe = miniature(name, tmp_path)
    products = round_products(recipe, recipe.data.train())
    floor = build(products, CPU)
    assert (floor.memory_format is None) == (name == "vanilla")
    with FlopCounter() as counter:
        floor.run(0)
    assert counter.flops == sum(product.flops for product in products)
    with Names() as seen:
        floor.run(0)
    assert set(seen.names) <= ALLOWED
    assert len([name for name in seen.names if "detach" not in name]) == len(products)


@pytest.mark.parametrize(("round_", "times"), [(0, 3), (1, 1), (2, 2), (3, 2), (6, 3)])
def test_a_penaltys_products_are_computed_in_its_rounds_alone(round_, times):
    layer = Linear("d", 1, 2, 3, False)
    floor = build([Product(layer, "output", 5, every) for every in (1, 2, 3)], CPU)
    with FlopCounter() as counter:
        floor.run(round_)
    assert counter.flops == times * layer.flops(5)
