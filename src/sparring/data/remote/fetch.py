"""Remote files in the cache folder: every one is checked, and is there whole or not at all."""

import gzip
import hashlib
import logging
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sparring.data.cache import locked, usable
from sparring.data.sets import Progress
from sparring.data.streams import gzipped_or_not, in_short, read_up_to
from sparring.errors import InputError
from sparring.storage.files import remove_temporaries_of, write_atomically

_log = logging.getLogger("sparring")


class SourceError(Exception):
    """A source cannot give a file; the message is the reason, in few words. Another source may."""


@dataclass(frozen=True)
class RemoteFile:
    """A file: name, MD5 in hex, size in bytes. In a folder it may lie gzipped as well, with `.gz` after its name.

    So MD5 and size are best those of the unpacked bytes: the same bytes can be gzipped in many ways.
    """

    name: str
    md5: str
    size: int

    def check(self, data: bytes) -> None:
        """SourceError unless these are the file's bytes."""
        if len(data) != self.size:
            given = "more" if len(data) > self.size else f"only {len(data)}"
            raise SourceError(f"{self.name} has {given} bytes, not {self.size}")
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if md5 != self.md5:
            raise SourceError(f"{self.name} has the MD5 {md5}, not {self.md5}")


class Source(Protocol):
    """Gives files one after another, unchecked; raises SourceError at the first that it cannot give."""

    def __call__(self, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]: ...


def are_cached(files: Sequence[RemoteFile], folder: Path) -> bool:
    """True if all files lie in the folder with their right sizes; `ensure` compares their checksums too."""
    return all(_size(gzipped_or_not(folder / file.name), file) == file.size for file in files)


def ensure(
    files: Sequence[RemoteFile], folder: Path, sources: Sequence[Source], progress: Progress | None = None
) -> list[bytes]:
    """The bytes of all files, checked: from the folder, or else from the first source that has them, and then kept.

    A damaged file in the folder is fetched anew, with a warning in the log. Of several processes that want the same
    files one fetches and the others wait for it. Raises InputError where no source has a file, saying why and where to
    put it by hand, and MachineError where the folder cannot be used.
    """
    found = whole(files, folder)
    if len(found) < len(files):
        with locked(folder):
            found = whole(files, folder, warn=True)  # another process may have fetched them while this one waited
            found |= _fetch([file for file in files if file not in found], folder, sources, progress)
    return [found[file] for file in files]


def whole(files: Sequence[RemoteFile], folder: Path, warn: bool = False) -> dict[RemoteFile, bytes]:
    """Those of the files that lie in the folder undamaged, with their bytes."""
    found = {}
    for file in files:
        try:
            data = _read(file, folder)
            if data is not None:
                file.check(data)
                found[file] = data
        except SourceError as damage:
            if warn:
                _log.warning("in %s the file %s; it is fetched anew", folder, damage)
    return found


def _fetch(
    files: Sequence[RemoteFile], folder: Path, sources: Sequence[Source], progress: Progress | None
) -> dict[RemoteFile, bytes]:
    found: dict[RemoteFile, bytes] = {}
    failures = []
    for source in sources:
        missing = [file for file in files if file not in found]
        try:
            for file, data in source(missing, progress) if missing else ():
                file.check(data)
                with usable(folder):
                    remove_temporaries_of(folder / file.name)
                    write_atomically(folder / file.name, data)
                found[file] = data
        except SourceError as error:
            failures.append(f"{source}: {error}")
    missing = ", ".join(file.name for file in files if file not in found)
    if missing:
        them = "them" if missing.endswith(".gz") else "them, gzipped or not,"
        raise InputError(f"could not fetch {missing} ({'; '.join(failures)}); put {them} into {folder}")
    return found


def _read(file: RemoteFile, folder: Path) -> bytes | None:
    """A file's bytes, unpacked, and one more where there is more; None where there is no such file, SourceError if damaged."""
    path = gzipped_or_not(folder / file.name)
    with usable(folder):
        if not path.is_file():  # a pipe would have us wait
            return None
        with path.open("rb") as stream:
            if path.name == file.name:
                return stream.read(file.size + 1)
            try:
                return read_up_to(gzip.GzipFile(fileobj=stream), file.size + 1)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise SourceError(f"{path.name} cannot be unpacked: {in_short(error)}") from error


def _size(path: Path, file: RemoteFile) -> int | None:
    """The size of a file's unpacked bytes, as the end of a gzipped one says; None where there is no such file."""
    if not path.is_file():
        return None
    if path.name == file.name:
        return path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4))
        return int.from_bytes(stream.read(4), "little")


def teller(file: RemoteFile, progress: Progress | None) -> Callable[[int], None] | None:
    """A function that reports how many bytes of the file have come; None without a `progress` to report to."""
    if progress is None:
        return None
    return lambda done: progress(file.name, min(done, file.size), file.size)
