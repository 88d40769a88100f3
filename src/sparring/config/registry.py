"""Registry of parts by kind and name: JSON stores the names, and this module alone translates them to code.

A part is a frozen dataclass (a loss, a network's configuration, a data set ...) or a recipe function. Its name is its Python
name in kebab case, so `NonSaturating` is "non-saturating" and `dropout_mlp` is "dropout-mlp".
"""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sparring.errors import InputError

T = TypeVar("T")

LONGEST_NAME = 100  # characters used for suggestions and errors; comparing longer names is slow

_parts: dict[str, dict[str, Any]] = {}
_unlisted: set[tuple[str, str]] = set()


def kebab(name: str) -> str:
    """`NonSaturating`, `non_saturating` -> `non-saturating`; `MLPGenerator` -> `mlp-generator`; `Toy2d` -> `toy-2d`."""
    name = re.sub(r"(?<=[a-z])(\d+)[dD](?![a-z])", r"-\1d", name)  # a number of dimensions is a word
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return words.replace("_", "-").lower()


def register(kind: str, *, listed: bool = True) -> Callable[[T], T]:
    """Decorator that registers a part of this kind under its own name.

    kind: "recipe", "data", "loss", "generator", "discriminator", "penalty" or another kind of part. listed: False for a part
    that is in no list of choices, since it stands for others: for an object of the user's, or for what `auto` will choose.
    Raises ValueError if a part of another module already has the name.
    """

    def add(part: T) -> T:
        name = name_of(part)
        known = _parts.setdefault(kind, {})
        if name in known and known[name].__module__ != part.__module__:
            raise ValueError(f"{kind} {name!r} is already registered by {known[name].__module__}")
        known[name] = part
        if not listed:
            _unlisted.add((kind, name))
        return part

    return add


def import_all(package: str, path: Iterable[str]) -> None:
    """Import every module of a package, so that a part in a new file is registered without further changes."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{module.name}")


def name_of(part: Any) -> str:
    """The registered name of a part, its class, or a recipe function."""
    named = part if hasattr(part, "__name__") else type(part)
    return kebab(named.__name__.removesuffix("Config"))


def forget(module: str) -> None:
    """Unregister all parts of a module, so that a newer version of its file can replace them."""
    for known in _parts.values():
        for name in [name for name, part in known.items() if part.__module__ == module]:
            del known[name]


def is_registered(part: Any) -> bool:
    """True if the class of this value is a registered part."""
    return any(type(part) in known.values() for known in _parts.values())


def names(kind: str) -> list[str]:
    """The names of all registered parts of a kind that can be chosen, sorted."""
    return sorted(name for name in _parts.get(kind, {}) if (kind, name) not in _unlisted)


class UnknownPartError(InputError):
    """No part of this name is registered; it may be one of the user's own."""


def find(kind: str, name: str) -> Any:
    """The part registered as `name`; UnknownPartError with the nearest names if there is none."""
    try:
        return _parts[kind][name]
    except KeyError:
        raise UnknownPartError(f"unknown {kind} {name[:LONGEST_NAME]!r}; {suggest(name, names(kind))}") from None


def suggest(name: str, choices: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest names, or all of them."""
    choices = list(choices)
    near = difflib.get_close_matches(name[:LONGEST_NAME], choices, n=3, cutoff=0.5)
    if near:
        return "did you mean " + " or ".join(repr(n) for n in near) + "?"
    return "the choices are " + ", ".join(choices)
