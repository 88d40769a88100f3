"""A recorded run, to be played again: the orders that it followed, its lengths, and how far it came."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from sparring.config import codec
from sparring.config.schedules import Duration
from sparring.errors import InputError, check
from sparring.runs import events, orders
from sparring.runs.family import started
from sparring.runs.run import Run
from sparring.runs.steering import STEER, PlacedOrder, length_in, order_of, orders_in
from sparring.storage import strict_json


@dataclass(frozen=True)
class Recording:
    """What was ordered in a run, in its order.

    `length`: the one that the run had at first. Where `resume` has given it another one, that stands among the orders, as one
    to extend the run. `rounds`: those that were played. `run` and `started`: where and when it was.
    """

    run: str
    started: str | None
    length: Duration
    rounds: int
    orders: tuple[PlacedOrder, ...]

    @classmethod
    def of(cls, run: Run) -> Self:
        """What a run's journal says; InputError where it is damaged."""
        lengths, placed, rounds = list[Duration](), list[PlacedOrder](), 0
        for event in run.journal():
            rounds = max(rounds, event.get("round", 0))
            if event["event"] == STEER:
                placed.append(order_of(event))
                lengths += filter(None, [length_in(placed[-1][1])])
            elif event["event"] in ("start", "resume") and "length" in event:
                lengths.append(Duration.parse(event["length"]))
                if lengths[-1] != lengths[max(0, len(lengths) - 2)]:
                    placed.append((event["round"], _extension(lengths[-1])))
        first = lengths[0] if lengths else run.recipe.length
        if first.minutes is not None or any(order.get("minutes") for _, order in placed):  # which no two plays fill alike
            first = Duration(rounds=max(1, rounds))
            placed = [(round_, order) for round_, order in placed if "number" in order or length_in(order) is None]
        return cls(str(run.path.absolute()), started(run.path), first, rounds, tuple(placed))

    def until(self, rounds: int | None) -> Self:
        """The first so many rounds; InputError for more than were played."""
        if rounds is None:
            return self
        if rounds > self.rounds:
            raise InputError(f"{self.run} has played {self.rounds} rounds, not {rounds}; `sparring resume` plays further ones")
        return replace(self, rounds=rounds)

    @property
    def facts(self) -> dict[str, Any]:
        """What recipe.json says of a replay."""
        said = asdict(self) | {"length": str(self.length), "orders": [list(placed) for placed in self.orders]}
        return {"replay": said}

    @classmethod
    def in_facts(cls, facts: Mapping[str, Any]) -> Self | None:
        """What recipe.json says of a replay; None for another run."""
        found = facts.get("replay")
        if found is None:
            return None
        where = "recipe.json: replay"
        check(isinstance(found, dict) and isinstance(found.get("orders"), list), where, strict_json.shown(found), "hold orders")
        said = codec.decode(_Facts, {name: value for name, value in found.items() if name != "orders"}, where)
        placed = tuple(_placed(each, where) for each in found["orders"])
        return cls(said.run, said.started, Duration.parse(said.length), said.rounds, placed)


def _placed(said: Any, where: str) -> PlacedOrder:
    """An order with its round, as recipe.json has them."""
    good = isinstance(said, list | tuple) and len(said) == 2 and isinstance(said[1], dict)
    check(good, where, strict_json.shown(said), "hold each order with its round")
    return order_of(events.check({"event": STEER, "round": said[0], **said[1]}, where))


def to_come(run: Run, cut: Sequence[PlacedOrder]) -> list[PlacedOrder]:
    """The orders of rounds that are still to come in a run whose journal lost some to a cut, and in a replay all others."""
    recording = Recording.in_facts(run.facts)
    if recording is None:
        return [*cut]
    kept = len(orders_in(run))
    return [*recording.orders[kept:], *cut[max(0, len(recording.orders) - kept) :]]


@dataclass(frozen=True)
class _Facts:
    run: str
    started: str | None
    length: str
    rounds: int


def _extension(length: Duration) -> dict[str, Any]:
    given = {unit: number for unit, number in asdict(length).items() if number is not None}
    return {"order": "extend"} | given if "minutes" in given else orders.checked({"order": "extend"} | given)
