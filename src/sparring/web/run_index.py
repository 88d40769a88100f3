"""The runs that the server shows: found under one folder, named by ids that are no paths, summed up from their last lines."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

from sparring.errors import InputError, SparringError
from sparring.runs import orders
from sparring.runs.family import parent_in, started
from sparring.storage import locks, strict_json
from sparring.storage.files import open_to_read, read_bytes, read_json
from sparring.web import series_cache
from sparring.web.memory import memory_mib
from sparring.web.series import CHUNK, Series, is_number, parsed

TAIL = 1 << 15  # bytes at the end of a journal that are read for a summary
FRESH = 2.0  # seconds before the folder is looked through again
JUST_NOW = 0.1  # the same for a run that was not there
READ = ("recipe.json", "journal.jsonl", "scores.jsonl")  # by the server itself
PICTURES = (".png", ".gif")
SNAPSHOTS = "snapshots"  # the folder of `runs.snapshots`, which needs PyTorch
_NUMBERED = re.compile(r"round_[0-9]{8,12}")
_WARNING = b'{"event": "warning"'


@dataclass
class RunIndex:
    """All runs under `root`, or the one run that it is."""

    root: Path
    _found: dict[str, "Entry"] = field(default_factory=dict)
    _looked: float = -1e9
    _lock: Any = field(default_factory=Lock)

    def entries(self, just_now: bool = False) -> dict[str, "Entry"]:
        """The runs by id, in the order of their folders' names, as they were some seconds ago at most, or just now."""
        with self._lock:
            if time.monotonic() - self._looked > (JUST_NOW if just_now else FRESH):
                paths = {identity(self.root, path): path for path in _folders(self.root)}
                self._found = {name: self._found.get(name) or Entry(name, path, self.root) for name, path in paths.items()}
                self._looked = time.monotonic()
            return self._found

    def get(self, name: str) -> "Entry":
        """The run with this id; KeyError where there is none."""
        found = self.entries()
        return found[name] if name in found else self.entries(just_now=True)[name]  # as of a training that has just begun

    def rows(self) -> list[dict[str, Any]]:
        """A summary of each run, the one that changed last first."""
        rows = [entry.summary() for entry in self.entries().values()]
        by_start = {row["started"]: row["id"] for row in rows if row["started"]}
        for row in rows:
            row["parent_id"] = self._parent_of(row["parent"], by_start)
        return sorted(rows, key=lambda row: (-row["changed"], row["name"]))

    def row(self, name: str) -> dict[str, Any]:
        """The summary of one run; KeyError where there is none."""
        return {row["id"]: row for row in self.rows()}[name]

    def _parent_of(self, parent: dict[str, Any] | None, by_start: dict[str, str]) -> str | None:
        """The id of a run's parent, also where that has moved since; None where it is not here."""
        if parent is None:
            return None
        root, place = self.root.resolve(), Path(parent["named"]).resolve()
        known = identity(root, place) if place.is_relative_to(root) else ""
        return by_start.get(parent["started"] or "") or (known if known in self._found else None)


def identity(root: Path, path: Path) -> str:
    """The id of a run: the same whenever the server is started for this folder."""
    return sha256(os.fsencode(path.relative_to(root))).hexdigest()[:12]


def _folders(root: Path) -> Iterator[Path]:
    """The folders with a recipe.json, and none inside of those; links are not followed."""
    for where, folders, files in os.walk(root):
        if "recipe.json" in files:
            folders.clear()
            if not any((Path(where) / name).is_symlink() for name in READ):
                yield Path(where)
        folders.sort()


