"""How many threads shorten the rounds of a recipe."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from sparring.config.threads import MOST_THREADS
from sparring.networks import MLPDiscriminatorConfig, MLPGeneratorConfig
from sparring.recipe import Recipe

SMALL = 1 << 22  # multiplications of a layer and a batch, below which a second thread saves less than a tenth of a round


def threads_that_gain(recipe: Recipe, shape: Sequence[int]) -> int:
    """1 for perceptrons whose largest product is small, as those of `gaussian` are, and `MOST_THREADS` for all other networks.

    In a small product threads wait for each other as long as they compute. shape: of an example.
    """
    g, d, num = recipe.generator, recipe.discriminator, prod(shape)
    if not (isinstance(g, MLPGeneratorConfig) and isinstance(d, MLPDiscriminatorConfig)):
        return MOST_THREADS
    layers = *pairwise((recipe.z.num, *g.widths, num)), *pairwise((num * recipe.packing, *d.widths, 1))
    return 1 if recipe.batch_size * max(map(prod, layers)) < SMALL else MOST_THREADS
