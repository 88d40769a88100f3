"""The simplest example: one normal distribution on the line."""

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval, Schedule
from sparring.data import Gaussian1d
from sparring.losses import NonSaturating
from sparring.networks import FirstLayer, Gaussian, GlorotUniform, MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Normal
from sparring.optim.adam import Adam
from sparring.optim.ema import EMA
from sparring.penalties import R1
from sparring.recipe import Recipe
from sparring.visual.snapshots import FixedGrid, Landscape


@register("recipe")
def gaussian() -> Recipe:
    """One normal distribution on the line, with plots of the densities and the optimal D; ten seconds of CPU time.

    Source: the example of Goodfellow et al. 2014 (https://arxiv.org/abs/1406.2661), figure 1; settings of our own.
    Command: sparring train gaussian
    Measured: mean 0.498 of 0.5, deviation 0.149 of 0.15 (one seed, 25,000 samples); 10 s of CPU.
    Details: the equilibrium is D(x) = 1/2 everywhere, and the picture `landscape` shows how near training has come.
    """
    return Recipe(
        source="the example of Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661, figure 1; settings of our own",
        data=Gaussian1d(),
        order="with-replacement",
        z=Normal(1),
        generator=MLPGeneratorConfig(widths=(32, 32), activation="leaky-relu", output="linear"),
        discriminator=MLPDiscriminatorConfig(
            widths=(64, 64),
            activation="leaky-relu",
            initial=FirstLayer(first=Gaussian(weight_std=2.0, bias_std=2.0), rest=GlorotUniform()),
        ),
        loss=NonSaturating(),
        penalties=(R1(gamma=0.1),),
        g_optim=Adam(lr=1e-3, beta1=0.0, beta2=0.99),
        d_optim=Adam(lr=3e-3, beta1=0.0, beta2=0.99),
        ramps=(Schedule(of="lr"), Schedule(of="gamma", images=250_000)),
        average=EMA(halflife_images=20_000.0),
        batch_size=256,
        length=Duration(rounds=3000),
        snapshot_mib=64,
        checkpoint=Interval(rounds=1000),
        review=None,
        pictures=(FixedGrid(rows=25, columns=40, every=Interval(rounds=200)), Landscape(every=Interval(rounds=200))),
    )
