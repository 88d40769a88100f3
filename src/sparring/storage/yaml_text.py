"""JSON values as YAML in block style, for files that other programs read; any text in them stays a text."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

_WORD = re.compile(r"[a-z]+(?:[-_][a-z]+)*")  # what may stand without quotes, but for these:
_RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def yaml_text(value: dict[str, Any]) -> str:
    """The YAML of an object of JSON values, which YAML 1.1 and 1.2 read alike; one line an item, nested by two spaces."""
    return "".join(f"{line}\n" for line in _lines(value))


def _lines(value: dict[str, Any] | list[Any]) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _under(f"{_scalar(name)}:", item, indent="  " if isinstance(item, dict) else "")
    else:
        for item in value:
            nested = [*_lines(item)] if _is_nested(item) else [_scalar(item)]
            yield from (f"{'- ' if place == 0 else '  '}{line}" for place, line in enumerate(nested))


def _under(head: str, item: Any, indent: str) -> Iterator[str]:
    if not _is_nested(item):
        yield f"{head} {_scalar(item)}"
        return
    yield head
    yield from (indent + line for line in _lines(item))


def _is_nested(item: Any) -> bool:
    return isinstance(item, dict | list) and bool(item)


def _scalar(item: Any) -> str:
    if isinstance(item, str):
        return item if _WORD.fullmatch(item) and item not in _RESERVED else _quoted(item)
    if isinstance(item, float):
        return _number(item)
    return json.dumps(item)  # null, true, a whole number, [] and {}


def _quoted(text: str) -> str:
    """A text in double quotes, in which whatever is not printable is escaped."""
    return '"' + "".join(f"\\{c}" if c in '\\"' else c if c.isprintable() else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa + (".0" if e and "." not in mantissa else "") + e + exponent  # 1e-05 is a text in YAML 1.1
