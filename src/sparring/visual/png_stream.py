"""PNG files written a strip of rows at a time, for pictures too large to be held."""

import struct
import zlib
from typing import BinaryIO

import numpy as np
from torch import Tensor

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # by the number of channels
_PAETH = 4


class PngStream:
    """A PNG of 8 bits with 1, 3 or 4 channels; `close` it after as many rows as its height."""

    def __init__(self, stream: BinaryIO, width: int, height: int, num_channels: int):
        self._stream, self._deflate = stream, zlib.compressobj()
        self._above = np.zeros((1, width, num_channels), np.int16)  # the row before the next strip
        stream.write(_SIGNATURE)
        self._chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, _COLOUR_TYPES[num_channels], 0, 0, 0))

    def write(self, rows: Tensor) -> None:
        """The next rows, uint8 [C, H, width]."""
        pixels = rows.permute(1, 2, 0).numpy().astype(np.int16)
        filtered = _filtered(pixels, np.concatenate([self._above, pixels[:-1]]))
        self._above = pixels[-1:]
        self._chunk(b"IDAT", self._deflate.compress(filtered.tobytes()))

    def close(self) -> None:
        """End the picture; the stream stays open."""
        self._chunk(b"IDAT", self._deflate.flush())
        self._chunk(b"IEND", b"")

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._stream.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))


def _filtered(pixels: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Rows of bytes, each after its filter's number: what a pixel exceeds the nearest of its three neighbours by.

    The neighbours, left, above and both, are compared with left + above - both (Paeth 1991; PNG specification, 9.4).
    """
    left, corner = (np.pad(rows[:, :-1], ((0, 0), (1, 0), (0, 0))) for rows in (pixels, above))
    from_left, from_above, from_corner = abs(above - corner), abs(left - corner), abs(left + above - 2 * corner)
    nearer = np.where(from_above <= from_corner, above, corner)
    predicted = np.where((from_left <= from_above) & (from_left <= from_corner), left, nearer)
    bytes_ = (pixels - predicted).astype(np.uint8).reshape(len(pixels), -1)  # modulo 256
    return np.pad(bytes_, ((0, 0), (1, 0)), constant_values=_PAETH)
