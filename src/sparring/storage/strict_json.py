"""JSON that anybody may have written: read strictly and within bounds, in one place for every file."""

import json
import math
from collections.abc import Iterator
from typing import Any

from sparring.errors import InputError

LONGEST = 1 << 24  # bytes of a text
DEEPEST = 64  # lists and objects within each other
LARGEST = 10**300  # a whole number beyond it fits no float
_SHOWN = 80  # characters of somebody else's text in an error


def parse(text: str | bytes, where: str) -> Any:
    """The JSON value of a text; InputError, naming the place `where`, unless that is exactly one value that can be trusted.

    Refused are texts that are no JSON in UTF-8, longer than 16 MiB or nested deeper than 64 levels, NaN and infinities, whole
    numbers beyond 1e300, objects that give a name twice, and strings with control characters or halves of surrogate pairs.
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
    """A value that came out of JSON, as an error can quote it: on one line, in ASCII, and not too long."""
    return one_line(json.dumps(value))


def one_line(text: str) -> str:
    """Somebody else's text as an error can quote it: on one line, with nothing that a terminal would obey, and not too long."""
    text = " ".join(text[: 4 * _SHOWN].split())
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return plain if len(plain) <= 2 * _SHOWN else f"{plain[:_SHOWN]} ... {plain[-_SHOWN // 2 :]}"


def unfit_character(text: str) -> str | None:
    """The first control character or half of a surrogate pair, which no name or text of ours has; None in most texts."""
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
    """The value and all within it, one level after the other."""
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
