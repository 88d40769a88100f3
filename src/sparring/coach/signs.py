"""Signs of failing training. Thresholds were set on deliberately broken and on healthy runs (docs/coach.md)."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import mean, median
from typing import Any

Event = Mapping[str, Any]

READINGS = 20  # journalled rounds over which D's outputs are averaged
PATIENCE = 3  # consecutive reviews that must agree


@dataclass
class History:
    """The part of a journal that the coach keeps: the latest rounds, the latest reviews, and the first gradient norms.

    `at_end`: the newest review alone decides, because no further one will come.
    """

    rounds: deque[Event] = field(default_factory=lambda: deque(maxlen=READINGS))
    checkups: deque[Event] = field(default_factory=lambda: deque(maxlen=PATIENCE))
    scores: deque[Event] = field(default_factory=lambda: deque(maxlen=PATIENCE))
    gradients: dict[str, list[float]] = field(default_factory=lambda: {"G": [], "D": []})
    at_end: bool = False

    def add(self, event: Event) -> None:
        kept = {"round": self.rounds, "checkup": self.checkups, "score": self.scores}.get(event["event"])
        if kept is not None:
            kept.append(event)
        if len(self.gradients["G"]) < READINGS and "g_gradient" in event:
            for side in ("G", "D"):
                self.gradients[side].append(event[f"{side.lower()}_gradient"])

    def average(self, name: str) -> float | None:
        """The mean over the last readings; None if there are too few, or if one lacks the value (as with a critic)."""
        values = [event[name] for event in self.rounds]
        return mean(values) if len(values) == READINGS and None not in values else None

    def reviewed(self, kind: str, value: Callable[[Event], float | None]) -> list[float]:
        """The values of the reviews that must agree, the newest last; empty where there are too few of them."""
        needed = 1 if self.at_end else PATIENCE
        found = [number for event in getattr(self, kind) if (number := value(event)) is not None]
        return found[-needed:] if len(found) >= needed else []

    def always(self, name: str, holds: Callable[[float], bool], kind: str = "checkups") -> float | None:
        """The newest value if the condition holds in all of the last reviews while scores do not improve, else None."""
        values = self.reviewed(kind, lambda event: event.get(name))
        if not values or not all(map(holds, values)):
            return None
        if self.at_end:
            return values[-1]
        moves = abs(values[-1] - values[0]) > 0.2 * abs(values[0])
        return None if self.improves() or (moves and not self.scores) else values[-1]

    def improves(self) -> bool:
        """True if the quick scores fell by a fifth over the last reviews, so that a warning can wait."""
        values = [event[event["headline"]] for event in self.scores]
        return len(values) == PATIENCE and values[-1] < 0.8 * values[0]

    def falls_short(self) -> bool:
        """True if the newest quick score is more than ten times the floor that real samples get (about 0 for points)."""
        if not self.scores or self.scores[-1]["floor"] is None:
            return False
        newest = self.scores[-1]
        return newest[newest["headline"]] > 10 * max(newest["floor"], 0.005)


@dataclass(frozen=True)
class Sign:
    """A sign of trouble: its cause, the kind of event to check at, the check (a sentence or None), and advice.

    `of_review`: it is seen in reviews, the newest of which decides alone at a run's end.
    """

    cause: str
    event: str
    look: Callable[[History], str | None]
    advice: str
    of_review: bool = True


def d_has_won(history: History) -> str | None:
    real, fake = history.average("d_real"), history.average("d_fake")
    if real is None or fake is None or real < 0.98 or fake > 0.02:
        return None
    if len(history.checkups) < PATIENCE or history.improves():
        return None  # G can learn well from a D that classifies perfectly
    return (
        f"D has won: it gives real samples {real:.3f} and generated ones {fake:.3f} on average, so G has little to learn from."
    )


def g_has_won(history: History) -> str | None:
    real, fake = history.average("d_real"), history.average("d_fake")
    if real is None or fake is None or real - fake > 0.01 or not history.falls_short() or history.improves():
        return None
    return f"G has won: D gives real samples {real:.3f} and generated ones {fake:.3f} on average; it cannot tell them apart."


def exploding(history: History) -> str | None:
    for side, first in history.gradients.items():
        last = [event[f"{side.lower()}_gradient"] for event in list(history.rounds)[-5:] if "g_gradient" in event]
        if len(first) == READINGS and median(last) > 100 * max(median(first), 1):
            return (
                f"The gradients of {side} explode: their norm is {median(last):.3g}, and was {median(first):.3g} at the start."
            )
    return None


def collapse(history: History) -> str | None:
    spread = history.always("spread", lambda value: value < 0.25)
    if spread is None:
        return None
    return f"G has collapsed: its samples vary {spread:.0%} as much as real ones do, so they are nearly one and the same."


def flat(history: History) -> str | None:
    contrast = history.always("contrast", lambda value: value < 0.3)
    if contrast is None:
        return None
    return f"G draws flat pictures: their contrast is {contrast:.0%} of that of real ones."


def saturated(history: History) -> str | None:
    contrast = history.always("contrast", lambda value: value > 1.5)
    if contrast is None:
        return None
    return f"G's output is saturated: its pictures have {contrast:.1f} times the contrast of real ones."


def memorising(history: History) -> str | None:
    def gap(event: Event) -> float | None:
        return event["d_real_train"] - event["d_real_held_out"] if "d_real_train" in event else None

    gaps = history.reviewed("checkups", gap)
    if not gaps or min(gaps) < 0.15:
        return None
    last = history.checkups[-1]
    return (
        f"D learns its training images by heart: it gives them {last['d_real_train']:.2f} on average, "
        f"but {last['d_real_held_out']:.2f} to real images that it was never shown."
    )


def batch_norm(history: History) -> str | None:
    gap = history.always("batch_norm_gap", lambda value: value > 1)
    if gap is None:
        return None
    return f"G's batch norms disagree: from training to inference its pictures move by {gap:.0%} of their spread."


def lopsided(history: History) -> str | None:
    excess = history.always("largest_class_excess", lambda value: value > 0.15, "scores")
    if excess is None:
        return None
    newest = history.scores[-1]
    share, fair = newest["largest_class"], newest["largest_class"] - excess
    shares = {name.removeprefix("share_"): value for name, value in newest.items() if name.startswith("share_")}
    named = f"class {max(shares, key=shares.__getitem__)}" if shares else "one class"
    missing = [name for name, value in shares.items() if value < 0.1 / len(shares)]
    ending = f"; hardly any are of class {', '.join(missing)}" if missing else ""
    return f"{share:.0%} of the samples are of {named}, where real ones have at most {fair:.0%} of any{ending}."


SIGNS = (
    Sign(
        "d has won",
        "checkup",
        d_has_won,
        "Give G more moves or D a weaker network; a smaller d_optim.lr gives G time.",
        of_review=False,
    ),
    Sign("g has won", "round", g_has_won, "Give D more moves (round.moves) or a stronger network.", of_review=False),
    Sign(
        "exploding gradients",
        "round",
        exploding,
        "Lower optim.lr, to a tenth say; smaller initial weights help as well.",
        of_review=False,
    ),
    Sign("collapse", "checkup", collapse, "Lower optim.lr, use the non-saturating loss, or give D dropout."),
    Sign("flat output", "checkup", flat, "See that G's output suits the data ([-1, 1]), and lower g_optim.lr."),
    Sign("saturated output", "checkup", saturated, "Use smaller initial weights or a smaller g_optim.lr."),
    Sign("memorising d", "checkup", memorising, "Use more images, a weaker D, or dropout in D; stop at the best checkpoint."),
    Sign("batch norm", "checkup", batch_norm, "Use a larger bn_momentum or batch_size."),
    Sign("lopsided classes", "score", lopsided, "A convolutional G, dropout in D, or optim.beta1=0.5 often helps."),
)
