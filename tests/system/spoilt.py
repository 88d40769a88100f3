"""Training that becomes non-finite at a chosen place: data that hold what is no number, and a loss that breaks."""

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from sparring import recipes
from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.data import PointSet
from sparring.losses import NonSaturating
from sparring.networks import GlorotUniform, MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Normal


@register("data")
@dataclass(frozen=True)
class Spoilt:
    """Points of the plane, of which those at the places `bad` have `value` as a coordinate; 400 of them."""

    bad: tuple[int, ...] = ()
    value: str = "nan"

    summary: ClassVar[str] = "points, some of them none"

    def train(self, progress=None) -> PointSet:
        points = torch.randn(400, 2, generator=torch.Generator().manual_seed(1)) / 4
        points[list(self.bad), 1] = float(self.value)
        return PointSet(points)

    def test(self, progress=None) -> PointSet:
        return PointSet(torch.randn(100, 2, generator=torch.Generator().manual_seed(2)) / 4)

    def fetch(self, progress=None) -> None:
        """Nothing."""

    def is_cached(self) -> bool:
        return True


@register("loss")
@dataclass(frozen=True)
class Brittle(NonSaturating):
    """D's loss is infinite as soon as a real logit is beyond the limit."""

    limit: float = 1.0

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        real, fake = super().d_terms(real_logits, fake_logits)
        return real.masked_fill(real_logits.abs() > self.limit, float("inf")), fake


@register("recipe")
def spoilt():
    """Vanilla's round on 400 points in the order of the file: 20 rounds an epoch, place 20 r in round r + 1 of each."""
    base = recipes.get("vanilla")
    return replace(
        base,
        data=Spoilt(),
        z=Normal(4),
        generator=MLPGeneratorConfig(widths=(16,), output="linear", initial=GlorotUniform()),
        discriminator=MLPDiscriminatorConfig(widths=(16,), initial=GlorotUniform()),
        optim=replace(base.g_optim, lr=0.01),
        batch_size=20,
        order="file",
        length=Duration(rounds=60),
        journal=Interval(rounds=5),
        checkpoint=Interval(rounds=10),
        pictures=(),
        review=None,
    )
