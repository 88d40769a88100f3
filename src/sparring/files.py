"""Files that are there whole or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        raise MachineError(f"cannot write {path} ({num_bytes / 2**20:.1f} MiB): {reason}") from error
