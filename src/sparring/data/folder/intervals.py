"""Measured quantities as classes: intervals that hold about as many pictures each, `0.2..0.35`."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

MOST = 8  # intervals of a quantity
_TO = ".."


def divided(texts: Sequence[str], most: int = MOST) -> list[str] | None:
    """The interval of each of these numbers, of at most so many; None where they are no quantity, or fill fewer than two.

    An interval holds its lower end, and the last one its upper end as well. Whole numbers that are all different count the
    pictures and measure nothing. A comma may stand for the point.
    """
    numbers = [_number(text) for text in texts]
    known = sorted(number for number in numbers if number is not None)
    if len(known) < len(texts) or (len(set(known)) == len(known) and all(number.is_integer() for number in known)):
        return None
    places = (place * len(known) // most for place in range(most))
    edges = sorted({float(f"{known[place]:g}") for place in (*places, -1)})
    if len(edges) < 3:
        return None
    inner = edges[1:-1]
    names = [f"{low:g}{_TO}{high:g}" for low, high in pairwise(edges)]
    return [names[bisect_right(inner, number)] for number in numbers if number is not None]


def ends(interval: str) -> tuple[float, float] | None:
    """The ends of an interval, or None for another text."""
    low, _, high = interval.partition(_TO)
    found = _number(low), _number(high)
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def holding(text: str, intervals: Sequence[str]) -> str | None:
    """The one of these intervals that holds a number; None where there is none, or the text is no number."""
    number, known = _number(text), {interval: both for interval in intervals if (both := ends(interval))}
    if number is None or not known:
        return None
    highest = max(high for _, high in known.values())
    inside = (name for name, (low, high) in known.items() if low <= number < high or number == high == highest)
    return next(inside, None)


def _number(text: str) -> float | None:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
