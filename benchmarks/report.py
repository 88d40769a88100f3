"""What was measured, as tables for people and as JSON."""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from statistics import median, quantiles

from lineup import ENTRANTS, EPOCH


@dataclass
class Result:
    """An entrant's figures on a recipe."""

    recipe: str
    entrant: str
    seconds_to_first_round: float
    software: dict[str, str] = field(default_factory=dict)  # its framework and version
    ms: list[float] = field(default_factory=list)  # a round, one value a turn
    elsewhere: list[float] = field(default_factory=list)  # cores that other programs kept busy, one value a turn
    peak_mib: float = 0.0

    def add(self, answer: Mapping[str, float], rounds: int, clock: str = "seconds") -> None:
        """A turn of so many rounds; `answer`: its seconds, its own and others' of the processor. `clock`: which of its own."""
        self.ms.append(1000 * answer[clock] / rounds)
        self.elsewhere.append(answer["elsewhere"] / answer["seconds"])


HEADER = ("recipe", "entrant", "ms per round (quartiles)", "s per epoch", "to Sparring", "peak MiB", "s to first round")


def in_order(results: Sequence[Result]) -> list[Result]:
    """Recipes, and the entrants of each, as the lineup has them."""
    return sorted(results, key=lambda result: (list(EPOCH).index(result.recipe), list(ENTRANTS).index(result.entrant)))


def rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """A row of text for each result. "to Sparring": the median over the turns of its time divided by Sparring's."""
    ours = {result.recipe: result for result in results if result.entrant == "sparring"}
    return [_row(result, ours[result.recipe]) for result in results]


def ratio(result: Result, measure: Result) -> float:
    """The median over the turns of its time divided by that of the other."""
    return median(theirs / own for theirs, own in zip(result.ms, measure.ms, strict=True))


def _row(result: Result, ours: Result) -> tuple[str, ...]:
    middle, (low, _, high) = median(result.ms), _quartiles(result.ms)
    return (
        result.recipe,
        result.entrant,
        f"{middle:.3g} ({low:.3g} to {high:.3g})" if middle < 1000 else f"{middle:.0f} ({low:.0f} to {high:.0f})",
        f"{middle * EPOCH[result.recipe] / 1000:.3g}",
        f"{ratio(result, ours):.2f}",
        f"{result.peak_mib:.0f}",
        f"{result.seconds_to_first_round:.1f}",
    )


def _quartiles(values: Sequence[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3


def text(results: Sequence[Result]) -> str:
    """A table in columns of equal width, and whether the machine was quiet."""
    lines = [HEADER, *rows(results)]
    widths = [max(len(row[i]) for row in lines) for i in range(len(HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines]
    return "\n".join([*lines, f"{disturbed(results)}."])


def disturbed(results: Sequence[Result]) -> str:
    """In how many turns other programs kept more than a tenth of a core busy: such a table is worth little."""
    shares = {recipe: _of(recipe, results) for recipe in dict.fromkeys(result.recipe for result in results)}
    counts = (f"{recipe} {sum(share > 0.1 for share in each)} of {len(each)}" for recipe, each in shares.items())
    return f"Turns in which other programs kept more than a tenth of a core busy: {', '.join(counts)}"


def _of(recipe: str, results: Sequence[Result]) -> list[float]:
    return [share for result in results if result.recipe == recipe for share in result.elsewhere]


def markdown(results: Sequence[Result], machine: dict[str, str]) -> str:
    """Machine and software, the same table, and which turns were disturbed, for docs/speed.md."""
    software = dict.fromkeys(f"{name} {version}" for result in results for name, version in result.software.items())
    turns = dict.fromkeys(f"{result.recipe} {len(result.ms)}" for result in results)
    about = [*machine.values(), ", ".join(software), f"turns: {', '.join(turns)}"]
    return "\n\n".join(["; ".join(about) + ".", table(HEADER, rows(results), text_columns=2), f"{disturbed(results)}."])


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int) -> str:
    """Lines of Markdown; the columns after the first few hold numbers."""
    rule = "|" + "---|" * text_columns + "---:|" * (len(header) - text_columns)
    lines = ["| " + " | ".join(row) + " |" for row in (header, *rows)]
    return "\n".join([lines[0], rule, *lines[1:]])


def as_json(results: Sequence[Result], machine: dict[str, str]) -> str:
    """Machine and every result with all its turns, in the order in which they were played."""
    return json.dumps({"machine": machine, "results": [asdict(result) for result in results]}, indent=1)


def machine(threads: int | None = None, cpu: bool = False) -> dict[str, str]:
    """`threads`: those of every entrant; None is each framework's default. `cpu`: times are those of the processor."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return {
        "date": date.today().isoformat(),
        "processor": named[1] if named else platform.processor() or platform.machine(),
        "cores": f"{os.cpu_count()} cores",
        "threads": ("threads by default" if threads is None else f"threads: {threads}") + ", CPU time" * cpu,
        "system": f"{platform.system()}, Python {platform.python_version()}",
    }
