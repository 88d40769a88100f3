"""Locks of a run's folder: one process trains it at a time, and processes that add scores take turns."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sparring.errors import InputError
from sparring.storage.files import disk_errors


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Context manager that locks a folder for this process; InputError if another process holds it.

    A missing folder is created, and removed again if it is empty afterwards.
    """
    made = not folder.exists()
    with disk_errors(folder, 0):
        folder.mkdir(parents=True, exist_ok=True)
        own = FileLock(folder / ".lock")
        try:
            own.acquire(timeout=0)
        except Timeout:
            raise InputError(f"another process trains {folder}; wait until it has ended, or stop it") from None
    try:
        yield
    finally:
        own.release()
        if made:
            _drop_unused(folder)


def _drop_unused(folder: Path) -> None:
    with suppress(OSError):  # another process removed it, or has just begun to use it
        if [path.name for path in folder.iterdir()] == [".lock"]:
            (folder / ".lock").unlink()
            folder.rmdir()


@contextmanager
def scores_lock(folder: Path) -> Iterator[None]:
    """Context manager that waits for the lock on a run's scores and holds it for the block."""
    shared = FileLock(folder / ".scores.lock")
    with disk_errors(folder, 0):
        shared.acquire()
    try:
        yield
    finally:
        shared.release()
