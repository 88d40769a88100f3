"""Strict and bounded parsing of untrusted JSON, for all files."""

import json
import math
from collections.abc import Iterator
from typing import Any

from sparring.errors import InputError

LONGEST = 1 << 24  # bytes of a text
DEEPEST = 64  # levels of nested lists and objects
LARGEST = 10**300  # larger whole numbers do not fit a float
_SHOWN = 80  # characters of untrusted text in an error


def parse(text: str | bytes, where: str) -> Any:
    """The JSON value of a text; InputError, naming the place `where`, for anything but one valid value.

    Refused are texts that are not UTF-8 JSON, longer than 16 MiB or nested deeper than 64 levels, NaN and infinities, whole
    numbers beyond 1e300, objects with duplicate names, and strings with control characters or lone surrogates.
    """
    if len(text) > LONGEST:
        raise InputError(f"{where} is no JSON of ours: it is longer than {LONGEST >> 20} MiB")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        value = json.loads(decoded, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
        for item in _walk(value):
            if type(item) is not float:
                _check(item)
    except RecursionError:
        raise InputError(f"{where} is no JSON of ours: it is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, too many digits, and our own
        raise InputError(f"{where} is no valid JSON: {one_line(str(error))}") from None
    return value


def shown(value: Any) -> str:
    """A parsed JSON value for quotation in an error: on one line, in ASCII, shortened."""
    return one_line(json.dumps(value))


def one_line(text: str) -> str:
    """Untrusted text for quotation in an error: on one line, without terminal escapes, shortened."""
    text = " ".join(text[: 4 * _SHOWN].split())
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return plain if len(plain) <= 2 * _SHOWN else f"{plain[:_SHOWN]} ... {plain[-_SHOWN // 2 :]}"


def unfit_character(text: str) -> str | None:
    """The first control character or lone surrogate in a text, neither of which is allowed; None if there is none."""
    if text.isprintable():
        return None
    return next((c for c in text if (c < " " and c not in "\t\n\r") or "\x7f" <= c < "\xa0" or "\ud800" <= c < "\ue000"), None)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"it gives {twice!r} twice")
    return found


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


def _walk(value: Any) -> Iterator[Any]:
    """The value and everything nested in it, level by level."""
    level = [value]
    for _ in range(DEEPEST):
        yield from level
        inner = [item for item in level if isinstance(item, dict | list)]
        level = [part for item in inner for part in (item if isinstance(item, list) else (*item, *item.values()))]
        if not level:
            return
    if any(isinstance(item, dict | list) for item in level):
        raise RecursionError
    yield from level


def _check(item: Any) -> None:
    if isinstance(item, str) and (bad := unfit_character(item)) is not None:
        raise ValueError(f"a string holds the character U+{ord(bad):04X}")
    if type(item) is int and abs(item) > LARGEST:
        raise ValueError(f"a whole number has {len(str(abs(item)))} digits")
