"""The journal of a run: one event per line, as a JSON object, with a checksum for each line in a second file.

journal.crc32 holds the CRC-32 of each line of journal.jsonl, as eight hexadecimal digits. A line's checksum is written before
the line, so a kill can leave one checksum too many, but never one too few.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from sparring.errors import InputError, MachineError
from sparring.runs import events
from sparring.storage import strict_json
from sparring.storage.files import append, flush, open_to_read, truncate, write_atomically

_ENTRY = len("01234567\n")  # bytes of a checksum


class Journal:
    """Appends events to `journal.jsonl`; every line is passed to the operating system at once.

    A failed write raises MachineError. A `patient` journal keeps unwritten lines in memory instead, and retries.
    """

    def __init__(self, path: Path, *, patient: bool = False):
        self._path, self._patient = path, patient
        self._waiting: list[bytes] = []

    def write(self, event: str, **fields: Any) -> None:
        """Append an event; ValueError, and no line, for one that could not be read again."""
        line = json.dumps({"event": event, **fields}, ensure_ascii=False, allow_nan=False).encode()
        try:
            parse(line, "a new event")
        except InputError as error:
            raise ValueError(f"the journal cannot hold {line.decode()}: {error}") from error
        self._waiting.append(line)
        try:
            while self._waiting:
                _append(self._path, self._waiting[0])
                del self._waiting[0]
        except MachineError:
            if not self._patient:
                self._waiting.clear()
                raise

    @property
    def is_written(self) -> bool:
        """True if no line is waiting to be written."""
        return not self._waiting

    def sync(self) -> int:
        """Flush all lines to the disk; returns the length of the journal in bytes."""
        flush(sums_of(self._path))
        return flush(self._path)


def sums_of(path: Path) -> Path:
    """The file of a journal's checksums."""
    return path.with_suffix(".crc32")


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events in order; an incomplete last line, as a kill leaves it, is skipped.

    Raises InputError, naming the line, if it is not a valid event or does not match its checksum.
    """
    if path.exists():
        *lines, rest = _bytes(path).split(b"\n")
        yield from _events(path, lines, rest)


def read_first(path: Path) -> dict[str, Any]:
    """The first event, whose checksum is not looked at; InputError if there is none."""
    with open_to_read(path) as stream:
        return parse(stream.readline(strict_json.LONGEST), f"{path}:1")


def parse(line: bytes, where: str) -> dict[str, Any]:
    """The event in a line; InputError, naming the place `where`, if it is not a valid event."""
    try:
        event = strict_json.parse(line, where)
    except InputError as error:
        raise InputError(f"{where} is no event of a journal; the file was damaged ({error})") from None
    return events.check(event, where)


def read_intact(path: Path) -> Iterator[dict[str, Any]]:
    """The events in order, up to the first damaged line."""
    with suppress(InputError):
        yield from read(path)


def missing_lines(path: Path) -> int:
    """The number of missing lines that have a checksum, not counting the one that a kill can explain."""
    if not (path.exists() and sums_of(path).exists()):
        return 0
    return max(0, sums_of(path).stat().st_size // _ENTRY - _bytes(path).count(b"\n") - 1)


def truncate_after(path: Path, num_bytes: int) -> None:
    """Drop everything after the first `num_bytes`, which a resumed run writes again.

    Raises InputError if the journal is shorter, or damaged before that point.
    """
    data = _bytes(path) if path.exists() else b""
    if len(data) < num_bytes:
        raise InputError(
            f"{path} has {len(data)} bytes, but its checkpoint was saved at {num_bytes}: it was truncated or removed"
        )
    *lines, _ = data[:num_bytes].split(b"\n")
    list(_events(path, lines, b""))
    if len(data) > num_bytes:
        truncate(path, num_bytes)
    write_atomically(sums_of(path), b"".join(map(_entry, lines)))


def _bytes(path: Path) -> bytes:
    with open_to_read(path) as stream:
        return stream.read()


def _append(path: Path, line: bytes) -> None:
    append(sums_of(path), _entry(line))
    try:
        append(path, line + b"\n")
    except MachineError:
        with suppress(OSError, MachineError):
            truncate(sums_of(path), sums_of(path).stat().st_size - _ENTRY)
        raise


def _events(path: Path, lines: list[bytes], rest: bytes) -> Iterator[dict[str, Any]]:
    """The events of complete lines, each verified if there are checksums; `rest` is the text after the last line."""
    sums = _bytes(sums_of(path)) if sums_of(path).exists() else None
    for number, line in enumerate(lines):
        if sums is not None and sums[number * _ENTRY :][:_ENTRY] != _entry(line):
            raise _damaged(path, number)
        yield parse(line, f"{path}:{number + 1}")
    if rest and sums is not None and sums[len(lines) * _ENTRY :] == _entry(rest[:-1]):  # complete except for the newline
        raise _damaged(path, len(lines))


def _entry(line: bytes) -> bytes:
    return b"%08x\n" % crc32(line)


def _damaged(path: Path, number: int) -> InputError:
    sums = sums_of(path)
    return InputError(
        f"{path}:{number + 1} was damaged or changed: it does not have the checksum in {sums.name}; "
        f"restore both from a copy, or remove {sums} to do without"
    )
