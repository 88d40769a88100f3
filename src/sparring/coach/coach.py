"""Who listens, remembers a little, and speaks up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparring.coach.signs import SIGNS, History


@dataclass(frozen=True)
class Remark:
    """A warning: its cause in a word or two, what is seen, and what may help."""

    cause: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.text} {self.advice}"


@dataclass
class Coach:
    """A function of the journal alone: whoever reads the same events again hears the same remarks."""

    history: History = field(default_factory=History)
    said: set[str] = field(default_factory=set)

    def observe(self, event: Mapping[str, Any]) -> Iterator[Remark]:
        """Take in an event of the journal; the remarks that it gives rise to."""
        self.history.add(event)
        for sign in SIGNS:
            if event["event"] != sign.event or sign.cause in self.said:
                continue
            text = sign.look(self.history)
            if text:
                self.said.add(sign.cause)
                yield Remark(sign.cause, text, sign.advice)
