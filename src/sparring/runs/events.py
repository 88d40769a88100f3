"""Schema of journal events: the required fields of each kind, and the valid values of each field."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sparring.errors import InputError
from sparring.storage import strict_json

Rule = tuple[Callable[[Any], bool], str]  # a predicate, and its description for errors


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_word(value: Any) -> bool:
    return isinstance(value, str)


def _is_inside(value: Any) -> bool:
    """True for the relative name of a file within the run."""
    plain = isinstance(value, str) and len(value) <= 250 and re.fullmatch(r"[\w.-]+(/[\w.-]+)*", value)
    return bool(plain) and ".." not in str(value).split("/")


_COUNT: Rule = (_is_count, "a whole number of at least 0")
_TIME: Rule = (lambda value: _is_number(value) and value >= 0, "a number of at least 0")
_NUMBER: Rule = (_is_number, "a number")
_NUMBER_OR_NULL: Rule = (lambda value: value is None or _is_number(value), "a number or null")
_WORD: Rule = (_is_word, "a word")
_FILE: Rule = (_is_inside, "the name of a file in the run")
_PLAIN: Rule = (lambda value: value is None or isinstance(value, str | bool) or _is_number(value), "a plain value")

PLACE = ("round", "epoch", "images", "seconds")
NEEDED: Mapping[str, tuple[str, ...]] = {
    "round": (*PLACE, "g_loss", "d_loss", "d_real", "d_fake"),
    "epoch": PLACE,
    "sample": (*PLACE, "file"),
    "checkup": PLACE,
    "score": (*PLACE, "headline", "floor"),
    "non-finite": (*PLACE, "remedy"),
    "end": ("round", "ending", "seconds"),
}
"""The required fields of each kind of event; other kinds need none."""

_BY_NAME: Mapping[str, Rule] = {
    **dict.fromkeys(("round", "epoch", "images"), _COUNT),
    "seconds": _TIME,
    "file": _FILE,
    **dict.fromkeys(("ending", "reason", "headline", "extractor", "cause", "text", "advice", "time"), _WORD),
    "remedy": (lambda value: value in ("stop", "skip", "roll-back"), "stop, skip or roll-back"),
    **dict.fromkeys(("d_real", "d_fake", "floor"), _NUMBER_OR_NULL),
    **dict.fromkeys(("d_accuracy_real", "d_accuracy_fake", "g_accuracy"), _NUMBER_OR_NULL),
    "event": _WORD,
    "quick": _PLAIN,
}
_OF_NUMBERS = ("round", "epoch", "checkup", "score")  # all their other fields are numbers
_PAIRS = (  # the first field requires the second
    ("g_gradient", "d_gradient"),
    ("largest_class_excess", "largest_class"),
    ("d_real_train", "d_real_held_out"),
)


def check(event: Any, where: str) -> dict[str, Any]:
    """The event, if it is valid; else InputError, naming the place `where` and the field at fault."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise InputError(f"{where} is no event of a journal; the file was damaged")
    kind = event["event"]
    for name in NEEDED.get(kind, ()):
        if name not in event:
            raise InputError(f"{where}: the event {kind!r} lacks {name}; the file was damaged")
    for first, second in _PAIRS:
        if first in event and second not in event:
            raise InputError(f"{where}: the event {strict_json.shown(kind)} has {first}, but no {second}; the file was damaged")
    if kind == "score" and not (isinstance(event["headline"], str) and _is_number(event.get(event["headline"]))):
        raise InputError(f"{where}: the event 'score' has no number for its headline; the file was damaged")
    other = _NUMBER if kind in _OF_NUMBERS else _PLAIN
    for name, value in event.items():
        if type(value) is float and name not in _BY_NAME:  # the common case
            continue
        is_good, wanted = _BY_NAME.get(name, other)
        if not is_good(value):
            raise InputError(f"{where}: {strict_json.one_line(name)} is {strict_json.shown(value)}; it must be {wanted}")
    return event
