"""The IDX format of MNIST's four files: big-endian 32-bit numbers that declare the sizes, then one byte a value."""

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data.sets import ImageSet
from sparring.data.streams import Readable, most_bytes, read_up_to
from sparring.errors import InputError

TRAIN = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

_AXES = {2051: 3, 2049: 1}  # a magic number's last byte is its number of axes; 8 before it says unsigned bytes
_IMAGES, _LABELS = _AXES
_LONGEST_HEADER = 16  # bytes


def read_images(path: Path) -> Tensor:
    """The grey images of an IDX file, `.gz` or not, as uint8 [N, 1, H, W]; InputError where it is not one."""
    return parse_images(_read(path), str(path))


def read_labels(path: Path) -> Tensor:
    """The labels of an IDX file, `.gz` or not, as int64 [N]; InputError where it is not one."""
    return parse_labels(_read(path), str(path))


def parse_images(data: bytes, name: str) -> Tensor:
    """The grey images in the bytes of the file `name`, uint8 [N, 1, H, W]; InputError where they are no such file's."""
    return _parse(data, _IMAGES, name).unsqueeze(1)


def parse_labels(data: bytes, name: str) -> Tensor:
    """The labels in the bytes of the file `name`, int64 [N] in 0..255; InputError where they are no such file's."""
    return _parse(data, _LABELS, name).long()


def image_set(images: Tensor, labels: Tensor, classes: tuple[str, ...], where: str) -> ImageSet:
    """Images [N, 1, H, W] with their labels [N]; InputError, naming `where`, unless each image has one label."""
    if len(images) != len(labels):
        raise InputError(f"{where}: {len(images)} images but {len(labels)} labels; there must be as many")
    return ImageSet(images, labels, classes)


def _parse(data: bytes, magic: int, name: str) -> Tensor:
    header, sizes = _header(data, name)
    if header != magic:
        raise InputError(f"{name} begins with {header}, not with the {magic} of IDX files of its kind")
    if 0 in sizes:
        raise InputError(f"{name} is empty: its header declares sizes {list(sizes)}")
    start, declared = _layout(sizes)
    if len(data) != declared:
        given = f"more than {declared}" if len(data) > declared else f"only {len(data)}"
        raise InputError(f"{name} holds {given} bytes, but its header declares {declared} (sizes {list(sizes)})")
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=start).reshape(sizes).copy())


def _header(data: bytes, name: str) -> tuple[int, tuple[int, ...]]:
    """The magic number and the sizes that a file begins with."""
    magic = int.from_bytes(data[:4], "big")
    axes = _AXES.get(magic)
    if axes is None or len(data) < 4 + 4 * axes:
        raise InputError(f"{name} is not an IDX file of images ({_IMAGES}) or labels ({_LABELS})")
    return magic, struct.unpack_from(f">{axes}I", data, 4)


def _layout(sizes: tuple[int, ...]) -> tuple[int, int]:
    """Offset of the first value and length of the whole file, in bytes."""
    start = 4 + 4 * len(sizes)
    return start, start + math.prod(sizes)


def unpack(data: bytes, name: str) -> bytes:
    """The bytes of a gzipped IDX file `name` that its header declares, and one more where there is more."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return _declared(stream, name, most_bytes(len(data)))
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{name} cannot be read: {error}") from error


def _read(path: Path) -> bytes:
    """The unpacked bytes of a file that its header declares, and one more where there is more."""
    packed = path.suffix == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as stream:
            return _declared(stream, str(path), most_bytes(path.stat().st_size) if packed else None)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def _declared(stream: Readable, name: str, most: int | None) -> bytes:
    """The bytes that a stream's header declares, and one more where there is more; InputError where it declares over `most`."""
    head = stream.read(_LONGEST_HEADER)
    sizes = _header(head, name)[1]
    _, end = _layout(sizes)
    if most is not None and end > most:
        raise InputError(f"{name} holds at most {most:,} bytes, but its header declares {end:,} (sizes {list(sizes)})")
    return head + read_up_to(stream, max(0, end + 1 - len(head)))
