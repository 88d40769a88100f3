"""The journal of a run: one JSON object a line, one line an event."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparring import jsontext
from sparring.errors import InputError
from sparring.files import disk_errors, lines
from sparring.run import events


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

    Raises InputError, naming the line, where one is no event, or lacks what readers need of it.
    """
    if path.exists():
        for number, line in lines(path):
            yield parse(line, f"{path}:{number}")


def parse(line: bytes, where: str) -> dict[str, Any]:
    """The event in a line; InputError, naming the place `where`, if it is none."""
    try:
        event = jsontext.parse(line, where)
    except InputError as error:
        raise InputError(f"{where} is no event of a journal; the file was damaged ({error})") from None
    return events.check(event, where)


def cut(path: Path, num_bytes: int) -> None:
    """Drop what was written after the first `num_bytes`: a resumed run will write it again.

    Raises InputError where the journal is shorter than that.
    """
    size = path.stat().st_size if path.exists() else 0
    if size < num_bytes:
        raise InputError(f"{path} has {size} bytes, but its checkpoint was saved at {num_bytes}: something cut or removed it")
    with disk_errors(path, 0):
        os.truncate(path, num_bytes)
