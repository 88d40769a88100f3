"""A line that says who plays, and about how long the rest takes."""

import sys
import time
from collections.abc import Mapping

PATIENCE = 15.0  # seconds between two lines where they stay, as in a file


class Progress:
    """To the error stream: in a terminal one line that is written over, else a new line every so often."""

    def __init__(self, expected: Mapping[str, float]):
        """`expected`: seconds of each recipe, in the order in which they are played; its own turns correct them."""
        self._to_come = dict(expected)
        self._recipe, self._expected, self._began, self._said = "", 0.0, 0.0, -PATIENCE

    def begin(self, recipe: str) -> None:
        """This recipe's entrants are about to start."""
        self._recipe, self._expected = recipe, self._to_come.pop(recipe)
        self._say("entrants start", self._expected)

    def turn(self, name: str, played: int, turns: int) -> None:
        """This entrant's turn begins; so many of all turns of the recipe have been played."""
        if not played:
            self._began = time.monotonic()
        a_turn = (time.monotonic() - self._began) / played if played else self._expected / turns
        self._say(f"turn {played + 1} of {turns}: {name}", a_turn * (turns - played))

    def clear(self) -> None:
        """Make room for something else on the terminal."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _say(self, doing: str, seconds_left: float) -> None:
        line = f"{self._recipe}: {doing}; about {duration(seconds_left + sum(self._to_come.values()))} left"
        if sys.stderr.isatty():
            print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self._said >= PATIENCE:
            print(line, file=sys.stderr, flush=True)
            self._said = time.monotonic()


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
