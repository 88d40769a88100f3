"""The self-contained HTML page of a comparison: no network, no scripts, all pictures embedded."""

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

LARGEST = 260  # CSS pixels; wider pictures are shown at 1/2, 1/3, ... of their size, so that pixels stay whole
BORDERS = ("solid", "dashed", "dotted", "double")  # match STYLES in traces.py, the line styles of the plots


Tone = Literal["", "noise", "differs"]


@dataclass(frozen=True)
class Picture:
    """A PNG with a caption; `sharp` for images whose pixels should stay visible, not for plots."""

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
    """A table cell: its value, a note in small print, and the outcome of a comparison with its tone."""

    text: str
    note: str = ""
    comparison: str = ""
    tone: Tone = ""


Row = tuple[str, Sequence[Cell | None]]  # a name, and a cell for each column; None is shown as a dash


@dataclass(frozen=True)
class Remark:
    """A remark of the coach, and its time."""

    when: str
    cause: str
    text: str
    advice: str


@dataclass(frozen=True)
class Entry:
    """A run on the page: its letter, name and facts, a picture (or None) for each moment, and the coach's remarks.

    `evaluation`: a description of the evaluation shown; `command`: the command that makes one.
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
    """The content of the page. Rows of settings and scores have a cell for each entry, group rows one for each group.

    `protocol`: the protocol of the scores in words; `quick`: True if they were taken during training; `like`: letters of the
    runs that share their z.
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
    """The page as HTML; all content of the report is escaped."""
    return _template().render(report=report, key=key)


def key(index: int) -> str:
    """The CSS of a legend line in the colour and style of run number `index` in the plots."""
    return f"border-top: 3px {BORDERS[index // len(COLOURS) % len(BORDERS)]} {COLOURS[index % len(COLOURS)]}"


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined  # imported here because it is slow to import

    source = files("sparring.visual").joinpath("report.html.j2").read_text(encoding="utf-8")
    room = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return room.from_string(source)
