"""The values that change while a GAN trains, as one: schedules set them, a roll-back scales them, orders override them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from sparring.config.ranges import Range, Ranged
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, check
from sparring.recipe import Recipe, Round

Order = Mapping[str, float | None]
"""New values by name. `g_lr`, `d_lr`, `gamma` and `strength` are factors on what the schedules say, `beta2` is Adam's own
value; `g_every` and `d_every` let that side step only in every n-th round, where n divides the round's number. Each stays
until another order, and None releases it. `g_hold` and `d_hold` are numbers of rounds in which that side does not step.
`g_moves` and `d_moves`, which come together, are the moves of either side in a round."""


@dataclass(frozen=True)
class Knobs(Ranged, prefix=""):
    """The values of one round: factors of both learning rates, of every penalty's gamma and of the augmentation; Adam's beta2,
    None for each side's own; which sides are held still; and the moves of G and of D, None for the recipe's own."""

    g_lr: Annotated[float, Range(0)] = 1.0
    d_lr: Annotated[float, Range(0)] = 1.0
    gamma: Annotated[float, Range(0)] = 1.0
    strength: Annotated[float, Range(0, 1)] = 1.0
    beta2: Annotated[float, Range(0, below=1)] | None = None
    g_held: bool = False
    d_held: bool = False
    moves: tuple[int, int] | None = None

    @classmethod
    def scheduled(cls, recipe: Recipe, round_: int, images: int, num_images: int) -> "Knobs":
        """What a recipe's schedules say of a round, before which so many images were shown, of `num_images` an epoch."""
        values: dict[str, Any] = {}
        for ramp in recipe.ramps:
            there = RoundInfo(round=round_, images=images, epoch=1, seconds=0.0)
            share = images / ramp.images if ramp.images else recipe.length.fraction_done(there, num_images)
            values |= {name: ramp.at(share) for name in (("g_lr", "d_lr") if ramp.of == "lr" else (ramp.of,))}
        return cls(**values)

    def round_of(self, own: Round) -> Round:
        """A round with these moves, where the recipe has its `own`."""
        return own if self.moves is None else own.with_moves(*self.moves)


FACTORS = ("g_lr", "d_lr", "gamma", "strength")
HOLDS = {"g_hold": "g_held", "d_hold": "d_held"}
INTERVALS = ("g_every", "d_every")
MOVES = ("g_moves", "d_moves")
MOST_MOVES = 100  # of one side in a round
NAMES = (*FACTORS, "beta2", *INTERVALS, *HOLDS, *MOVES)


class Orders:
    """All orders so far, each with the round that it acts from."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._held_until: dict[str, int] = dict.fromkeys(HOLDS, 0)
        self.moves: list[tuple[int, tuple[int, int] | None]] = []
        """From which round on a round has other moves, and how many of G and of D, None for the recipe's own."""

    def give(self, round_: int, order: Order) -> None:
        """Take an order that acts from this round on; InputError, and nothing changes, where a value is out of its range."""
        check_order(order)
        if MOVES[0] in order:
            g, d = (order[name] for name in MOVES)
            self.moves.append((round_, None if g is None or d is None else (int(g), int(d))))
        for name, value in order.items():
            if name in MOVES:
                continue
            if name in HOLDS:
                self._held_until[name] = round_ + int(value or 0)
            elif value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value

    def on(self, scheduled: Knobs, round_: int) -> Knobs:
        """The values in this round, where the schedules say these."""
        if not (self._values or self.moves or any(self._held_until.values())):
            return scheduled
        ordered = self._values
        changes: dict[str, Any] = {name: ordered[name] * getattr(scheduled, name) for name in FACTORS if name in ordered}
        if "beta2" in ordered:
            changes["beta2"] = ordered["beta2"]
        for (name, held), every in zip(HOLDS.items(), INTERVALS, strict=True):
            changes[held] = round_ < self._held_until[name] or round_ % int(ordered.get(every, 1)) != 0
        changes["moves"] = next((moves for first, moves in reversed(self.moves) if first <= round_), None)
        return replace(scheduled, **changes)

    def batches_before(self, round_: int, own: Round) -> int:
        """The number of batches of real images in the first `round_` rounds, where the recipe has its `own` round."""
        batches, begun, current = 0, 0, own
        for first, moves in self.moves:
            if first >= round_:
                break
            batches += (first - begun) * current.num_batches
            begun, current = first, Knobs(moves=moves).round_of(own)
        return batches + (round_ - begun) * current.num_batches


def check_order(order: Order) -> None:
    """InputError unless an order names values and each is in its range."""
    if not order:
        raise InputError(f"an order is empty; it names at least one of {', '.join(NAMES)}")
    for name, value in order.items():
        check(name in NAMES, "an order", f"for {name!r}", f"be for {', '.join(NAMES)}")
        if name in MOVES:
            both = [order.get(each) for each in MOVES]
            good = both == [None, None] or all(type(num) is int and 1 <= num <= MOST_MOVES for num in both)
            check(good and {*MOVES} <= {*order}, name, repr(value), f"come with {' and '.join(MOVES)}, in 1..{MOST_MOVES} each")
        elif name in HOLDS or (name in INTERVALS and value is not None):
            least = 0 if name in HOLDS else 1
            good = isinstance(value, int) and not isinstance(value, bool) and value >= least
            check(good, name, repr(value), f"be a number of rounds, at least {least}")
        elif value is not None:
            check(isinstance(value, int | float) and not isinstance(value, bool), name, repr(value), "be a number or None")
            values: dict[str, Any] = {name: value}
            Knobs(**values)
