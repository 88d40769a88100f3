"""Summaries of the runs under a folder, and the check of their files."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparring.config import codec
from sparring.config.registry import UnknownPartError
from sparring.errors import InputError
from sparring.runs import journal, scorebook
from sparring.runs.family import parent_of
from sparring.runs.folders import run_folders
from sparring.runs.run import Run, damage_in
from sparring.storage.files import read_json


def summaries(root: Path) -> list[dict[str, Any]]:
    """Name, recipe, changed settings, parent, state, progress, newest score and size of every run under `root`, oldest first.

    A run that cannot be read has the state "unreadable".
    """
    return [_summary(path) for path in _runs(root)]


def damage(root: Path, progress: Callable[[str, int, int], None]) -> dict[str, list[str]]:
    """For every run under `root`, a sentence about each file that is damaged or missing."""
    folders = _runs(root)
    found = {}
    for done, path in enumerate(folders, 1):
        try:
            with suppress(UnknownPartError):  # a part of the user's own, which files do not hold
                Run.open(path)
            found[str(path)] = list(damage_in(path))
        except InputError as error:
            found[str(path)] = [str(error)]
        progress("checking", done, len(folders))
    return found


def seeds(folder: Path) -> dict[int, Path]:
    """The runs of a folder that `sparring train --seeds` made, by seed in order; empty where there are none."""
    found = {path.parent.name.removeprefix("seed"): path.parent for path in folder.glob("seed*/recipe.json")}
    return {int(number): found[number] for number in sorted(filter(_is_seed, found), key=int)}


def _is_seed(text: str) -> bool:
    return re.fullmatch("0|[1-9][0-9]*", text) is not None


def _runs(root: Path) -> list[Path]:
    """The folders of all runs under `root`, oldest first."""
    if not root.is_dir():
        raise InputError(f"there is no folder {root}; runs are made by `sparring train`")
    return run_folders(root)


def _summary(path: Path) -> dict[str, Any]:
    files = [file for file in path.rglob("*") if file.is_file() and not file.name.endswith(".part")]
    size = sum(file.stat().st_size for file in files)
    row = {"run": str(path), "recipe": "", "state": "unreadable", "rounds": 0, "epoch": 0, "seconds": 0.0, "score": None}
    row |= {"set": {}, "parent": None, "MiB": round(size / 2**20, 1)}
    try:
        name, settings = _recipe(path)
        events, evaluations = list(journal.read(path / "journal.jsonl")), scorebook.read(path)
    except InputError:
        return row
    endings = [event["ending"] for event in events[-1:] if event["event"] == "end"]
    parent = parent_of(path)
    row["parent"] = parent and {"run": parent.named, "round": parent.round, "kind": parent.kind}
    row |= {"recipe": name, "set": settings, "state": endings[0] if endings else "unfinished"}
    if evaluations:
        newest = max(evaluations, key=lambda evaluation: (evaluation.round, not evaluation.quick))
        row["score"] = codec.encode(newest.scores[0]) | {"quick": newest.quick}
    rounds = [event for event in events if event["event"] == "round"]
    if rounds:
        last = rounds[-1]
        row |= {"rounds": last["round"], "epoch": last["epoch"], "seconds": round(last["seconds"], 1)}
    return row


def _recipe(path: Path) -> tuple[str, dict[str, str]]:
    """The name of a run's recipe and the settings that were changed, also where a part of the user's is not here."""
    try:
        run = Run.open(path)
        return run.recipe.name, run.facts.get("settings", {})
    except UnknownPartError:
        facts = read_json(path / "recipe.json")
        return str(facts["recipe"].get("name", "")), facts.get("settings", {})
