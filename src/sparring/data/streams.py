"""Bounds on what is read: no more than was promised, and no more than so many packed bytes can hold."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

CHUNK = 1 << 18  # bytes

_GROWTH = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: 1032}  # bytes at most of each packed byte
_PIXELS_PER_BYTE = 1 << 14  # at most: twice what an empty PNG of one bit a pixel has


class Readable(Protocol):
    """A source of bytes: a file, an answer from the web, a member of an archive."""

    def read(self, size: int, /) -> bytes: ...


def most_bytes(num_packed: int, method: int = zipfile.ZIP_DEFLATED) -> int:
    """The most bytes that so many packed ones can become, by a method of .zip files (gzip deflates); 0 for one never read."""
    return _GROWTH.get(method, 0) * num_packed


def most_pixels(num_packed: int) -> int:
    """The most pixels that a picture file of so many bytes can hold, in any format."""
    return _PIXELS_PER_BYTE * num_packed


def gzipped_or_not(path: Path) -> Path:
    """The path of a file, or that of the same file gzipped (`.gz`) where only this is there."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.is_file() and not path.is_file() else path


def read_up_to(stream: Readable, limit: int, tell: Callable[[int], None] | None = None) -> bytes:
    """At most `limit` bytes of a stream; memory grows with what has come, not with what was promised.

    `tell` hears of the bytes read so far. Callers who ask for one byte more than they expect learn of a stream that is
    too long, and of a checksum at its end that is wrong.
    """
    data = bytearray()
    while len(data) < limit and (chunk := stream.read(min(CHUNK, limit - len(data)))):
        data += chunk
        if tell:
            tell(len(data))
    return bytes(data)


class Capped(io.RawIOBase):
    """A stream that fails with OSError once it has given more than `limit` bytes."""

    def __init__(self, stream: Readable, limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer)
        data = self._stream.read(len(room))
        self._left -= len(data)
        if self._left < 0:
            raise OSError("sends more than the file can hold")
        room[: len(data)] = data
        return len(data)


def in_short(error: BaseException | str) -> str:
    """An error's own words, without its number."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
