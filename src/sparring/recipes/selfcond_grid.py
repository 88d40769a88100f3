"""The grid of twenty-five modes, conditioned on clusters of its points."""

from dataclasses import replace

from sparring.conditions import SelfConditioned
from sparring.config.registry import register
from sparring.config.schedules import Duration, Interval, Schedule
from sparring.networks.latents import Mixture
from sparring.optim.ema import EMA
from sparring.penalties import R1, R2
from sparring.recipe import Recipe
from sparring.recipes.grid import grid
from sparring.visual.snapshots import FixedGrid, Landscape


@register("recipe")
def selfcond_grid() -> Recipe:
    """The grid on clusters found without labels: all modes with nearly the right widths, in an eighth of the rounds.

    Source: Liu et al. 2020 (https://arxiv.org/abs/2006.10728), on the players of the recipe grid; settings of our own.
    Command: sparring train selfcond-grid
    Measured: ten seeds, all with 25 of 25 modes: 97.4 to 99.4 % high quality, spread 0.77 to 1.19 sigma, smallest share 0.87 to
    0.94 (25,000 samples); 31 s of one core. docs/selfcond.md has the experiments.
    Details: every cluster is a part of a mode. z has 16 narrow normal variables, so that such a part begins as a small round
    cloud; with two it becomes a line with long tails. Clusters lead G to all modes, so gamma is a hundredth of grid's.
    Learning rates stay at 0.06 of the first ones, and a long average takes out the noise that they leave in G.
    """
    every = Interval(rounds=400)
    return replace(
        grid(),
        source="https://arxiv.org/abs/2006.10728, with clusters found once, on the players of the recipe grid",
        condition=SelfConditioned(clusters=150),
        z=Mixture(normal=16, components=150, std=0.006),
        penalties=(R1(gamma=0.25, every=4), R2(gamma=0.25, every=4)),
        ramps=(
            Schedule(of="lr", end=0.06, images=600_000),
            Schedule(of="gamma", end=0.004, images=500_000),
            Schedule(of="beta2", start=0.9, end=0.99, images=1_500_000),
        ),
        average=EMA(halflife_images=1_000_000.0, rampup=0.25),
        length=Duration(rounds=1600),
        checkpoint=every,
        pictures=(FixedGrid(rows=25, columns=40, every=every), Landscape(every=every)),
    )
