"""The arguments of the functions that users call, in the forms that Python people write them; InputError for anything else."""

import json
import operator
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from sparring.config.threads import MOST_THREADS
from sparring.errors import InputError, check


def whole(name: str, value: Any, least: int) -> int:
    """A whole number of at least `least`, of any type that can be an index."""
    try:
        number = operator.index(value) if not isinstance(value, bool) else None
    except TypeError:
        number = None
    if number is None or number < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")
    return number


def threads(value: Any) -> int | None:
    """A number of threads, or None."""
    number = None if value is None else whole("threads", value, 1)
    check(number is None or number <= MOST_THREADS, "threads", number, f"be at most {MOST_THREADS:,}")
    return number


def lengths(**given: Any) -> dict[str, float | None]:
    """The lengths of a training that are given: whole numbers, of `minutes` any number."""
    for name, value in given.items():
        kinds, words = ((int, float), "a number") if name == "minutes" else ((int,), "a whole number")
        good = value is None or (isinstance(value, kinds) and not isinstance(value, bool))
        check(good, name, repr(value), f"be {words}")
    return given


def choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """InputError unless the value is one of the choices."""
    check(value in choices, name, repr(value), f"be one of {', '.join(choices)}")


def seconds(name: str, value: Any) -> None:
    """InputError unless the value is a number of seconds."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    check(good, name, repr(value), "be a number of seconds above 0")


def path(name: str, value: Any) -> Path | None:
    """The path, if one is given."""
    check(value is None or isinstance(value, str | os.PathLike), name, repr(value), "be a path")
    return None if value is None else Path(value)


def text(name: str, value: Any) -> str | None:
    """The text, if one is given."""
    check(value is None or isinstance(value, str), name, repr(value), "be a text")
    return value


def device_name(value: Any) -> str:
    """The name of a device that is given as a text or as PyTorch's own."""
    check(isinstance(value, str | torch.device), "device", repr(value), "be a text or a torch.device")
    return str(value)


def texts(settings: Any) -> dict[str, str]:
    """Settings by dotted name, with the values as texts, as the command line has them."""
    check(settings is None or isinstance(settings, Mapping), "settings", repr(settings), 'be like {"optim.lr": 1e-4}')
    return {_name(name): _text(name, value) for name, value in (settings or {}).items()}


def _name(name: Any) -> str:
    check(isinstance(name, str), "settings", f"given for {name!r}", 'have texts as names, such as "optim.lr"')
    return name


def _text(name: str, value: Any) -> str:
    if isinstance(value, str | Path):
        return str(value)
    plain = value.item() if hasattr(value, "item") else value  # a number of NumPy's or PyTorch's
    try:
        return json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError):
        rule = "be a text, a finite number, true or false, None, or a list or dict of such"
        raise InputError(f"settings: {name} is {value!r}; it must {rule}") from None
