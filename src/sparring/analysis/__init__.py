"""Comparison of runs on one HTML page: their settings, pictures, traces and scores. `compare` is the entry point."""

from collections.abc import Sequence
from pathlib import Path

from sparring.analysis.comparison import Comparison, Group
from sparring.analysis.differences import Difference, Line
from sparring.analysis.page import page
from sparring.errors import InputError
from sparring.runs.run import Run
from sparring.storage.files import disk_errors, write_atomically

__all__ = ["Comparison", "Difference", "Group", "Line", "compare"]


def compare(runs: Sequence[str | Path | Run], *, out: str | Path = "comparison.html") -> Comparison:
    """Write a page that shows runs side by side: pictures, traces, scores with intervals, the coach's remarks, and settings.

    runs: two or more, or their folders; a folder of runs, as several seeds make it, stands for all of them.
    out: the page, one self-contained HTML file.

    Each run is represented by its newest full evaluation. If those were taken under different protocols, the newest evaluations
    that share a protocol are used, and quick scores if there are no others. A run without evaluations is shown without scores.
    Raises InputError for fewer than two runs, for a run that is named twice or cannot be read, for scores that cannot be
    compared, and for an `out` that is not a .html file.
    """
    path = Path(out)
    if path.suffix not in (".html", ".htm"):
        raise InputError(f"cannot write the report to {path}: name a .html file")
    comparison = Comparison.of(runs)
    html = page(comparison, path).encode()
    with disk_errors(path, len(html)):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, html)
    return comparison
