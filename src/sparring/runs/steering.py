"""Orders in a run's journal, and those that wait until their round comes again."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sparring.config.schedules import Duration, RoundInfo
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs import orders
from sparring.runs.run import Run
from sparring.training.knobs import Order, Orders
from sparring.training.observers import Request

STEER = "steer"

GivenOrder = Mapping[str, Any]
"""An order as the journal has it: an observer's, such as {"g_lr": 0.5}; or one from outside, as `runs.orders` has them, with
its number, and with the reason as "refused" where it was not followed."""
PlacedOrder = tuple[int, GivenOrder]
"""An order, and the round after which it was given."""

SERVED: Mapping[str, Request] = {"picture": "pictures", "score": "score", "checkpoint": "checkpoint"}
"""The orders from outside that ask for what observers may ask for, too."""


def order_of(event: Mapping[str, Any]) -> PlacedOrder:
    """The order in its line of the journal; InputError where it is none."""
    order = {name: value for name, value in event.items() if name not in ("event", "round")}
    if "order" in order:
        orders.checked({name: value for name, value in order.items() if name not in ("number", "refused")})
    return event["round"], order


def orders_in(run: Run) -> list[PlacedOrder]:
    """The orders in a run's journal, as far as it can be read."""
    path, found = run.path / "journal.jsonl", list[PlacedOrder]()
    if path.is_file() and f'"{STEER}"'.encode() in path.read_bytes():  # else nothing need be parsed
        with suppress(InputError):
            found.extend(order_of(event) for event in run.journal() if event["event"] == STEER)
    return found


def newest_number(placed: Iterable[PlacedOrder]) -> int:
    """The greatest number of these orders, 0 where none came from outside."""
    return max((order.get("number", 0) for _, order in placed), default=0)


def followed(placed: Iterable[PlacedOrder]) -> Orders:
    """The state of an engine's orders after these."""
    state = Orders()
    for round_, order in placed:
        give(state, round_, order)
    return state


def give(state: Orders, round_: int, order: GivenOrder) -> None:
    """Have an order change the values that it is about, from this round on; others change none."""
    if changes := _changes(order):
        state.give(round_, changes)


def _changes(order: GivenOrder) -> Order:
    match order:
        case {"refused": _}:
            return {}
        case {"order": "only", "side": side, "rounds": rounds}:
            return {"d_hold" if side == "g" else "g_hold": rounds}
        case {"order": "factor", "of": of, "value": value}:
            return {of: value}
        case {"order": "release", "of": "moves"}:
            return {"g_moves": None, "d_moves": None}
        case {"order": "release", "of": of}:
            return {of: None}
        case {"order": "moves", "g": g, "d": d}:
            return {"g_moves": g, "d_moves": d}
        case {"order": _}:
            return {}
    return order


def length_in(order: GivenOrder) -> Duration | None:
    """The length to which an order extends a run; None for another order."""
    if order.get("order") != "extend" or "refused" in order:
        return None
    return Duration(**{unit: order[unit] for unit in ("rounds", "epochs", "images") if unit in order})


def lengths_in(run: Run) -> list[tuple[Duration, bool]]:
    """The lengths that a run with orders has had, at its start, by `resume`, and, where it is True, by orders."""
    found = list[tuple[Duration, bool]]()
    if orders_in(run):
        for event in run.journal():
            if event["event"] in ("start", "resume") and "length" in event:
                found.append((Duration.parse(event["length"]), False))
            elif event["event"] == STEER and (length := length_in(order_of(event)[1])):
                found.append((length, True))
    return found


def length_before(lengths: Sequence[tuple[Duration, bool]], to_come: Sequence[PlacedOrder]) -> Duration | None:
    """The length that a run had before the first of the orders to come that extends it; None where there is none."""
    to_come_again = len([order for _, order in to_come if length_in(order)])
    ordered = [index for index, (_, is_ordered) in enumerate(lengths) if is_ordered][-to_come_again:]
    return lengths[ordered[0] - 1][0] if to_come_again and ordered and ordered[0] else None


def refusal(order: GivenOrder, recipe: Recipe, info: RoundInfo, num_images: int) -> str | None:
    """Why a run of this recipe cannot follow an order after this round; None where it can."""
    if order["order"] == "picture" and not recipe.pictures:
        return "the recipe has no pictures"
    of = order.get("of") if order["order"] == "factor" else None
    if of == "gamma" and not recipe.penalties:
        return "the recipe has no penalties, whose gamma it would be"
    if of == "strength" and recipe.augment is None:
        return "the recipe has no augment, whose strength it would be"
    try:
        if order["order"] == "moves":
            recipe.round.with_moves(order["g"], order["d"])
        if length := length_in(order):
            replace(recipe, length=length)
            if length.fraction_done(info, num_images) >= 1:
                return f"the run is past {length} already; stop ends it"
    except InputError as error:
        return str(error)
    return None


def pop_orders(waiting: list[PlacedOrder], round_: int) -> list[GivenOrder]:
    """Take the orders of this round out of a list, and drop those of earlier rounds."""
    found = [order for at, order in waiting if at == round_]
    waiting[:] = [(at, order) for at, order in waiting if at > round_]
    return found
