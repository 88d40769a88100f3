"""A GAN conditioned on clusters that it finds by itself."""

from dataclasses import replace

from sparring.conditions import SelfConditioned
from sparring.config.registry import register
from sparring.recipe import Recipe
from sparring.recipes.flash import flash


@register("recipe")
def selfcond() -> Recipe:
    """A GAN conditioned on clusters of the training images, with the networks of flash: the gain of classes without labels.

    Source: Liu et al. 2020 (https://arxiv.org/abs/2006.10728), with clusters of principal components in place of D's features.
    Command: sparring train selfcond
    """
    return replace(
        flash(),
        source="https://arxiv.org/abs/2006.10728, with clusters of principal components, on the players of the recipe flash",
        condition=SelfConditioned(),
    )
