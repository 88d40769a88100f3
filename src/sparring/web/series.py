"""A journal's numbers for charts: read once, then appended to, and kept small by envelopes.

Of every 64 journalled rounds the least and the greatest value of each number are kept, with the place of their lines in the
file; a closer look at a part of the run reads those lines again. A journal of a million lines takes a few MiB so.
"""

import json
import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sparring.errors import InputError
from sparring.storage.files import open_to_read

GROUP = 64  # rounds
AXES = ("round", "epoch", "images", "seconds")
MOST_NAMES = 64  # a damaged or a hostile journal has more
MOST_MARKS = 100_000
CHUNK = 1 << 22  # bytes read at a time
_ROUND = b'{"event": "round"'
_EPOCH = b'{"event": "epoch"'
_NONE = math.nan

Row = dict[str, Any]


class Envelope:
    """The least and the greatest value of one number in each group; NaN where a group has none."""

    def __init__(self, groups: int = 0):
        self.low, self.high = array("d", [_NONE] * groups), array("d", [_NONE] * groups)

    def add(self, values: list[Any]) -> None:
        found = values
        if not set(map(type, values)) <= {float, int} or not -1e300 < min(values) <= max(values) < 1e300:
            found = [value for value in values if is_number(value)]
        self.low.append(min(found, default=_NONE))
        self.high.append(max(found, default=_NONE))


