"""The command line for what the form of the page holds: names and values, never a path that was typed."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparring.errors import InputError
from sparring.storage import strict_json
from sparring.web.run_index import RunIndex

UNITS = ("epochs", "images", "rounds", "minutes")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_KEY = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
_LONGEST = 2000  # characters of a value


@dataclass(frozen=True)
class TrainingRequest:
    """A training that was asked for: recipe, settings by dotted name, length, seed, data, and the run to start from."""

    recipe: str
    settings: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    data: str | None = None
    start_from: Path | None = None

    def arguments(self) -> list[str]:
        """What follows `sparring train`."""
        found = [self.recipe]
        found += ["--data", self.data] if self.data is not None else []
        found += [
            text for unit, value in self.lengths.items() for text in (f"--{unit}", str(value) if value % 1 else str(int(value)))
        ]
        found += ["--seed", str(self.seed)] if self.seed else []
        found += ["--from", str(self.start_from)] if self.start_from else []
        return found + [text for name, value in self.settings.items() for text in ("--set", f"{name}={value}")]


def parse(body: dict[str, Any], run_index: RunIndex, folders: dict[str, Path]) -> TrainingRequest:
    """The training in a request; InputError for what the form cannot have sent.

    folders: those that the server was started with, by the names that the form shows.
    """
    unknown = set(body) - {"recipe", "settings", "lengths", "seed", "data", "from", "checkpoint"}
    if unknown:
        raise InputError(f"the request has {strict_json.shown(min(unknown))}, which no training takes")
    return TrainingRequest(
        _name(body.get("recipe"), "recipe"),
        dict(_setting(name, value) for name, value in _object(body.get("settings"), "settings").items()),
        dict(_length(unit, value) for unit, value in _object(body.get("lengths"), "lengths").items()),
        _seed(body.get("seed", 0)),
        _data(body.get("data"), folders),
        _parent(body.get("from"), body.get("checkpoint"), run_index),
    )


def _name(value: Any, what: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InputError(f"{what} is {strict_json.shown(value)}; it must be a name from the list")
    return value


def _object(value: Any, what: str) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise InputError(f"{what} is {strict_json.shown(value)}; it must be an object")
    return value or {}


def _setting(name: str, value: Any) -> tuple[str, str]:
    if not _KEY.fullmatch(name):
        raise InputError(f"there is no setting {strict_json.shown(name)}")
    if name == "data" or name.endswith("path"):
        raise InputError(f"{name} cannot be set from the page; start the server with --data-root, and choose a folder there")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise InputError(f"{name} is {strict_json.shown(value)}; it must be a short text")
    return name, value


def _length(unit: str, value: Any) -> tuple[str, float]:
    whole = type(value) is int or (isinstance(value, float) and unit == "minutes")
    if unit not in UNITS or not whole or not 0 < value < 2**40:
        raise InputError(
            f"{strict_json.shown(unit)} is {strict_json.shown(value)}; a length is a number above 0 of {', '.join(UNITS)}"
        )
    return unit, value


def _seed(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise InputError(f"seed is {strict_json.shown(value)}; it must be a whole number of at least 0")
    return value


def _data(value: Any, folders: dict[str, Path]) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value in folders:
        return str(folders[value])
    return _name(value, "data")


def _parent(run: Any, checkpoint: Any, run_index: RunIndex) -> Path | None:
    """The run to start from, or the file of one of its checkpoints."""
    if run is None:
        return None
    entry = run_index.entries().get(run) if isinstance(run, str) else None
    if entry is None:
        raise InputError(f"there is no run {strict_json.shown(run)} to start from")
    if checkpoint is None:
        return entry.path
    if all(one["name"] != checkpoint for one in entry.checkpoints()):
        raise InputError(f"{entry.title} has kept no checkpoint {strict_json.shown(checkpoint)}")
    return entry.path / "checkpoints" / f"{checkpoint}.safetensors"


def data_folders(roots: tuple[Path, ...]) -> dict[str, Path]:
    """The folders below those of --data-root, by the names that the page shows."""
    found = [path for root in roots for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    return {f"{path.parent.name}/{path.name}": path for path in found}
