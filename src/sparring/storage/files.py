"""Files that are there whole or not at all. Everything that a run writes goes through here, call by call of the system."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from sparring.errors import InputError, MachineError
from sparring.storage import strict_json

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


def remove_temporaries(folder: Path) -> None:
    """Remove the temporary files that a killed process left below a folder."""
    for part in folder.rglob(".*.part"):
        remove(part)


def remove_temporaries_of(path: Path) -> None:
    """Remove the temporary files that killed processes left of one file; for who alone may write it now."""
    for part in path.parent.glob(f".{escape(path.name)}.*.part"):
        remove(part)


def write_json(path: Path, value: Any) -> None:
    """One JSON value, indented for people."""
    write_atomically(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """One JSON value as a file of its own holds it."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; InputError where there is none that can be trusted."""
    value = strict_json.parse(read_bytes(path, strict_json.LONGEST), str(path))
    if not isinstance(value, dict):
        raise InputError(f"cannot read {path}: it holds no JSON object")
    return value


def read_bytes(path: Path, longest: int) -> bytes:
    """All bytes of a file; InputError where it is none, cannot be read, or has more than `longest` bytes."""
    with open_to_read(path) as stream:
        data = stream.read(longest + 1)
    if len(data) > longest:
        raise InputError(f"cannot read {path}: it is longer than the {longest:,} bytes that such a file may have")
    return data


def lines(path: Path, longest: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a file and their numbers from 1; a last one without its end, as a kill leaves it, is passed over.

    InputError where the file cannot be read, or has a line of more than `longest` bytes.
    """
    with open_to_read(path) as stream:
        for number in count(1):
            line = stream.readline(longest + 1)
            if not line.endswith(b"\n"):
                if len(line) > longest:
                    raise InputError(f"{path}:{number} is longer than {longest:,} bytes; the file was damaged")
                return
            yield number, line


@contextmanager
def open_to_read(path: Path) -> Iterator[BinaryIO]:
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
