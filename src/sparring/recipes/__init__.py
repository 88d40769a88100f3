"""Recipes: one function a file that returns a complete training run; the registered name is the function's."""

from dataclasses import replace

from sparring import registry
from sparring.recipe import Recipe
from sparring.recipes.dcgan import dcgan
from sparring.recipes.dropout_mlp import dropout_mlp
from sparring.recipes.paper import paper
from sparring.recipes.upsample import upsample
from sparring.recipes.vanilla import vanilla

__all__ = ["dcgan", "dropout_mlp", "get", "paper", "upsample", "vanilla"]


def get(name: str) -> Recipe:
    """The registered recipe of this name; InputError with the nearest names where there is none."""
    return replace(registry.find("recipe", name)(), name=name)
