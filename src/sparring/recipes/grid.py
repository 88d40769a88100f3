"""Twenty-five modes on a grid: the ring's recipe in a wider plane."""

from dataclasses import replace

from sparring.config.registry import register
from sparring.data import Grid
from sparring.networks import MLPDiscriminatorConfig
from sparring.networks.latents import Mixture
from sparring.optim.adam import Adam
from sparring.optim.ema import EMA
from sparring.penalties import R1, R2
from sparring.recipe import Recipe
from sparring.recipes.ring import ring, wide_first


@register("recipe")
def grid() -> Recipe:
    """Twenty-five narrow modes on a grid, with the settings of ring in a plane five times as wide.

    Source: data and marks of Lin et al. 2018 (https://arxiv.org/abs/1712.04086), section 4.1; players and settings of our own.
    Command: sparring train grid
    Measured: three seeds, all with 25 of 25 modes: 94.4 to 95.7 % high quality, spread 0.55 to 1.50 sigma, smallest share 0.83
    (25,000 samples); 137 to 141 s of one core beside another training.
    Details: as in ring; lengths are five times as large, so gradients are a fifth and gamma has to be 25 times as large.
    G also has to learn a wider spread.
    """
    return replace(
        ring(),
        source="the grid of 25 of PacGAN, https://arxiv.org/abs/1712.04086, section 4.1; players and settings of our own",
        data=Grid(),
        z=Mixture(normal=2, components=200, std=0.3),
        discriminator=MLPDiscriminatorConfig(widths=(128, 128, 128), activation="leaky-relu", initial=wide_first(1.0, 5.0)),
        penalties=(R1(gamma=25.0, every=4), R2(gamma=25.0, every=4)),
        g_optim=Adam(lr=3e-3, beta1=0.0, beta2=0.99),
        d_optim=Adam(lr=8e-3, beta1=0.0, beta2=0.99),
        average=EMA(halflife_images=51_200.0),
    )
