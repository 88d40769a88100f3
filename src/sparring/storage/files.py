"""Atomic and durable file operations; everything that a run writes goes through this module."""

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
    """Write a file under a temporary name, flush it to the disk and rename it into place; MachineError if that fails."""
    with _renamed(path, len(data)) as part, _opened(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
        _write_all(file, data)
        os.fsync(file)


def write_private(path: Path, data: bytes) -> None:
    """As `write_atomically`, a file that its owner alone may read and write, where the system knows owners."""
    with _renamed(path, len(data)) as part, _opened(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) as file:
        _write_all(file, data)


@contextmanager
def write_stream(path: Path, num_bytes: int) -> Iterator[BinaryIO]:
    """Context manager of a file, open to write and to read, that gets its name at the end of the block, atomically.

    An error in the block leaves nothing behind. num_bytes: about so many are to be written. MachineError if that fails.
    """
    with _renamed(path, num_bytes) as part, part.open("w+b") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Context manager of a folder to fill, which gets its name at the end of the block; an error leaves nothing behind.

    Raises MachineError where the folder cannot be made, or something has got its name meanwhile.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_errors(path, 0):
        part.mkdir()
        try:
            yield part
            part.rename(path)
            sync_folder(path.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def append(path: Path, data: bytes, *, flush: bool = False, create: bool = True) -> None:
    """Append to a file, which is created if necessary: either all of the data, or nothing and a MachineError.

    flush: return only after the data has reached the disk. Without it, data survives a kill but not a power failure.
    create: without it, a file that is not there is such an error.
    """
    flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0)
    with disk_errors(path, len(data)), _opened(path, flags) as file:
        before = os.fstat(file).st_size
        try:
            _write_all(file, data)
            if flush:
                os.fsync(file)
        except OSError:
            os.ftruncate(file, before)
            raise


def truncate(path: Path, num_bytes: int) -> None:
    """Truncate a file to its first `num_bytes`; MachineError if that fails."""
    with disk_errors(path, 0), _opened(path, os.O_WRONLY) as file:
        os.ftruncate(file, num_bytes)
        os.fsync(file)


def flush(path: Path) -> int:
    """Flush a file to the disk; returns its size in bytes."""
    with disk_errors(path, 0), _opened(path, os.O_WRONLY) as file:
        os.fsync(file)
        return os.fstat(file).st_size


def remove(path: Path) -> None:
    """Delete a file; MachineError if that fails."""
    with disk_errors(path, 0):
        os.remove(path)  # noqa: PTH107


def make_folder(path: Path) -> None:
    """Create a folder in an existing one; parents that were removed are not created again."""
    with disk_errors(path, 0):
        path.mkdir(exist_ok=True)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk on POSIX systems, so that a rename survives a power failure."""
    if os.name == "posix":
        with _opened(folder, os.O_RDONLY) as file:
            os.fsync(file)


def remove_temporaries(folder: Path) -> None:
    """Remove the temporary files that a killed process left below a folder."""
    for part in folder.rglob(".*.part"):
        remove(part)


def remove_temporaries_of(path: Path) -> None:
    """Remove temporary files of one file that killed processes left; the caller must be its only writer."""
    for part in path.parent.glob(f".{escape(path.name)}.*.part"):
        remove(part)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value to a file, indented."""
    write_atomically(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """The content of a JSON file with this value: indented UTF-8 with a final newline."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; InputError if it cannot be read, or is not a valid JSON object."""
    value = strict_json.parse(read_bytes(path, strict_json.LONGEST), str(path))
    if not isinstance(value, dict):
        raise InputError(f"cannot read {path}: it holds no JSON object")
    return value


def read_bytes(path: Path, longest: int) -> bytes:
    """All bytes of a file; InputError if it is not a file, cannot be read, or has more than `longest` bytes."""
    with open_to_read(path) as stream:
        data = stream.read(longest + 1)
    if len(data) > longest:
        raise InputError(f"cannot read {path}: it is longer than the {longest:,} bytes that such a file may have")
    return data


def lines(path: Path, longest: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
    """The complete lines of a file with their numbers from 1; an incomplete last line, as a kill leaves it, is skipped.

    Raises InputError if the file cannot be read, or has a line of more than `longest` bytes.
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
    """Context manager of a file opened for reading; InputError if it is not a file or reading fails, also in the block."""
    try:
        if not path.is_file():  # reading a pipe could block, a device might never end
            raise InputError(f"cannot read {path}: there is no such file" if not path.exists() else f"{path} is no file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def check_links(folder: Path) -> None:
    """Raise InputError if a link below a folder is broken or leads out of it; the folder itself may be a link."""
    root = folder.resolve()
    for where, folders, files in os.walk(folder):
        for path in (Path(where, name) for name in (*folders, *files)):
            if path.is_symlink() and not _leads_within(path, root):
                raise InputError(f"{path} is a link out of {folder}, which is not followed; put the file itself in its place")


def _leads_within(link: Path, root: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # broken or circular
        return False


@contextmanager
def disk_errors(path: Path, num_bytes: int) -> Iterator[None]:
    """Context manager that turns a failed write into an error that names the file and the space it needs."""
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"cannot write {path}: {error.strerror}; name another place") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise MachineError(f"cannot write {path}: {reason} (it needs {_mib(num_bytes)}{_free(path)})") from error


@contextmanager
def _renamed(path: Path, num_bytes: int) -> Iterator[Path]:
    """The temporary name of a file, which gets its own name after the block, and is gone where the block fails."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with disk_errors(path, num_bytes):
        try:
            yield part
            os.replace(part, path)  # noqa: PTH105 (all changes of the disk are calls of `os` here)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                part.unlink()


@contextmanager
def _opened(path: Path, flags: int, mode: int = 0o666) -> Iterator[int]:
    file = os.open(path, flags | _BINARY, mode)
    try:
        yield file
    finally:
        os.close(file)


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _free(path: Path) -> str:
    """The free space on a file's disk, in words."""
    try:
        return f", {_mib(shutil.disk_usage(path.parent).free)} are free"
    except OSError:
        return ", and its folder is gone"


def _mib(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:,.2f} MiB"
