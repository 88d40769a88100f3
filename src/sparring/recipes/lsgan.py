"""Least squares in the place of cross-entropy."""

from dataclasses import replace

from sparring.config.registry import register
from sparring.losses import LeastSquares
from sparring.recipe import Recipe
from sparring.recipes.flash import flash


@register("recipe")
def lsgan() -> Recipe:
    """LSGAN on the players of flash: D's outputs are pulled to 1 and 0, and those of G's images to 1.

    Source: Mao et al. 2017 (https://arxiv.org/abs/1611.04076), equations 2 and 9.
    Command: sparring train lsgan
    Measured: Frechet distance 0.33 (0.31 to 0.35; seed 0) after 5,000 rounds, 89 s of one core; smallest class 7.9 %.
    Details: the paper has neither penalty nor average; `--set penalties=[] --set average=null` takes them away.
    """
    return replace(
        flash(),
        source="https://arxiv.org/abs/1611.04076, on the players of the recipe flash",
        loss=LeastSquares(),
    )
