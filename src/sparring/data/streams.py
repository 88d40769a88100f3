"""Reading no more than was promised, whoever sends it."""

import io
from collections.abc import Callable
from typing import Protocol

CHUNK = 1 << 18  # bytes


class Readable(Protocol):
    """What can be read from: a file, an answer from the web, a member of an archive."""

    def read(self, size: int, /) -> bytes: ...


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

    def readinto(self, buffer, /) -> int:
        room = memoryview(buffer)
        data = self._stream.read(len(room))
        self._left -= len(data)
        if self._left < 0:
            raise OSError("sends more than the file can hold")
        room[: len(data)] = data
        return len(data)
