"""A discriminator that sees several images at once."""

from dataclasses import replace

from sparring.config.registry import register
from sparring.recipe import Recipe
from sparring.recipes.flash import flash


@register("recipe")
def pacgan() -> Recipe:
    """PacGAN2 on the players of flash: D judges two images of one kind together, so that it notices when they are alike.

    Source: Lin et al. 2018 (https://arxiv.org/abs/1712.04086), section 2.
    Command: sparring train pacgan
    Measured: Frechet distance 0.39 (0.37 to 0.41; seed 0) after 5,000 rounds, 24 ms of one core each; classes 8.0 to 11.4 %.
    Details: a batch of 64 is 32 pairs, so that each move has as many verdicts as in flash.
    """
    return replace(
        flash(),
        source="https://arxiv.org/abs/1712.04086, on the players of the recipe flash",
        packing=2,
        batch_size=64,
    )
