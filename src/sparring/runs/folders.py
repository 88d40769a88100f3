"""The folders of runs, in the order in which the runs were started."""

import time
from datetime import datetime
from pathlib import Path

from sparring.errors import InputError
from sparring.runs import journal

ROOT = Path("runs")


def default_folder(label: str) -> Path:
    """The folder under runs/ of a run that starts now and that the user has not named."""
    return ROOT / f"{time.strftime('%Y%m%d-%H%M%S')}-{label}"


def run_folders(root: Path = ROOT) -> list[Path]:
    """The folders of all runs under `root`, in the order of their starts."""
    found = (file.parent for file in root.rglob("recipe.json") if file.is_file())  # skips broken links
    return sorted(found, key=lambda path: (_started(path), path))


def latest(root: Path = ROOT) -> Path:
    """The folder of the run under `root` that was started last; InputError if there is none."""
    found = run_folders(root)
    if not found:
        raise InputError(f"there is no run under {root}/ yet; train one with `sparring train vanilla`")
    return found[-1]


def _started(run: Path) -> float:
    """The time of a run's start, in seconds since 1970: of the event `start`, or of recipe.json where the event has none."""
    try:
        event = journal.read_first(run / "journal.jsonl")
        return datetime.fromisoformat(event["time"]).timestamp()
    except (InputError, KeyError, ValueError, OverflowError):
        return (run / "recipe.json").stat().st_mtime
