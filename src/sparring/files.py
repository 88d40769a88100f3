"""Files that are there whole or not at all. Everything that a run writes goes through here, call by call of the system."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sparring.errors import InputError, MachineError

_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place under a temporary name, flushed to the disk and then renamed; MachineError where that fails."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_errors(path, len(data)):
        try:
            with _opened(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
                _write_all(file, data)
                os.fsync(file)
            os.replace(part, path)  # noqa: PTH105 (all changes of the disk are calls of `os` here)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                part.unlink()


def append(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Add to the end of a file, which is made where there is none; all of the data or, with MachineError, nothing.

    `flush`: return when the disk has them. Without it they outlive the process, though not a power failure.
    """
    with disk_errors(path, len(data)), _opened(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
        before = os.fstat(file).st_size
        try:
            _write_all(file, data)
            if flush:
                os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise


def truncate(path: Path, num_bytes: int) -> None:
    """Keep a file's first bytes alone; MachineError where that fails."""
    with disk_errors(path, 0), _opened(path, os.O_WRONLY) as file:
        os.ftruncate(file, num_bytes)
        os.fsync(file)


def flush(path: Path) -> int:
    """Bring what was appended to a file to the disk; its size in bytes."""
    with disk_errors(path, 0), _opened(path, os.O_WRONLY) as file:
        os.fsync(file)
        return os.fstat(file).st_size


def remove(path: Path) -> None:
    """Delete a file; MachineError where that fails."""
    with disk_errors(path, 0):
        os.remove(path)  # noqa: PTH107


def make_folder(path: Path) -> None:
    """A folder within one that is there: what somebody removed does not come back by itself."""
    with disk_errors(path, 0):
        path.mkdir(exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring a folder's own entries to the disk, where the system can: a rename is only then sure to outlive a power failure."""
    if os.name == "posix":
        with _opened(folder, os.O_RDONLY) as file:
            os.fsync(file)


def sweep(folder: Path) -> None:
    """Remove the temporary files that a killed process left below a folder."""
    for part in folder.rglob(".*.part"):
        remove(part)


def write_json(path: Path, value: Any) -> None:
    """One JSON value, indented for people."""
    write_atomically(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """One JSON value as a file of its own holds it."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; InputError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"cannot read {path}: it holds no JSON object")
    return value


@contextmanager
def disk_errors(path: Path, num_bytes: int) -> Iterator[None]:
    """Turn the failure of a write into one sentence that names the file and the space it needs."""
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"cannot write {path}: {error.strerror}; name another place") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(f"cannot write {path}: {reason} (it needs {_mib(num_bytes)}{_free(path)})") from error


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    file = os.open(path, flags | _BINARY, 0o666)
    try:
        yield file
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _free(path: Path) -> str:
    """What the disk of a file has left, where its folder is there to ask."""
    try:
        return f", {_mib(shutil.disk_usage(path.parent).free)} are free"
    except OSError:
        return ", and its folder is gone"


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:,.2f} MiB"
