"""Runs side by side as one HTML page that needs nothing else: no network, no scripts, all pictures within."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from sparring.visual.figure import COLOURS
from sparring.visual.pixels import decode_png

if TYPE_CHECKING:
    from jinja2 import Template

LARGEST = 260  # CSS pixels: wider pictures are shown at a half, a third, ... of their size, so that pixels stay whole
BORDERS = ("solid", "dashed", "dotted", "double")  # as STYLES of traces.py: the lines of the plots


Tone = Literal["", "noise", "differs"]


@dataclass(frozen=True)
class Picture:
    """A PNG; `sharp` ones are made of pixels that are meant to be seen, the others of lines and letters."""

    png: bytes
    caption: str
    sharp: bool = False

    @property
    def uri(self) -> str:
        return f"data:image/png;base64,{b64encode(self.png).decode()}"

    @property
    def size(self) -> tuple[int, int]:
        return decode_png(self.png).size

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height in CSS pixels."""
        width, height = self.size
        times = -(-width // LARGEST)
        return width // times, height // times


@dataclass(frozen=True)
class Cell:
    """A value, what stands small beneath it, and what is to be made of it."""

    text: str
    note: str = ""
    verdict: str = ""
    tone: Tone = ""


Row = tuple[str, Sequence[Cell | None]]  # a name, and a cell a column; None is a dash


@dataclass(frozen=True)
class Remark:
    """What the coach said, and when."""

    when: str
    cause: str
    text: str
    advice: str


@dataclass(frozen=True)
class Entry:
    """A run: its letter, name and facts, its pictures (one a moment, where there is one), and what the coach said.

    `evaluation`: which one the scores are of; `command`: what would make one.
    """

    letter: str
    name: str
    facts: Mapping[str, str]
    frames: Sequence[Picture | None]
    remarks: Sequence[Remark]
    evaluation: str | None
    command: str


@dataclass(frozen=True)
class Report:
    """All that the page shows. A row of settings and scores has a cell for every entry, one of groups for every group.

    `protocol`: how the scores were taken; `quick`: while training. `like`: letters of the runs that share their z.
    """

    entries: Sequence[Entry]
    settings: Sequence[Row]
    moments: Sequence[str]
    like: Sequence[str]
    plots: Sequence[Picture]
    scores: Sequence[Row]
    shares: Sequence[Row]
    protocol: str
    quick: bool
    groups: Sequence[str]
    group_scores: Sequence[Row]
    command_line: str
    version: str


def render(report: Report) -> str:
    """The page as HTML; whatever the report says is text, never markup."""
    return _template().render(report=report, key=key)


def key(index: int) -> str:
    """The style of a short line that looks like those of the run at this place in the plots."""
    return f"border-top: 3px {BORDERS[index // len(COLOURS) % len(BORDERS)]} {COLOURS[index % len(COLOURS)]}"


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # here, for it takes long to import

    source = files("sparring.visual").joinpath("report.html.j2").read_text(encoding="utf-8")
    room = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return room.from_string(source)
