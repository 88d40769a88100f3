"""Recipes: one function per file that returns the settings of a complete run; the function's name is registered."""

import importlib.util
import inspect
import re
import sys
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from types import ModuleType
from typing import Any

from sparring.config import codec, ranges, registry
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
    """The registered recipe of this name; InputError with the nearest names if there is none."""
    return replace(registry.find("recipe", name)(), name=name)


def names() -> list[str]:
    """The names of all registered recipes, sorted."""
    return registry.names("recipe")


def describe(name: str) -> dict[str, Any]:
    """The description of a recipe: name, summary, source, measured result, documentation, and all settings as JSON.

    "ranges" holds the limits in words, by the dotted names of the settings that have any.
    """
    function = registry.find("recipe", name)
    documentation = inspect.getdoc(function) or ""
    resolved = get(name)
    return {
        "name": name,
        "summary": documentation.partition("\n")[0],
        "source": resolved.source,
        "measured": _paragraph(documentation, "Measured"),
        "documentation": documentation,
        "settings": codec.encode(resolved),
        "ranges": ranges.describe(resolved),
    }


def _paragraph(documentation: str, label: str) -> str:
    """The text after `Label:` in a docstring, up to the next label; empty if there is none."""
    found = re.search(rf"^{label}: (.*?)(?=^\w[\w ]*:|\Z)", documentation, re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""


def execute(path: str) -> ModuleType:
    """Run a user's Python file, once for each version of it, so that its parts are registered; InputError if it fails."""
    file = Path(path).absolute()
    if not file.is_file():
        raise InputError(f"there is no file {path}")
    name = f"{file.stem}_{blake2b(str(file).encode() + file.read_bytes(), digest_size=4).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    for older in [m.__name__ for m in list(sys.modules.values()) if getattr(m, "__file__", None) == str(file)]:
        registry.forget(older)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is not a Python file")
    sys.path.insert(0, str(file.parent))  # so that the file can import its neighbours
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise InputError(f"{path} fails: {type(error).__name__}: {error}") from error
    return module


def from_file(path: str) -> str:
    """Run a user's Python file and return the name of the recipe that it registers; InputError for none or several."""
    module = execute(path).__name__
    found = [name for name in names() if registry.find("recipe", name).__module__ == module]
    if len(found) != 1:
        listed = ", ".join(found) or "none"
        raise InputError(f"{path} must register exactly one recipe with @register('recipe'); it registers {listed}")
    return found[0]


registry.import_all(__name__, __path__)
