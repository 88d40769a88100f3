"""What was measured, as tables for people and as JSON."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from statistics import median, quantiles

from lineup import EPOCH


@dataclass
class Result:
    """An entrant's figures on a recipe."""

    recipe: str
    entrant: str
    seconds_to_first_round: float
    ms: list[float] = field(default_factory=list)  # a round, one value a turn
    elsewhere: list[float] = field(default_factory=list)  # cores that other programs kept busy, one value a turn
    peak_mib: float = 0.0


HEADER = ("recipe", "entrant", "ms a round (quartiles)", "s an epoch", "to Sparring", "peak MiB", "s to first round")


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """A row of text for each result. "to Sparring": the median over the turns of its time divided by Sparring's."""
    ours = {result.recipe: result.ms for result in results if result.entrant == "sparring"}
    return [_row(result, ours[result.recipe]) for result in results]


def _row(result: Result, ours: Sequence[float]) -> tuple[str, ...]:
    middle, (low, _, high) = median(result.ms), _quartiles(result.ms)
    ratio = median(theirs / own for theirs, own in zip(result.ms, ours, strict=True))
    return (
        result.recipe,
        result.entrant,
        f"{middle:.3g} ({low:.3g} to {high:.3g})" if middle < 1000 else f"{middle:.0f} ({low:.0f} to {high:.0f})",
        f"{middle * EPOCH[result.recipe] / 1000:.3g}",
        f"{ratio:.2f}",
        f"{result.peak_mib:.0f}",
        f"{result.seconds_to_first_round:.1f}",
    )


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def text(results: Sequence[Result]) -> str:
    """A table in columns of equal width, and whether the machine was quiet."""
    table = [HEADER, *rows(results)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join([*lines, disturbed(results)])


def disturbed(results: Sequence[Result]) -> str:
    """In how many turns other programs kept more than a tenth of a core busy: such a table is worth little."""
    shares = [share for result in results for share in result.elsewhere]
    return f"{sum(share > 0.1 for share in shares)} of {len(shares)} turns disturbed by other programs"


def markdown(results: Sequence[Result]) -> str:
    """The same table for docs/speed.md, under a line about the machine."""
    table = [HEADER, ("---", "---", *["---:"] * (len(HEADER) - 2)), *rows(results)]
    lines = ["| " + " | ".join(row) + " |" for row in table]
    about = ", ".join(f"{value}" for value in machine().values())
    return "\n".join([f"{about}; {len(results[0].ms)} turns each; {disturbed(results)}.", "", *lines, ""])


def as_json(results: Sequence[Result]) -> str:
    """Machine and every result with all its turns, in the order in which they were played."""
    return json.dumps({"machine": machine(), "results": [asdict(result) for result in results]}, indent=1)


def machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "date": date.today().isoformat(),
        "processor": named[1] if named else platform.processor() or platform.machine(),
        "cores": f"{os.cpu_count()} cores",
        "system": f"{platform.system()}, Python {platform.python_version()}",
    }
