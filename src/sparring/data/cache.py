"""Locks and errors of the cache folder, which all processes of a user share."""

from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from sparring.data.streams import in_short
from sparring.errors import MachineError


@contextmanager
def locked(folder: Path, wait: bool = True):
    """Within the block no other process is in one for this folder, which is made if it is missing; MachineError as `usable`.

    Without `wait` it is a MachineError where another process is.
    """
    lock = FileLock(folder / ".lock")
    with usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=-1 if wait else 0)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def usable(folder: Path):
    """Turn a failure of the disk within the block into a MachineError of one sentence."""
    try:
        yield
    except OSError as error:
        reason = in_short(error)
        raise MachineError(f"cannot use {folder}: {reason}; SPARRING_CACHE may name another cache folder") from error
