"""Orders from outside while a run is trained: looking for new ones, and what holds a training up, pause and slow motion."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from sparring.errors import InputError, SparringError
from sparring.runs import orders
from sparring.runs.run import Run
from sparring.storage.files import open_to_read

PERIOD = 0.05  # seconds between two looks at the file
_MOST_BYTES = 1 << 20  # that are read at a time


class Inbox:
    """The new orders in a run's file. `newest`: the number of the last order before; `say` gets sentences for the user."""

    def __init__(self, run: Run, newest: int, say: Callable[[str], None]):
        self._path, self._say = run.path / orders.FILE, say
        orders.open_file(run.path, max(newest, orders.newest_in(run.path)))
        self._read = self._path.stat().st_size
        self._due = 0.0

    def close(self) -> None:
        """Take no more orders."""
        with suppress(SparringError):  # a file that stays does no harm: nobody trains the run
            orders.close_file(self._path.parent)

    def poll(self) -> list[dict[str, Any]]:
        """The orders that have come, with their numbers; the file is looked at when that was not done in the last 50 ms."""
        now = time.monotonic()
        if now < self._due:
            return []
        self._due = now + PERIOD
        try:
            if self._path.stat().st_size <= self._read:
                return []
            return [*self._new()]
        except (OSError, InputError):  # somebody has removed it
            return []

    def _new(self) -> Iterator[dict[str, Any]]:
        with open_to_read(self._path) as stream:
            stream.seek(self._read)
            data = stream.read(_MOST_BYTES)
        whole = data[: data.rfind(b"\n") + 1] or (data if len(data) == _MOST_BYTES else b"")
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                number, order = orders.parse_line(line)
            except InputError as error:
                self._say(f"{self._path} has a line that is no order, and nothing follows it: {error}")
            else:
                yield {"number": number} | order


class Tempo:
    """Pause and slow motion. They are of this session alone: a resumed run and a replay play on."""

    def __init__(self) -> None:
        self._pause_after: int | None = None  # a round
        self._seconds_per_round = 0.0

    def follow(self, order: Mapping[str, Any], round_: int) -> None:
        """Note an order that was given after this round."""
        match order["order"]:
            case "pause":
                self._pause_after = round_
            case "go":
                self._pause_after = None
            case "rounds":
                self._pause_after = round_ + order["rounds"]
            case "slow":
                self._seconds_per_round = order["ms"] / 1000

    def seconds_to_wait(self, round_: int, waited: float) -> float:
        """How long to wait before looking for orders again, after so many seconds since the end of this round; 0 to go on."""
        if self._pause_after is not None and round_ >= self._pause_after:
            return PERIOD
        return min(PERIOD, max(0.0, self._seconds_per_round - waited))
