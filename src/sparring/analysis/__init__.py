"""What users call: compare. Runs side by side: their settings, pictures, traces and scores, on one page."""

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
    """Write a page that shows runs side by side: settings, pictures, traces, scores with intervals, and the coach's remarks.

    The page is one HTML file that needs nothing else. Of each run the newest full evaluation counts, or, where these were not
    all taken alike, the newest ones that were; quick ones where there are no others. A run without any is shown without.
    Raises InputError for fewer than two runs, one named twice or unreadable, and for scores that cannot be compared.
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