class Entry:
    """One run: what is known of it, renewed where its files have changed."""

    def __init__(self, name: str, path: Path, root: Path):
        self.id, self.path = name, path
        self.title = path.name if path == root else path.relative_to(root).as_posix()
        self.journal = path / "journal.jsonl"
        self._series: Series | None = None
        self._saved = 0
        self._lock = Lock()
        self._stamps: tuple = ()
        self._summary: dict[str, Any] = {}
        self._warnings: tuple[int, int, dict[str, Any] | None] = (0, 0, None)  # bytes looked through, warnings, the last one

    def window(self, axis: str, low: float, high: float, points: int) -> dict[str, Any]:
        """What charts show of a part of the run, see `Series.window`, and how far the journal was read, `offset`.

        Raises InputError where it cannot be read.
        """
        with self._lock:
            found = self._read_on()
            return {"offset": found.offset, **found.window(self.journal, axis, low, high, points)}

    def marks(self) -> list[dict[str, Any]]:
        """The journal's events but rounds and epochs; InputError where it cannot be read."""
        with self._lock:
            return list(self._read_on().marks)

    def _read_on(self) -> Series:
        """The journal's numbers up to now."""
        if self._series is None:
            self._series = series_cache.opened(self.journal)
            self._saved = self._series.offset
        while not self._series.read_on(self.journal):
            self._series, self._saved = Series(), 0
        if self._series.offset > 1.25 * self._saved:
            series_cache.save(self.journal, self._series)
            self._saved = self._series.offset
        return self._series

    def recipe(self) -> dict[str, Any]:
        """What recipe.json holds; {} where it cannot be read."""
        with suppress(InputError):
            return read_json(self.path / "recipe.json")
        return {}

    def picture(self, name: str) -> Path | None:
        """The file of a picture by its name; None where the run has none, or a link leads out of it."""
        path = self.path / "samples" / name
        if not is_picture(f"samples/{name}") or not path.is_file():
            return None
        return path if path.resolve().is_relative_to(self.path.resolve()) else None

    def checkpoints(self) -> list[dict[str, Any]]:
        """The kept checkpoints, oldest first: `name` and `round`."""
        names = sorted(path.stem for path in (self.path / "checkpoints").glob("*.safetensors") if not path.is_symlink())
        return [{"name": name, "round": int(name[6:])} for name in names if _NUMBERED.fullmatch(name)]

    def kept(self) -> list[dict[str, Any]]:
        """The checkpoints, and the snapshots of other rounds, oldest first: `name` and `round`."""
        names = [path.stem for path in (self.path / SNAPSHOTS).glob("*.safetensors") if not path.is_symlink()]
        found = {int(name[6:]): f"{SNAPSHOTS}/{name}" for name in names if _NUMBERED.fullmatch(name)}
        found |= {one["round"]: one["name"] for one in self.checkpoints()}
        return [{"name": found[round_], "round": round_} for round_ in sorted(found)]

    def kept_file(self, name: Any) -> Path | None:
        """The file of a checkpoint or of a snapshot by its name in `kept`; None where there is none."""
        if all(one["name"] != name for one in self.kept()):
            return None
        return self.path / f"{name if name.startswith(SNAPSHOTS) else f'checkpoints/{name}'}.safetensors"

    def summary(self) -> dict[str, Any]:
        """A row of the list of runs."""
        stamps = tuple(stamp(self.path / name) for name in READ)
        if stamps != self._stamps:
            self._stamps, self._summary = stamps, self._read_summary()
        changed = stamp(self.journal)[0] / 1e9
        ended = self._summary["ending"]
        state = ended or ("running" if self._is_trained() else "unfinished")
        memory = memory_mib(self.path / ".lock") if state == "running" else None
        now = {"changed": changed, "state": state, "memory": memory, "steerable": (self.path / orders.FILE).exists()}
        return self._summary | now

    def _is_trained(self) -> bool:
        """True if a process trains the run; False where that cannot be seen, as in a folder of another user."""
        with suppress(SparringError):
            return not (self.path / ".lock").is_symlink() and locks.is_trained(self.path)
        return False

    def _read_summary(self) -> dict[str, Any]:
        facts = self.recipe()
        described = facts.get("recipe")
        described = described if isinstance(described, dict) else {}
        events = list(self._last_events())
        rounds = [event for event in events if event["event"] == "round"]
        ends = [event for event in events[-1:] if event["event"] == "end"]
        place = rounds[-1] if rounds else {}
        count, warning = self._count_warnings()
        kept = self.kept()
        return {
            "id": self.id,
            "name": self.title,
            "recipe": str(described.get("name", "")),
            "length": described.get("length"),
            "num_images": facts.get("num_images"),
            "started": started(self.path),
            "parent": _parent(facts),
            "ending": str(ends[0].get("ending", "finished")) if ends else None,
            "reason": str(ends[0].get("reason", "")) if ends else "",
            "place": {name: place.get(name) for name in ("round", "epoch", "images", "seconds") if is_number(place.get(name))},
            "speed": _speed(rounds),
            "score": self._score(),
            "warnings": count,
            "warning": warning,
            "picture": self._newest_picture(),
            "checkpoints": [one for one in kept if "/" not in one["name"]],
            "kept": kept,
        }

    def _last_events(self) -> Iterator[dict[str, Any]]:
        with suppress(InputError), open_to_read(self.journal) as stream:
            start = max(0, stream.seek(0, 2) - TAIL)
            stream.seek(start)
            lines = stream.read(TAIL).split(b"\n")[1 if start else 0 : -1]
            yield from (event for line in lines if (event := parsed(line)))

    def _count_warnings(self) -> tuple[int, dict[str, Any] | None]:
        """The number of the coach's warnings and the last one; what was looked through before is not read again."""
        offset, count, last = self._warnings
        with suppress(InputError), open_to_read(self.journal) as stream:
            if stream.seek(0, 2) < offset:
                offset, count, last = 0, 0, None
            stream.seek(offset)
            while end := (data := stream.read(CHUNK)).rfind(b"\n") + 1:
                for line in _lines_with(_WARNING, data[:end]):
                    count, last = count + 1, parsed(line) or last
                offset += end
                stream.seek(offset)
        self._warnings = offset, count, last
        return count, last

    def _score(self) -> dict[str, Any] | None:
        """The newest score with its interval; None where there is none."""
        with suppress(InputError, KeyError, TypeError, IndexError):
            text = read_bytes(self.path / "scores.jsonl", strict_json.LONGEST)
            line = text.rstrip().rsplit(b"\n", 1)[-1]
            evaluation = strict_json.parse(line, "scores.jsonl")
            score = evaluation["scores"][0]
            shown = {name: score[name] if is_number(score[name]) else None for name in ("value", "low", "high", "floor")}
            return {"metric": str(score["metric"]), "quick": bool(evaluation["quick"]), **shown}
        return None

    def _newest_picture(self) -> str | None:
        folder = self.path / "samples"
        with suppress(OSError):
            names = [entry.name for entry in os.scandir(folder) if is_picture(f"samples/{entry.name}") and entry.is_file()]
            times = {name: (folder / name).stat().st_mtime_ns for name in names}
            return max(names, key=lambda name: (not name.startswith("landscape"), times[name]), default=None)
        return None


