"""Files that are there whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from sparring import jsontext
from sparring.errors import InputError, MachineError


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place under a temporary name, flushed to the disk and then renamed; MachineError where that fails."""
    part = path.with_name(f".{path.name}.part")
    with disk_errors(path, len(data)):
        try:
            with part.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """One JSON value, indented for people."""
    write_atomically(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; InputError where there is none that can be trusted."""
    value = jsontext.parse(read_bytes(path, jsontext.LONGEST), str(path))
    if not isinstance(value, dict):
        raise InputError(f"cannot read {path}: it holds no JSON object")
    return value


def read_bytes(path: Path, longest: int) -> bytes:
    """All bytes of a file; InputError where it is none, cannot be read, or has more than `longest` bytes."""
    with opened(path) as stream:
        data = stream.read(longest + 1)
    if len(data) > longest:
        raise InputError(f"cannot read {path}: it is longer than the {longest:,} bytes that such a file may have")
    return data


def lines(path: Path, longest: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a file and their numbers from 1; a last one without its end, as a kill leaves it, is passed over.

    InputError where the file cannot be read, or has a line of more than `longest` bytes.
    """
    with opened(path) as stream:
        for number in count(1):
            line = stream.readline(longest + 1)
            if not line.endswith(b"\n"):
                if len(line) > longest:
                    raise InputError(f"{path}:{number} is longer than {longest:,} bytes; the file was damaged")
                return
            yield number, line


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A file to read from; InputError, also for failures within the block, where it is no file or cannot be read."""
    try:
        if not path.is_file():  # a pipe would have us wait, a device would never end
            raise InputError(f"cannot read {path}: there is no such file" if not path.exists() else f"{path} is no file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def check_links(folder: Path) -> None:
    """InputError where a link anywhere below a folder leads out of it, or nowhere; the folder itself may be a link."""
    root = folder.resolve()
    for where, folders, files in os.walk(folder):
        for path in (Path(where, name) for name in (*folders, *files)):
            if path.is_symlink() and not _leads_within(path, root):
                raise InputError(f"{path} is a link out of {folder}, which is not followed; put the file itself in its place")


def _leads_within(link: Path, root: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # nowhere, or in a circle
        return False


@contextmanager
def disk_errors(path: Path, num_bytes: int) -> Iterator[None]:
    """Turn the failure of a write into one sentence that names the file and the space it needs."""
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"cannot write {path}: {error.strerror}; name another place") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(f"cannot write {path} ({num_bytes / 2**20:.1f} MiB): {reason}") from error
