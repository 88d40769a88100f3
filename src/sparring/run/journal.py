"""The journal of a run: one JSON object a line, one line an event."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring.errors import InputError
from sparring.files import disk_errors


class Journal:
    """Appends events to `journal.jsonl`; every line is handed to the system at once."""

    def __init__(self, path: Path):
        with disk_errors(path, 0):
            self._stream = path.open("ab")

    def write(self, event: str, **fields: Any) -> None:
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False)
        with disk_errors(Path(self._stream.name), len(line)):
            self._stream.write(line.encode() + b"\n")
            self._stream.flush()

    def sync(self) -> int:
        """Bring all lines to the disk; the length of the journal in bytes."""
        with disk_errors(Path(self._stream.name), 0):
            os.fsync(self._stream.fileno())
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events in order; an incomplete last line, as a kill leaves it, is passed over.

    Raises InputError, naming the line, where one is no event.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            if line.endswith("\n"):
                yield _event(line, f"{path}:{number}")


def _event(line: str, where: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise InputError(f"{where} is no event of a journal; the file was damaged")
    return event


def cut(path: Path, num_bytes: int) -> None:
    """Drop what was written after the first `num_bytes`: a resumed run will write it again.

    Raises InputError where the journal is shorter than that.
    """
    size = path.stat().st_size if path.exists() else 0
    if size < num_bytes:
        raise InputError(f"{path} has {size} bytes, but its checkpoint was saved at {num_bytes}: something cut or removed it")
    with disk_errors(path, 0):
        os.truncate(path, num_bytes)
