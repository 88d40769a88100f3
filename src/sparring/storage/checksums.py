"""Checksums of a folder's files, in a file `SHA256SUMS` that `sha256sum --check` can read.

A file's line is written before the file, so a kill between the two leaves a line without its file. A file may therefore have
several lines; it is intact if one of them has its checksum.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sparring.errors import InputError
from sparring.storage.files import append, disk_errors, make_folder, open_to_read, read_bytes, truncate, write_atomically

NAME = "SHA256SUMS"
_LINE = re.compile("[0-9a-f]{64}  [^/].*\n")


class DamagedError(InputError):
    """A file without the checksum that its folder's list has for it."""


def write(folder: Path, name: str, data: bytes) -> None:
    """Write a file to a folder (or to one directly below it) atomically, and record its checksum."""
    path = folder / name
    if path.parent != folder:
        make_folder(path.parent)
    _drop_torn_line(folder / NAME)
    append(folder / NAME, _line(data, name).encode(), flush=True)
    write_atomically(path, data)


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically, in a folder that is made if it is missing; where the folder has a list, with its checksum."""
    with disk_errors(path, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
    if (path.parent / NAME).is_file():
        write(path.parent, path.name, data)
    else:
        write_atomically(path, data)


def record(folder: Path, name: str, stream: BinaryIO) -> None:
    """Record the checksum of a file that is about to get this name; `stream`: all of it, to be read from its start."""
    stream.seek(0)
    digest = sha256()
    while part := stream.read(1 << 20):
        digest.update(part)
    _drop_torn_line(folder / NAME)
    append(folder / NAME, f"{digest.hexdigest()}  {name}\n".encode(), flush=True)


def read(folder: Path, name: str, longest: int | None = None) -> bytes:
    """The bytes of a file; InputError if it is missing or longer than `longest` bytes, DamagedError if no checksum fits."""
    if longest is not None:
        data = read_bytes(folder / name, longest)
    else:
        with open_to_read(folder / name) as stream:
            data = stream.read()
    known = [line for line in _lines(folder) if line[64:] == f"  {name}\n"]
    if known and _line(data, name) not in known:
        raise DamagedError(
            f"{folder / name} was damaged or changed: it does not have the checksum in {NAME}; "
            f"restore it from a copy, or, if you changed it on purpose, remove its line from {folder / NAME}"
        )
    return data


def problems(folder: Path) -> Iterator[str]:
    """A sentence about every listed file that is missing or damaged, or about an unreadable list."""
    try:
        names = dict.fromkeys(_name(line) for line in _lines(folder))
    except InputError as error:
        yield str(error)
        return
    for name in names:
        if name is None:
            yield f"{folder / NAME} was damaged: it holds a line that is none of its own"
            continue
        try:
            read(folder, name)
        except InputError as error:
            yield str(error)


def repair(folder: Path) -> None:
    """Drop what a kill left at the end of the list: an incomplete line, or the line of a file that was not written."""
    lines = _lines(folder)
    _drop_torn_line(folder / NAME)
    name = _name(lines[-1]) if lines else None
    if name is not None and not (folder / name).exists():
        write_atomically(folder / NAME, "".join(lines[:-1]).encode())


def compact(folder: Path) -> None:
    """Reduce the list to one line per intact file, so that `sha256sum --check` succeeds."""
    lines, kept = _lines(folder), dict[str | None, list[str]]()
    for line in lines:
        kept.setdefault(_name(line), []).append(line)
    for name, its_lines in kept.items():
        if name is not None and (folder / name).is_file():
            true = _line((folder / name).read_bytes(), name)
            kept[name] = [true] if true in its_lines else its_lines
    tidied = [line for its_lines in kept.values() for line in its_lines]
    if tidied != lines:
        write_atomically(folder / NAME, "".join(tidied).encode())


def _line(data: bytes, name: str) -> str:
    return f"{sha256(data).hexdigest()}  {name}\n"


def _lines(folder: Path) -> list[str]:
    """The complete lines, without an incomplete one that a kill left at the end; InputError if they cannot be read."""
    if not (folder / NAME).exists():
        return []
    with open_to_read(folder / NAME) as stream:
        *lines, _ = stream.read().decode(errors="replace").split("\n")
    return [f"{line}\n" for line in lines]


def _name(line: str) -> str | None:
    """The file name in a line; None for a malformed line, or a file outside the folder."""
    name = line[66:-1]
    return name if _LINE.fullmatch(line) and ".." not in PurePosixPath(name).parts else None


def _drop_torn_line(path: Path) -> None:
    data = path.read_bytes() if path.is_file() else b"\n"
    if not data.endswith(b"\n"):
        truncate(path, data.rfind(b"\n") + 1)
