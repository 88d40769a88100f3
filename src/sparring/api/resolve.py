"""The complete recipe that a user's options stand for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sparring import data, recipes
from sparring.config import codec
from sparring.config.schedules import Duration
from sparring.recipe import Recipe


def resolve(
    recipe: str | Recipe,
    settings: Mapping[str, str] | None = None,
    data_name: str | None = None,
    **lengths: float | None,
) -> Recipe:
    """The recipe of this name, on another data set, with settings by dotted name, and of another length, where given."""
    resolved = recipes.get(recipe) if isinstance(recipe, str) else recipe
    if data_name is not None:
        resolved = replace(resolved, data=data.resolve(data_name, resolved.data))
    return with_length(codec.override(resolved, settings or {}), **lengths)


def with_length(recipe: Recipe, **lengths: float | None) -> Recipe:
    """The recipe with the length that is given, if one is; InputError for two or for one that is not above 0."""
    given: dict[str, Any] = {name: number for name, number in lengths.items() if number is not None}
    return replace(recipe, length=Duration(**given)) if given else recipe
