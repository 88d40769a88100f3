"""A first look: recognisable digits in about two minutes of a laptop's CPU."""

from dataclasses import replace

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval
from sparring.networks import DcganDiscriminatorConfig, DcganGeneratorConfig
from sparring.optim.adam import Adam
from sparring.recipe import Recipe
from sparring.recipes.dcgan import dcgan
from sparring.visual.snapshots import FixedGrid


@register("recipe")
def quick() -> Recipe:
    """The DCGAN at half its width with small batches and larger steps: digits in about two minutes of CPU.

    Source: the recipe dcgan; step size and momentum moved towards Radford et al. 2016 (https://arxiv.org/abs/1511.06434).
    Command: sparring train quick
    Measured: most of 64 samples are readable digits after 90 s on 2 cores.
    """
    return replace(
        dcgan(),
        source="the recipe dcgan, half as wide, with the momentum of https://arxiv.org/abs/1511.06434",
        generator=DcganGeneratorConfig(width=32),
        discriminator=DcganDiscriminatorConfig(width=32),
        optim=Adam(lr=1e-3, beta1=0.5, epsilon="hat"),
        batch_size=64,
        length=Duration(epochs=2),
        checkpoint=Interval(epochs=1),
        review=Interval(rounds=300),
        frames="all",
        pictures=(FixedGrid(rows=8, columns=8, every=Interval(rounds=50)),),
    )