def _parent(facts: dict[str, Any]) -> dict[str, Any] | None:
    """The parent that recipe.json names: `named`, `round`, `kind`, `started`."""
    found = parent_in(facts)
    return found and {"named": found.named, "round": found.round, "kind": found.kind, "started": found.started}


def is_picture(file: str) -> bool:
    """True for the name of a picture among a run's samples."""
    return re.fullmatch(r"samples/[\w.-]{1,200}", file) is not None and file.endswith(PICTURES)


def _lines_with(start: bytes, data: bytes) -> Iterator[bytes]:
    """The lines that start so, quicker than by looking at each."""
    place = data.find(start)
    while place >= 0:
        end = data.index(b"\n", place)
        if data[max(0, place - 1) : place] in (b"", b"\n"):
            yield data[place:end]
        place = data.find(start, end)


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file is written to: the time of its last change, in ns, and its length; zeros where there is none."""
    with suppress(OSError):
        found = path.stat()
        return found.st_mtime_ns, found.st_size
    return 0, 0


def _speed(rounds: list[dict[str, Any]]) -> dict[str, float] | None:
    """Rounds and images a second, over the last journalled rounds."""
    if len(rounds) < 2:
        return None
    first, last = rounds[max(0, len(rounds) - 20)], rounds[-1]
    if not all(is_number(row.get(name)) for row in (first, last) for name in ("round", "images", "seconds")):
        return None
    seconds = last["seconds"] - first["seconds"]
    return {name: (last[name] - first[name]) / seconds for name in ("round", "images")} if seconds > 0 else None
