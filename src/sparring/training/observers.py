"""Observers of a training: the base class, the events that they get, and what they may ask for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sparring.config.schedules import RoundInfo
from sparring.errors import InputError
from sparring.training.knobs import Order, check_order

if TYPE_CHECKING:
    from pathlib import Path

    from sparring.runs.run import Run

METHODS = ("on_start", "on_round", "on_epoch", "on_sample", "on_score", "on_line", "on_end")

Request = Literal["pictures", "score", "checkpoint", "stop"]
StopEnding = Literal["stopped", "patience"]
Numbers = Mapping[str, float | None]


@dataclass
class Requests:
    """What observers have asked for. `has_scores`: the run takes quick scores; `ending`: the word for a run that they stop."""

    has_scores: bool
    asked: set[Request] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    ending: StopEnding = "stopped"


@dataclass
class Event:
    """A moment of a training: `run` as it is on disk, and `info`, the place in it.

    `num_images`: the number of training images, an epoch's size. `line`: the line of the journal that the event is about,
    empty for `on_start` and `on_round`. What is asked for is done after all observers have seen the round.
    """

    run: "Run"
    info: RoundInfo
    num_images: int
    requests: Requests
    read: Callable[[], Numbers | None]
    line: Mapping[str, Any] = field(default_factory=dict)

    @property
    def round(self) -> int:
        """Rounds played so far."""
        return self.info.round

    @property
    def epoch(self) -> int:
        """The epoch that this round belongs to, from 1."""
        return self.info.epoch

    @property
    def images(self) -> int:
        """Real images shown to D so far."""
        return self.info.images

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.info.seconds

    @property
    def numbers(self) -> Numbers | None:
        """Losses, mean logits, gradient norms and the like of this round, by the names that the journal has for them.

        They are read from the device when they are first asked for, which waits for it. A critic has None for probabilities;
        at the start, and of a round that was skipped, there are no numbers at all. Raises InputError once the round is over,
        and where only all processes together could read them.
        """
        return self.read()

    @property
    def file(self) -> "Path":
        """The picture of `on_sample`."""
        return self.run.path / self._of_line("file")

    @property
    def headline(self) -> str:
        """The name of the run's primary metric, in `on_score`."""
        return self._of_line("headline")

    @property
    def score(self) -> float:
        """The value of the primary metric in `on_score`, lower is better; `line` has the others."""
        return self._of_line(self.headline)

    @property
    def ending(self) -> str:
        """How the run ended, in `on_end`: finished, stopped, patience, interrupted, terminated, hangup, non-finite or
        machine."""
        return self._of_line("ending")

    def stop(self, ending: StopEnding = "stopped") -> None:
        """Ask for the end of the training, with the run saved; `resume` goes on. `ending`: the word for it in the journal."""
        self.requests.ending = ending
        self.requests.asked.add("stop")

    def save_checkpoint(self) -> None:
        """Ask for a checkpoint of this round; it counts among the recipe's `keep_checkpoints`."""
        self.requests.asked.add("checkpoint")

    def steer(self, **order: float | None) -> None:
        """Order other values from the next round on, such as `event.steer(g_lr=0.5, d_hold=100)`; see `training.knobs.Order`.

        The order is in the journal before it acts, and a resumed run follows it again. Raises InputError for a value out of its
        range.
        """
        check_order(order)
        self.requests.orders.append(order)

    def take_score(self) -> None:
        """Ask for a quick score; InputError where the run has none."""
        if not self.requests.has_scores:
            raise InputError(
                "an observer asks for a score, and this run takes none: its recipe has no review, or no extractor fits the data"
            )
        self.requests.asked.add("score")

    def draw_pictures(self) -> None:
        """Ask for the recipe's pictures, as they are drawn at the end of a run."""
        self.requests.asked.add("pictures")

    def _of_line(self, name: str) -> Any:
        if name not in self.line:
            raise AttributeError(f"the event has no {name}: its line of the journal is {dict(self.line)}")
        return self.line[name]


class Observer:
    """Base class of what watches a training; each method does nothing until it is overridden.

    Any object with at least one of these methods can take its place. They are called in rank 0 alone, after all of the round
    has been written, in the order of the list. An error in one of them ends the training, with the run saved, and comes out of
    `train` as it is.
    """

    def on_start(self, event: Event) -> None:
        """Before the first round of this session: round 0, or the one that `resume` goes on from."""

    def on_round(self, event: Event) -> None:
        """After every round."""

    def on_epoch(self, event: Event) -> None:
        """After an epoch's last round; `event.line` has D(x) and D(G(z)) on test images where the recipe wants them."""

    def on_sample(self, event: Event) -> None:
        """After a picture was drawn: `event.file`."""

    def on_score(self, event: Event) -> None:
        """After a quick score: `event.headline`, `event.score`, and all metrics in `event.line`."""

    def on_line(self, event: Event) -> None:
        """After any line was written to the journal: `event.line`, as in journal.jsonl."""

    def on_end(self, event: Event) -> None:
        """Once, after the last line was written: `event.ending`. Not after a second Ctrl-C."""


def overrides(observer: object, method: str) -> bool:
    """True if calling this method of an observer does anything."""
    found = getattr(type(observer), method, None)
    return callable(getattr(observer, method, None)) and found is not getattr(Observer, method)


def check_observers(observers: Sequence[object]) -> None:
    """Raise InputError for what is no sequence, for a class, and for an object with none of the methods."""
    if not isinstance(observers, Sequence) or isinstance(observers, str):
        raise InputError(f"observers is {type(observers).__name__}; give a list of them: observers=[...]")
    for number, observer in enumerate(observers):
        if isinstance(observer, type):
            raise InputError(f"observers[{number}] is the class {observer.__name__}; give an instance: {observer.__name__}()")
        if not any(overrides(observer, method) for method in METHODS):
            kind, names = type(observer).__name__, ", ".join(METHODS)
            raise InputError(f"observers[{number}] is {kind}, which has none of an observer's methods: {names}")
