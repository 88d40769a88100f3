"""Time in a run: its length, intervals, schedules of quantities, and the rounds that the loop reports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from math import cos, pi
from typing import Annotated, Any, Literal

from sparring.config.ranges import Range, Ranged
from sparring.errors import InputError, check


@dataclass(frozen=True)
class RoundInfo:
    """A place in a run, at the end of a round (round 0: before the first).

    `images` counts real images shown to D, `epoch` the passes over the training images from 1, `seconds` the time spent
    training, earlier sessions included. `numbers` holds what was read of the round for the journal; `read` reads it for whoever
    else asks, until the next round is played (None where there is nothing to read).
    """

    round: int
    images: int
    epoch: int
    seconds: float
    epoch_ended: bool = False
    last: bool = False
    numbers: Mapping[str, float | None] | None = None
    test_numbers: Mapping[str, float] | None = None
    read: Callable[[], Mapping[str, float | None]] | None = field(default=None, compare=False, repr=False)

    @property
    def position(self) -> dict[str, int | float]:
        """Round, epoch, images and seconds, as journal and checkpoints hold them."""
        return {"round": self.round, "epoch": self.epoch, "images": self.images, "seconds": self.seconds}


START = RoundInfo(round=0, images=0, epoch=1, seconds=0.0)


@dataclass(frozen=True)
class Interval(Ranged):
    """An interval: every so many epochs, or every so many rounds; exactly one of the two."""

    epochs: Annotated[int, Range(above=0)] | None = None
    rounds: Annotated[int, Range(above=0)] | None = None

    def __post_init__(self) -> None:
        _check_one(self, "an interval")
        super().__post_init__()

    def due(self, info: RoundInfo) -> bool:
        if self.rounds is not None:
            return info.round > 0 and info.round % self.rounds == 0
        return info.epoch_ended and info.epoch % (self.epochs or 1) == 0

    def times(self, rounds: float, epochs: float) -> int:
        """How often it is due in a run of so many rounds and epochs."""
        return int(rounds // self.rounds if self.rounds is not None else epochs // (self.epochs or 1))


@dataclass(frozen=True)
class Duration(Ranged):
    """The length of a run, in exactly one of four units. The run ends at the first round that reaches it."""

    epochs: Annotated[int, Range(above=0)] | None = None
    images: Annotated[int, Range(above=0)] | None = None
    rounds: Annotated[int, Range(above=0)] | None = None
    minutes: Annotated[float, Range(above=0)] | None = None

    def __post_init__(self) -> None:
        _check_one(self, "a length")
        super().__post_init__()

    def fraction_done(self, info: RoundInfo, num_images: int) -> float:
        """The part of the run that is done, 1 at its end; `num_images` is the size of an epoch."""
        if self.epochs is not None:
            return info.images / (self.epochs * num_images)
        if self.images is not None:
            return info.images / self.images
        if self.rounds is not None:
            return info.round / self.rounds
        return info.seconds / (60 * (self.minutes or 0))

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """The length that is written like this: "2 epochs", "1,000 rounds"; InputError for another text."""
        number, _, unit = text.replace(",", "").partition(" ")
        unit = unit if unit.endswith("s") else f"{unit}s"
        try:
            given: dict[str, Any] = {unit: float(number) if unit == "minutes" else int(number)}
            return cls(**given)
        except (ValueError, TypeError):
            raise InputError(f"{text!r} is no length; write 2 epochs, or 1,000 rounds") from None

    def __str__(self) -> str:
        unit, number = next((f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) is not None)
        return f"{number:,} {unit if number != 1 else unit.removesuffix('s')}"


@dataclass(frozen=True)
class Schedule(Ranged, prefix="ramps: "):
    """A quantity that goes from `start` to `end` over the first `images` real images, or over the run where that is None, and
    stays there: in a straight line, or along half a cosine.

    "lr" and "gamma" are factors of all learning rates and of all penalties' gammas; "beta2" is Adam's own value, "strength"
    that of the augmentation.
    """

    of: Literal["lr", "gamma", "beta2", "strength"]
    start: Annotated[float, Range(0)] = 1.0
    end: Annotated[float, Range(0)] = 0.0
    images: Annotated[int, Range(1)] | None = None
    shape: Literal["cosine", "linear"] = "cosine"

    def __post_init__(self) -> None:
        super().__post_init__()
        ends, most = (self.start, self.end), max(self.start, self.end)
        check(self.of != "strength" or most <= 1, "ramps: strength", ends, "be at most 1")
        check(self.of != "beta2" or most < 1, "ramps: beta2", ends, "be below 1")

    def at(self, share: float) -> float:
        """The value when this share of the ramp is behind, in [0, 1]."""
        done = min(max(share, 0.0), 1.0)
        passed = done if self.shape == "linear" else (1 - cos(pi * done)) / 2
        return self.start + (self.end - self.start) * passed


def _check_one(value: Interval | Duration, what: str) -> None:
    given = [f.name for f in fields(value) if getattr(value, f.name) is not None]
    if len(given) != 1:
        names = ", ".join(f.name for f in fields(value))
        raise InputError(f"{what} needs exactly one of {names}, not {', '.join(given) or 'none'}")
