"""Recipes: one function a file that returns a complete training run; the registered name is the function's."""

import inspect
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring import codec, registry
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.recipes.dcgan import dcgan
from sparring.recipes.dropout_mlp import dropout_mlp
from sparring.recipes.paper import paper
from sparring.recipes.quick import quick
from sparring.recipes.upsample import upsample
from sparring.recipes.vanilla import vanilla

__all__ = ["dcgan", "describe", "dropout_mlp", "from_file", "get", "names", "paper", "quick", "upsample", "vanilla"]


def get(name: str) -> Recipe:
    """The registered recipe of this name; InputError with the nearest names where there is none."""
    return replace(registry.find("recipe", name)(), name=name)


def names() -> list[str]:
    """All registered recipes, sorted."""
    return registry.names("recipe")


def describe(name: str) -> dict[str, Any]:
    """A recipe for people and programs: name, summary, source, documentation, and all settings as JSON values."""
    function = registry.find("recipe", name)
    documentation = inspect.getdoc(function) or ""
    resolved = get(name)
    return {
        "name": name,
        "summary": documentation.partition("\n")[0],
        "source": resolved.source,
        "documentation": documentation,
        "settings": codec.encode(resolved),
    }


def from_file(path: str) -> str:
    """Run a user's Python file and return the name of the recipe that it registers.

    InputError where the file is missing, fails, or registers no recipe or several.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    before = set(names())
    try:
        sys.path.insert(0, str(Path(path).parent))  # so that the file may import its neighbours
        runpy.run_path(path, run_name=Path(path).stem)
    except Exception as error:
        raise InputError(f"{path} fails: {type(error).__name__}: {error}") from error
    added = sorted(set(names()) - before)
    if len(added) != 1:
        found = ", ".join(added) or "none"
        raise InputError(f"{path} must register exactly one recipe with @register('recipe'); it registers {found}")
    return added[0]


registry.import_all(__name__, __path__)
