"""The coach: turns journal events into remarks, at most one for each cause."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
