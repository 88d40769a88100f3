"""The complete recipe that a user's options stand for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sparring import recipes
from sparring.api.own import Parts
from sparring.config import codec
from sparring.config.schedules import Duration
from sparring.recipe import Recipe


def resolve(
    recipe: str | Recipe,
    settings: Mapping[str, str] | None = None,
    parts: Parts | str | None = None,
    **lengths: float | None,
) -> Recipe:
    """The recipe of this name, with other parts, with settings by dotted name, and of another length, where given.

    parts: a text is the name or the path of a data set.
    """
    resolved = recipes.get(recipe) if isinstance(recipe, str) else recipe
    if parts is not None:
        resolved = (Parts(data=parts) if isinstance(parts, str) else parts).put_into(resolved)
    return with_length(codec.override(resolved, settings or {}), **lengths)


def lost_ratio(recipe: str | Recipe, settings: Mapping[str, str]) -> str | None:
    """A sentence where one setting gives both players the same learning rate, and the recipe has different ones; else None."""
    recipe = recipes.get(recipe) if isinstance(recipe, str) else recipe
    before = recipe.g_optim.lr, recipe.d_optim.lr
    name = next((name for name in ("optim.lr", "lr") if name in settings), None)
    if name is None or before[0] == before[1] or {"g_optim.lr", "d_optim.lr"} & settings.keys():
        return None
    rates = f"{before[0]:g} for G and {before[1]:g} for D"
    return f"{name} sets both learning rates, where the recipe has {rates}; g_optim.lr and d_optim.lr set them one by one"


def with_length(recipe: Recipe, **lengths: float | None) -> Recipe:
    """The recipe with the length that is given, if one is; InputError for two or for one that is not above 0."""
    given: dict[str, Any] = {name: number for name, number in lengths.items() if number is not None}
    return replace(recipe, length=Duration(**given)) if given else recipe
