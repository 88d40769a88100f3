"""A class-conditional GAN."""

from dataclasses import replace

from sparring.conditions import Projection
from sparring.config.registry import register
from sparring.config.schedules import Interval
from sparring.networks.latents import Code
from sparring.recipe import Recipe
from sparring.recipes.flash import flash
from sparring.visual.codes import ClassGrid


@register("recipe")
def cgan() -> Recipe:
    """A conditional GAN with the networks of flash: G gets the class with z, and D classifies an image given its class.

    Source: Mirza and Osindero 2014 (https://arxiv.org/abs/1411.1784), with the projection of Miyato and Koyama 2018
    (https://arxiv.org/abs/1802.05637).
    Command: sparring train cgan, then sparring sample latest --class 7
    Measured: Frechet distance 0.060 (0.047 to 0.073) after 5,000 rounds, 75 s of one core, every class between 9.7 and 10.4 %.
    """
    return replace(
        flash(),
        source="https://arxiv.org/abs/1411.1784 with https://arxiv.org/abs/1802.05637, on the players of the recipe flash",
        z=Code(normal=64, classes=10),
        condition=Projection(),
        pictures=(ClassGrid(columns=10, every=Interval(rounds=100)),),
    )
