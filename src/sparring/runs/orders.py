"""Orders to a run that is being trained: their kinds, and the file in the run's folder through which they come.

orders.jsonl holds one line an order, `{"number": 3, "order": "slow", "ms": 200}`. The trainer makes the file, readable and
writable for its own user alone, and removes it at its end; a run that cannot be steered has none. Its first line holds the
number of the last order before.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from sparring.config import codec
from sparring.config.ranges import Range, Ranged
from sparring.config.registry import suggest
from sparring.errors import InputError
from sparring.storage import locks, strict_json
from sparring.storage.files import append, open_to_read, remove, write_private

FILE = "orders.jsonl"
LONGEST = 1 << 10  # bytes of a line
_MOST_BYTES = 1 << 24  # of the file

_Rounds = Annotated[int, Range(1, 10**12)]
_Moves = Annotated[int, Range(1, 100)]
Factor = Literal["g_lr", "d_lr", "gamma", "strength"]


@dataclass(frozen=True)
class _Order(Ranged, prefix="order."):
    """What all orders have in common: nothing but that their numbers keep to ranges."""


@dataclass(frozen=True)
class Pause(_Order):
    """Wait, after the round that is being played, for `go` or `rounds`."""


@dataclass(frozen=True)
class Go(_Order):
    """Go on after a pause, without one to come."""


@dataclass(frozen=True)
class Rounds(_Order):
    """Play so many rounds, then pause."""

    rounds: _Rounds


@dataclass(frozen=True)
class Slow(_Order):
    """Slow motion: wait so many milliseconds after every round; 0 ends it."""

    ms: Annotated[float, Range(0, 60_000)]


@dataclass(frozen=True)
class Only(_Order):
    """For so many rounds only this side steps: the other's steps are left out, while images and schedules go on."""

    side: Literal["g", "d"]
    rounds: _Rounds


@dataclass(frozen=True)
class SetFactor(_Order):
    """A factor on what the schedules say of a side's learning rate, the penalties' gamma or the augmentation's strength, which
    takes at most 1; until it is released."""

    of: Factor
    value: Annotated[float, Range(0, 1e6)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.of == "strength" and self.value > 1:
            raise InputError(f"order.value is {self.value}; it must lie in 0..1 for strength")


@dataclass(frozen=True)
class Release(_Order):
    """Back to what the schedules say of this, or of the recipe's own moves."""

    of: Literal["g_lr", "d_lr", "gamma", "strength", "moves"]


@dataclass(frozen=True)
class Moves(_Order):
    """So many moves of either side in a round, until they are released."""

    g: _Moves
    d: _Moves


@dataclass(frozen=True)
class Picture(_Order):
    """Draw the recipe's pictures now."""


@dataclass(frozen=True)
class Score(_Order):
    """Take a quick score now."""


@dataclass(frozen=True)
class SaveCheckpoint(_Order):
    """Save a checkpoint now; it counts among the recipe's `keep_checkpoints`."""


@dataclass(frozen=True)
class Stop(_Order):
    """Save the run and end; `sparring resume` goes on."""


@dataclass(frozen=True)
class Extend(_Order):
    """Another length of the whole run, as `sparring resume --rounds` takes it: in exactly one of the three units."""

    rounds: _Rounds | None = None
    epochs: _Rounds | None = None
    images: _Rounds | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if len([f for f in fields(self) if getattr(self, f.name) is not None]) != 1:
            raise InputError("an order to extend a run needs exactly one of rounds, epochs and images: its new length")


KINDS: Mapping[str, type[_Order]] = {
    "pause": Pause,
    "go": Go,
    "rounds": Rounds,
    "slow": Slow,
    "only": Only,
    "factor": SetFactor,
    "release": Release,
    "moves": Moves,
    "picture": Picture,
    "score": Score,
    "checkpoint": SaveCheckpoint,
    "stop": Stop,
    "extend": Extend,
}
"""All orders by name."""


def checked(order: Any) -> dict[str, Any]:
    """An order as the file and the journal hold it, `{"order": "factor", "of": "g_lr", "value": 0.5}`.

    Raises InputError for what is no order, lacks a field or has another one, and for a value out of its range.
    """
    try:
        given = strict_json.parse(json.dumps(order), "an order")
    except (TypeError, ValueError, RecursionError) as error:
        raise error if isinstance(error, InputError) else InputError(f"an order is no JSON: {error}") from None
    if not isinstance(given, dict) or not isinstance(given.get("order"), str):
        raise InputError('an order is a JSON object with its name, such as {"order": "pause"}')
    name = given.pop("order")
    if name not in KINDS:
        raise InputError(f"there is no order {strict_json.shown(name)}; {suggest(name, list(KINDS))}")
    found = codec.encode(codec.decode(KINDS[name], given, "order"))
    return {"order": name} | {field: value for field, value in found.items() if value is not None}


def send(run: Path, order: Mapping[str, Any]) -> int:
    """Send an order to the process that trains a run; returns the order's number.

    It acts after a round that ends at most 100 ms later, and the journal then has an event `steer` with its number. Several
    processes may send at once. Raises InputError for an order that is none, and where nothing that could be steered is trained.
    """
    line, path = checked(order), run / FILE
    if not (run / "recipe.json").is_file():
        raise InputError(f"{run} is no run: it has no recipe.json")
    if not locks.is_trained(run):
        raise InputError(f"{run} is not being trained, so nothing follows an order; `sparring resume {run}` goes on")
    with locks.orders_lock(run):
        try:
            with open_to_read(path) as stream:
                data = stream.read(_MOST_BYTES)
        except InputError:
            if path.exists():
                raise InputError(f"{run} takes orders from the user alone who trains it") from None
            raise InputError(f"{run} takes no orders, as with --no-steer, in a replay and in several processes") from None
        if len(data) == _MOST_BYTES:
            raise InputError(f"{path} is full; stop the run and resume it, which empties the file")
        number = _newest(data) + 1
        mended = b"" if data.endswith(b"\n") else b"\n"  # a sender was killed in the middle of a line
        append(path, mended + json.dumps({"number": number} | line).encode() + b"\n", create=False)
    return number


def open_file(run: Path, newest: int) -> None:
    """Make the empty file of a run, whose last order before had the number `newest`."""
    write_private(run / FILE, json.dumps({"number": newest}).encode() + b"\n")


def newest_in(run: Path) -> int:
    """The number of the newest order in a run's file, 0 without a file."""
    with suppress(InputError), open_to_read(run / FILE) as stream:
        return _newest(stream.read(_MOST_BYTES))
    return 0


def close_file(run: Path) -> None:
    """Remove the file, if there is one: from here on no order is followed."""
    if (run / FILE).exists():  # its lock is not taken, for a training waits for no sender
        remove(run / FILE)


def parse_line(line: bytes) -> tuple[int, dict[str, Any]]:
    """The number and the order in a line of the file; InputError for another line."""
    found = strict_json.parse(line, "an order") if len(line) <= LONGEST else None
    if not isinstance(found, dict) or not _is_number(found.get("number")):
        raise InputError("an order has no number")
    number = found.pop("number")
    return number, checked(found)


def _newest(data: bytes) -> int:
    """The number of the last line that has one; damaged lines are passed over."""
    for line in reversed(data.splitlines()):
        with suppress(InputError):
            found = strict_json.parse(line, "an order")
            if isinstance(found, dict) and _is_number(found.get("number")):
                return found["number"]
    return 0


def _is_number(value: Any) -> bool:
    return type(value) is int and value >= 0
