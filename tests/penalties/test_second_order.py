"""Gradients of penalties by the weights of every discriminator: nothing is lost on the way back, be it twice."""

import pytest
import torch
from torch import nn

from sparring.config import registry
from sparring.networks.layers.dropout import shared_masks
from sparring.networks.layers.residual import Residual
from sparring.penalties import R1, R1FD, R2, R2FD, Dragan, GradientPenalty, Penalty

SHAPE = (1, 28, 28)
NARROW = {"mlp-discriminator": {"widths": (12, 8)}, "r3-discriminator": {"width": 8, "max_width": 16}}
NAMES = [
    name for name in registry.names("discriminator") if registry.find("discriminator", name).__module__.startswith("sparring.")
]
PENALTIES = [R1(), R2(), GradientPenalty(), GradientPenalty(center=0.0), Dragan(), R1FD(), R2FD()]


def built(name: str) -> nn.Module:
    config = registry.find("discriminator", name)
    fields = config.__dataclass_fields__
    narrow = NARROW.get(name, {field: 4 for field in ("width", "hidden") if field in fields})
    torch.manual_seed(0)
    network = config(**narrow).build(SHAPE).double()
    for module in network.modules():
        if isinstance(module, Residual):  # whose last convolution may start at zero, and hides the others
            for weight in module.parameters():
                nn.init.normal_(weight, std=0.3)
    return network


def inputs(penalty: Penalty) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    shapes = [(3, *SHAPE), (3, *SHAPE), (3, penalty.num_uniforms(SHAPE))]
    real, fake, numbers = (torch.rand(shape, generator=rng, dtype=torch.float64) for shape in shapes)
    return [2 * real - 1, 2 * fake - 1, numbers]


@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
@pytest.mark.parametrize("name", NAMES)
def test_every_discriminator(name, penalty):
    network, batch = built(name), inputs(penalty)
    weights = list(network.parameters())

    def value() -> torch.Tensor:
        torch.manual_seed(2)  # the same dropout each time
        with shared_masks(network, penalty.num_points):
            return penalty(network, *batch).mean()

    gradients = torch.autograd.grad(value(), weights, allow_unused=True, materialize_grads=True)
    for (weight_name, weight), gradient in zip(network.named_parameters(), gradients, strict=True):
        assert gradient.isfinite().all(), weight_name
        assert weight.ndim < 2 or gradient.any(), weight_name  # a bias need not matter to a slope

    rng, h = torch.Generator().manual_seed(3), 1e-8  # so small that no unit goes over its kink
    for _ in range(3):
        way = [torch.randn(w.shape, generator=rng, dtype=torch.float64) for w in weights]
        ends = []
        for sign in (1, -1):
            with torch.no_grad():
                for weight, step in zip(weights, way, strict=True):
                    weight += sign * h * step
            ends.append(value().item())
            with torch.no_grad():
                for weight, step in zip(weights, way, strict=True):
                    weight -= sign * h * step
        along = sum((g * step).sum().item() for g, step in zip(gradients, way, strict=True))
        assert along == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-4, abs=1e-5)