class Series:
    """The rounds and the marks of one journal, as far as it has been read.

    `marks` are all events but rounds and epochs, each with the place that the journal gives it or that of the round before it.
    """

    def __init__(self) -> None:
        self.offset = 0  # bytes of the journal that have been read
        self.starts = array("q")  # the place of each group's first line
        self.envelopes: dict[str, Envelope] = {}
        self.marks: list[Row] = []
        self.waiting: list[bytes] = []  # the lines of the group that is not complete
        self.waiting_start = 0  # the place of its first line
        self.last = b""  # the line before `offset`, by which the journal is known again

    @property
    def num_rounds(self) -> int:
        """The number of journalled rounds that have been read."""
        return len(self.starts) * GROUP + len(self.waiting)

    def read_on(self, path: Path) -> bool:
        """Read what the journal has got since; False where it was cut, and has to be read anew by another Series."""
        with open_to_read(path) as stream:
            stream.seek(self.offset - len(self.last))
            if stream.read(len(self.last)) != self.last:
                return False
            while data := stream.read(CHUNK):
                end = data.rfind(b"\n") + 1
                if not end:
                    break
                self._take(data[:end])
                stream.seek(self.offset)
        return True

    def window(self, path: Path, axis: str, low: float, high: float, points: int) -> Row:
        """What a chart shows of low <= axis <= high: rounds where there are at most `points`, else that many envelopes.

        Returns `axes`, `low` and `high` by name, each a list with null where there is no number, `exact` and `rounds`, the
        number of rounds there are in all.
        """
        first, last = 0, len(self.starts)
        if last and axis in self.envelopes:
            first = bisect_left(self.envelopes[axis].high, low)
            last = max(first, bisect_right(self.envelopes[axis].low, high))
        if (last - first) * GROUP <= max(points, 2 * GROUP):
            rows = [row for row in self._rows(path, first, last) if low <= _number(row.get(axis)) <= high]
            return self._answer(rows_by_name(rows), None)
        return self._answer(*self._merged(first, last, points))

    def _take(self, data: bytes) -> None:
        for line in data.splitlines(keepends=True):
            if line.startswith(_ROUND):
                if not self.waiting:
                    self.waiting_start = self.offset
                self.waiting.append(line)
                if len(self.waiting) == GROUP:
                    self._close_group()
            elif not line.startswith(_EPOCH) and len(self.marks) < MOST_MARKS and (event := parsed(line)):
                self.marks.append(self._place() | event)
            self.offset += len(line)
            self.last = line

    def _place(self) -> Row:
        """Where the run is, for an event that does not say it."""
        event = parsed(self.waiting[-1]) if self.waiting else None
        if event is not None:
            return {name: event.get(name) for name in AXES}
        return {name: self.envelopes[name].high[-1] for name in AXES if name in self.envelopes}

    def _close_group(self) -> None:
        rows = _parsed_together(self.waiting)
        for name in dict.fromkeys(name for row in rows for name in row):
            if name not in self.envelopes and len(self.envelopes) < MOST_NAMES and name != "event":
                self.envelopes[name] = Envelope(len(self.starts))
        for name, envelope in self.envelopes.items():
            envelope.add([row.get(name) for row in rows])
        self.starts.append(self.waiting_start)
        self.waiting = []

    def _rows(self, path: Path, first: int, last: int) -> Iterator[Row]:
        """The rounds of these groups, and at the end those that wait for their group."""
        if first < last:
            end = self.starts[last] if last < len(self.starts) else self.waiting_start if self.waiting else self.offset
            with open_to_read(path) as stream:
                stream.seek(self.starts[first])
                data = stream.read(end - self.starts[first])
            yield from map(numbers_of, _parsed_together([line for line in data.splitlines() if line.startswith(_ROUND)]))
        if last == len(self.starts):
            yield from map(numbers_of, _parsed_together(self.waiting))

    def _merged(self, first: int, last: int, points: int) -> tuple[dict[str, list], dict[str, list]]:
        width = -(-(last - first) // points)
        spans = [(start, min(start + width, last)) for start in range(first, last, width)]
        lows = {name: [_least(e.low[a:b]) for a, b in spans] for name, e in self.envelopes.items()}
        highs = {name: [_greatest(e.high[a:b]) for a, b in spans] for name, e in self.envelopes.items()}
        if last == len(self.starts) and self.waiting:
            rest = rows_by_name([numbers_of(row) for row in _parsed_together(self.waiting)])
            for name in self.envelopes:
                lows[name].append(_least(rest.get(name, ())))
                highs[name].append(_greatest(rest.get(name, ())))
        return lows, highs

    def _answer(self, lows: dict[str, list], highs: dict[str, list] | None) -> Row:
        axes = {name: (lows if name == "round" or highs is None else highs).get(name, []) for name in AXES}
        numbers = [name for name in lows if name not in AXES]
        return {
            "axes": axes,
            "low": {name: lows[name] for name in numbers},
            "high": {name: (highs or lows)[name] for name in numbers} if highs else None,
            "exact": highs is None,
            "rounds": self.num_rounds,
        }


def rows_after(path: Path, offset: int) -> tuple[int, list[Row], list[Row]]:
    """The place that is reached after `offset`, and the rounds and marks of the complete lines to there, at most a chunk.

    Raises InputError where no line begins at `offset`, because the journal was cut.
    """
    with open_to_read(path) as stream:
        stream.seek(max(0, offset - 1))
        if offset and stream.read(1) != b"\n":
            raise InputError(f"{path} was cut")
        data = stream.read(CHUNK)
    data = data[: data.rfind(b"\n") + 1]
    events = [event for event in map(parsed, data.splitlines()) if event]
    rounds = [numbers_of(event) for event in events if event["event"] == "round"]
    return offset + len(data), rounds, [event for event in events if event["event"] not in ("round", "epoch")]


def rows_by_name(rows: list[Row]) -> dict[str, list]:
    """Lists by name, with None where a row lacks the number."""
    names = list(dict.fromkeys(name for row in rows for name in row))[:MOST_NAMES]
    return {name: [row.get(name) for row in rows] for name in names}


def numbers_of(row: Row) -> Row:
    """The finite numbers of an event by name."""
    return {name: value for name, value in row.items() if is_number(value)}


def is_number(value: Any) -> bool:
    """True for a finite number that a chart can show."""
    return isinstance(value, int | float) and type(value) is not bool and -1e300 < value < 1e300


def _number(value: Any) -> float:
    return value if is_number(value) else _NONE


def _least(values: Iterable[Any]) -> float | None:
    return min((value for value in values if value is not None and value == value), default=None)


def _greatest(values: Iterable[Any]) -> float | None:
    return max((value for value in values if value is not None and value == value), default=None)


def _parsed_together(lines: list[bytes]) -> list[Row]:
    """The events in these lines, quicker than one by one."""
    try:
        found = json.loads(b"[" + b",".join(lines) + b"]", parse_constant=lambda _: None)
        return [row for row in found if isinstance(row, dict)]
    except (ValueError, RecursionError):
        return [event for event in map(parsed, lines) if event]


def parsed(line: bytes) -> Row | None:
    """The event in a line; None where the line is damaged."""
    try:
        event = json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
