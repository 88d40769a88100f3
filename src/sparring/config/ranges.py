"""Ranges of settings as data: limits beside a field's type, as in `lr: Annotated[float, Range(above=0)] = 2e-4`.

A dataclass derived from `Ranged` refuses other values, in Python and out of JSON. A field whose type allows None may be None.
Rules across fields are code in its `__post_init__`, after `super().__post_init__()`.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass
from functools import cache
from math import inf
from typing import Any, ClassVar, get_args, get_type_hints

from sparring.errors import check

_TWO_SIDED = {  # are the ends included?
    (True, True): "in {:,}..{:,}",
    (True, False): "in [{:,}, {:,})",
    (False, True): "in ({:,}, {:,}]",
    (False, False): "between {:,} and {:,}",
}


@dataclass(frozen=True)
class Range:
    """The finite numbers from `least` to `most`, both included, and strictly between `above` and `below`."""

    least: float = -inf
    most: float = inf
    _: KW_ONLY
    above: float = -inf
    below: float = inf

    def __contains__(self, value: Any) -> bool:
        return self.least <= value <= self.most and self.above < value < self.below

    def __str__(self) -> str:
        low, high = self.ends
        if low > -inf and high < inf:
            return _TWO_SIDED[low in self, high in self].format(low, high)
        if low > -inf:
            return f"{'at least' if low in self else 'above'} {low:,}"
        return f"{'at most' if high in self else 'below'} {high:,}" if high < inf else "finite"

    @property
    def ends(self) -> tuple[float, float]:
        """The lower and the upper bound, infinite where there is none."""
        return max(self.least, self.above), min(self.most, self.below)

    def rule(self, value: Any) -> str:
        """The sentence's end about a value outside: "be above 0 and finite", "lie in [0, 1)"."""
        if -inf not in self.ends and inf not in self.ends:
            return f"lie {self}"
        return f"be {self}" + " and finite" * (isinstance(value, float) and self != Range())


@dataclass(frozen=True)
class Length:
    """The numbers of items that a tuple may have, from `least` to `most`."""

    least: int
    most: int


@dataclass(frozen=True)
class Limits:
    """All limits of one field; a tuple's `range` is that of each item."""

    range: Range | None
    length: Length | None
    optional: bool

    @classmethod
    def of(cls, kind: Any) -> "Limits":
        """The limits that stand anywhere in a field's type."""
        found = list(_annotations(kind))
        number = next((limit for limit in found if isinstance(limit, Range)), None)
        length = next((limit for limit in found if isinstance(limit, Length)), None)
        return cls(number, length, types.NoneType in get_args(kind))

    def __str__(self) -> str:
        if self.length is None:
            return f"{self.range}, or null" if self.optional else str(self.range)
        size = f"{self.length.least} to {self.length.most}" if self.length.least else f"at most {self.length.most}"
        return f"{size} numbers, each {self.range}" if self.range else f"{size} items"

    def check(self, name: str, value: Any) -> None:
        """InputError with name, value and rule, where the value lies outside."""
        if value is None and self.optional:
            return
        if isinstance(value, tuple | list):
            self._check_items(name, value)
        elif self.range and value not in self.range:
            rule = self.range.rule(value)
            check(False, name, value, f"{rule}, or be null" if self.optional else rule)

    def _check_items(self, name: str, items: Sequence) -> None:
        things = "numbers" if self.range else "items"
        least, most = (self.length.least, self.length.most) if self.length else (0, inf)
        check(len(items) <= most, name, f"a list of {len(items):,}", f"have at most {most} {things}")
        good = len(items) >= least and (self.range is None or all(item in self.range for item in items))
        count = {0: "", 1: "one or more "}.get(least, f"{least} or more ")
        rule = f"be {count}{things}" + (f", each {self.range}" if self.range else "")
        check(good, name, list(items), rule)


def _annotations(kind: Any) -> Iterator[Any]:
    yield from getattr(kind, "__metadata__", ())
    for inner in get_args(kind):
        yield from _annotations(inner)


@cache
def types_of(cls: type) -> Mapping[str, Any]:
    """The types of a dataclass' fields by name, with what they are annotated with."""
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in fields(cls)}


@cache
def limits_of(cls: type) -> Mapping[str, Limits]:
    """The limits of those fields of a dataclass that have any; a field without its own keeps those of a base class."""
    found = {}
    for base in filter(is_dataclass, reversed(cls.__mro__)):
        limits = {name: Limits.of(kind) for name, kind in types_of(base).items()}
        found |= {name: some for name, some in limits.items() if some.range or some.length}
    return found


class Ranged:
    """Base of settings whose fields keep to their ranges; `prefix` precedes a field's name in errors, as "optim." does."""

    prefix: ClassVar[str] = ""

    def __init_subclass__(cls, prefix: str | None = None, **others: Any) -> None:
        super().__init_subclass__(**others)
        if prefix is not None:
            cls.prefix = prefix

    def __post_init__(self) -> None:
        for name, limits in limits_of(type(self)).items():
            limits.check(self.prefix + name, getattr(self, name))


def describe(settings: Any, path: str = "") -> dict[str, str]:
    """The limits of settings and of all that they hold, in words, by dotted names."""
    words = {}
    for name, value in _parts(settings):
        limits = limits_of(type(settings)).get(name) if isinstance(settings, Ranged) else None
        words |= {path + name: str(limits)} if limits else {}
        words |= describe(value, f"{path}{name}.")
    return words


def _parts(settings: Any) -> list[tuple[str, Any]]:
    if isinstance(settings, tuple):
        return [(str(index), item) for index, item in enumerate(settings)]
    return [(f.name, getattr(settings, f.name)) for f in fields(settings)] if is_dataclass(settings) else []
