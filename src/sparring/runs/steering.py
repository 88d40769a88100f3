"""Orders in a run's journal."""

from collections.abc import Mapping
from typing import Any

from sparring.training.knobs import Order

STEER = "steer"


def order_of(event: Mapping[str, Any]) -> tuple[int, Order]:
    """The round from which an order acts, and the order, from its line of the journal."""
    return event["round"], {name: value for name, value in event.items() if name not in ("event", "round")}
