"""The coach: turns journal events into remarks, at most one for each cause."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sparring.coach.signs import SIGNS, History


@dataclass(frozen=True)
class Remark:
    """A warning: a short name of its cause, the observation, and advice."""

    cause: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.text} {self.advice}"


@dataclass
class Coach:
    """Warnings as a function of the journal alone: the same events always give the same remarks."""

    history: History = field(default_factory=History)
    said: set[str] = field(default_factory=set)

    def observe(self, event: Mapping[str, Any]) -> Iterator[Remark]:
        """Take in one event of the journal and yield the remarks that it triggers."""
        self.history.add(event)
        for sign in SIGNS:
            if event["event"] != sign.event or sign.cause in self.said:
                continue
            text = sign.look(self.history)
            if text:
                self.said.add(sign.cause)
                yield Remark(sign.cause, text, sign.advice)

    def conclude(self) -> Iterator[Remark]:
        """Yield a remark on each sign that the newest review shows and that was not seen often enough before the run's end."""
        newest = replace(self.history, at_end=True)
        for sign in SIGNS:
            text = sign.look(newest) if sign.of_review and sign.cause not in self.said else None
            if text:
                self.said.add(sign.cause)
                advice = f"Train longer first (`sparring resume`). {sign.advice}"
                yield Remark(sign.cause, f"At the end of the run: {text}", advice)
