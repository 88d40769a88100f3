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


def with_length(recipe: Recipe, **lengths: float | None) -> Recipe:
    """The recipe with the length that is given, if one is; InputError for two or for one that is not above 0."""
    given: dict[str, Any] = {name: number for name, number in lengths.items() if number is not None}
    return replace(recipe, length=Duration(**given)) if given else recipe
