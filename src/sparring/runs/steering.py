"""Orders in a run's journal, and those that wait until their round comes again."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sparring.errors import InputError
from sparring.runs.run import Run
from sparring.training.knobs import Order, Orders

STEER = "steer"

PlacedOrder = tuple[int, Order]
"""An order, and the round after which it was given."""


def order_of(event: Mapping[str, Any]) -> PlacedOrder:
    """The order in its line of the journal."""
    return event["round"], {name: value for name, value in event.items() if name not in ("event", "round")}


def orders_in(run: Run) -> list[PlacedOrder]:
    """The orders in a run's journal, as far as it can be read."""
    found = []
    with suppress(InputError):
        for event in run.journal():
            if event["event"] == STEER:
                found.append(order_of(event))
    return found


def followed(orders: Iterable[PlacedOrder]) -> Orders:
    """The state of an engine's orders after these."""
    state = Orders()
    for round_, order in orders:
        state.give(round_, order)
    return state


def pop_orders(waiting: list[PlacedOrder], round_: int) -> list[Order]:
    """Take the orders of this round out of a list, and drop those of earlier rounds."""
    found = [order for at, order in waiting if at == round_]
    waiting[:] = [(at, order) for at, order in waiting if at > round_]
    return found
