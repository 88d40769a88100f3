"""Which run started from which: forks, fine-tuned runs and replays, read from their recipe.json alone."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sparring.errors import InputError
from sparring.runs import journal
from sparring.runs.folders import run_folders
from sparring.storage.files import read_json


@dataclass(frozen=True)
class Parent:
    """Where a run comes from: the run that recipe.json names, and its round; None where an earlier version did not note it.

    `path`: that run among those that were looked at, also where it has moved since; None where it is not among them.
    `kind`: a "fork" started from its weights, a "replay" played it again so far.
    """

    named: str
    round: int | None
    kind: Literal["fork", "replay"]
    started: str | None = None
    path: Path | None = None


def family(root: Path) -> dict[Path, Parent | None]:
    """Every run under a folder with its parent, None for one that started anew; oldest first.

    A run whose recipe.json cannot be read counts as one without a parent.
    """
    folders = run_folders(root)
    by_start = {time: path for path in folders if (time := started(path))}
    by_place = {path.resolve(): path for path in folders}
    found: dict[Path, Parent | None] = {}
    for path in folders:
        parent = parent_of(path)
        if parent is not None:
            there = by_start.get(parent.started or "") or by_place.get(Path(parent.named).resolve())
            parent = Parent(parent.named, parent.round, parent.kind, parent.started, there)
        found[path] = parent
    return found


def parent_of(run: Path) -> Parent | None:
    """The parent that a run's recipe.json names, if it names one."""
    with suppress(InputError):
        return parent_in(read_json(run / "recipe.json"))
    return None


def parent_in(facts: Mapping[str, Any]) -> Parent | None:
    """The parent in what recipe.json says of a run."""
    replay, parent, place = (facts.get(name) for name in ("replay", "parent", "start_from"))
    if isinstance(replay, dict):
        return _parent(replay, "rounds", "replay")
    if isinstance(parent, dict):
        return _parent(parent, "round", "fork")
    return Parent(place, None, "fork") if isinstance(place, str) else None


def _parent(said: Mapping[str, Any], unit: str, kind: Literal["fork", "replay"]) -> Parent | None:
    name, round_, started = (said.get(each) for each in ("run", unit, "started"))
    if not isinstance(name, str) or "\0" in name:
        return None
    return Parent(name, round_ if type(round_) is int else None, kind, started if isinstance(started, str) else None)


def started(run: Path) -> str | None:
    """When a run was started, by which it is known again in another place; None where that cannot be read."""
    with suppress(InputError):
        time = journal.read_first(run / "journal.jsonl").get("time")
        return time if isinstance(time, str) else None
    return None
