"""Locks of a run's folder: one process trains it at a time, and processes that add scores take turns."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sparring.errors import InputError
from sparring.storage import checksums
from sparring.storage.files import disk_errors

_WAIT = 0.2  # seconds: longer than anybody takes to look whether a run is being trained


@contextmanager
def run_lock(folder: Path) -> Iterator[Path]:
    """Context manager that locks a folder for this process and gives it; InputError if another process holds it.

    A missing folder is created, and removed again if it is empty afterwards.
    """
    made = not folder.exists()
    with disk_errors(folder, 0):
        folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, made):
        yield folder


@contextmanager
def new_run_lock(folder: Path) -> Iterator[Path]:
    """Context manager that creates a folder, locks it for this process and gives it; removed again if empty afterwards.

    Where the name is taken, even by a process that asks in the same instant, the folder is called NAME-2, NAME-3 and so on.
    """
    with disk_errors(folder, 0):
        folder.parent.mkdir(parents=True, exist_ok=True)
        path, number = folder, 1
        while not _is_created(path):
            number += 1
            path = folder.with_name(f"{folder.name}-{number}")
    with _locked(path, made=True):
        yield path


def _is_created(folder: Path) -> bool:
    """Create a folder; False if something of that name is there."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


@contextmanager
def _locked(folder: Path, made: bool) -> Iterator[None]:
    own = FileLock(folder / ".lock")
    with disk_errors(folder, 0):
        try:
            own.acquire(timeout=_WAIT)
        except Timeout:
            raise InputError(f"another process trains {folder}; wait until it has ended, or stop it") from None
    try:
        yield
    finally:
        if made and os.name == "posix":  # while it is held: another process could hold the file that is removed
            _drop_unused(folder)
        own.release()
        if made and os.name != "posix":  # where a file in use cannot be removed
            _drop_unused(folder)


def _drop_unused(folder: Path) -> None:
    with suppress(OSError):  # another process removed it, or has just begun to use it
        if [path.name for path in folder.iterdir()] == [".lock"]:
            (folder / ".lock").unlink()
            folder.rmdir()


def is_trained(folder: Path) -> bool:
    """True if a process trains the run in this folder."""
    path = folder / ".lock"
    if not path.exists():
        return False
    own = FileLock(path)
    with disk_errors(path, 0):
        try:
            own.acquire(timeout=0)
        except Timeout:
            return True
    own.release()
    return False


@contextmanager
def scores_lock(folder: Path) -> Iterator[None]:
    """Context manager that waits for the lock on a run's scores and holds it for the block."""
    with _shared_lock(folder / ".scores.lock"):
        yield


@contextmanager
def orders_lock(folder: Path) -> Iterator[None]:
    """Context manager that waits for the lock on a run's orders and holds it for the block."""
    with _shared_lock(folder / ".orders.lock"):
        yield


@contextmanager
def _shared_lock(path: Path) -> Iterator[None]:
    shared = FileLock(path)
    with disk_errors(path, 0):
        shared.acquire()
    try:
        yield
    finally:
        shared.release()


def tidy_checksums(folder: Path) -> None:
    """Drop the older lines of a run's list of checksums, so that `sha256sum --check` succeeds after a file was written again.

    Nothing is done in a folder that is no run, and while a process trains it, which does the same at its end.
    """
    if (folder / "recipe.json").is_file():
        with suppress(InputError), run_lock(folder):
            checksums.compact(folder)
