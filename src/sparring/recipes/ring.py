"""Eight narrow modes on a circle, the toy data set for mode dropping."""

from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval, Schedule
from sparring.data import Ring
from sparring.losses import NonSaturating
from sparring.networks import FirstLayer, Gaussian, MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.networks.latents import Mixture
from sparring.optim.adam import Adam
from sparring.optim.ema import EMA
from sparring.penalties import R1, R2
from sparring.recipe import MoveD, MoveG, Recipe, Round
from sparring.visual.snapshots import FixedGrid, Landscape


@register("recipe")
def ring() -> Recipe:
    """Eight narrow modes on a circle; the generator finds all, with nearly the right widths and shares.

    Source: data and marks of Lin et al. 2018 (https://arxiv.org/abs/1712.04086), section 4.1; players and settings of our own.
    Command: sparring train ring
    Measured: ten seeds, all with 8 of 8 modes: 97.9 to 99.1 % high quality, spread 0.75 to 1.11 sigma, smallest share 0.82 to
    0.93 (25,000 samples); 78 s of two cores.
    Details: z is a mixture, so that G can output separate modes; R1 and R2 guide G to all modes and then fade, because they
    blur sharp modes; D makes two moves a round with five times the lr of G, otherwise modes shrink to points.
    """
    return Recipe(
        source="the ring of 8 of PacGAN, https://arxiv.org/abs/1712.04086, section 4.1; players and settings of our own",
        data=Ring(),
        order="with-replacement",
        z=Mixture(normal=2, components=128, std=0.3),
        generator=MLPGeneratorConfig(
            widths=(64, 64, 64), activation="leaky-relu", output="linear", initial=wide_first(1.0, 1.0)
        ),
        discriminator=MLPDiscriminatorConfig(widths=(128, 128, 128), activation="leaky-relu", initial=wide_first(5.0, 5.0)),
        loss=NonSaturating(),
        penalties=(R1(gamma=1.0, every=4), R2(gamma=1.0, every=4)),
        round=Round(moves=(MoveD(), MoveD(), MoveG())),
        g_optim=Adam(lr=1e-3, beta1=0.0, beta2=0.99),
        d_optim=Adam(lr=5e-3, beta1=0.0, beta2=0.99),
        ramps=(
            Schedule(of="lr"),
            Schedule(of="gamma", end=0.001, images=1_500_000),
            Schedule(of="beta2", start=0.9, end=0.99, images=1_500_000),
        ),
        average=EMA(halflife_images=130_000.0),
        batch_size=512,
        length=Duration(rounds=12_000),
        snapshot_mib=64,
        checkpoint=Interval(rounds=1000),
        review=None,
        pictures=(FixedGrid(rows=25, columns=40, every=Interval(rounds=1000)), Landscape(every=Interval(rounds=1000))),
    )


def wide_first(weight_std: float, bias_std: float) -> FirstLayer:
    """Initial weights whose first layer spreads its kinks over the whole data range; the others after He et al. 2015.

    He et al. 2015, https://arxiv.org/abs/1502.01852, equation 10, for layers of width 128.
    """
    return FirstLayer(first=Gaussian(weight_std, bias_std), rest=Gaussian(weight_std=(2 / 128) ** 0.5))
