"""CIFAR-10: 60,000 colour pictures of 32 x 32 pixels (Krizhevsky 2009), 50,000 of them to train on.

Read from the binary version, whose records are a byte for the class and 3 x 32 x 32 for the picture: no pickle is opened.
"""

import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from sparring.config.registry import register
from sparring.data.remote.fetch import RemoteFile, are_cached, ensure
from sparring.data.remote.sources import Mirror
from sparring.data.sets import ImageSet, Progress
from sparring.data.streams import in_short, read_up_to
from sparring.errors import InputError
from sparring.storage.cache import cache_folder

ARCHIVE = RemoteFile("cifar-10-binary.tar.gz", md5="c32a1d4ab5d03f1284b67883e8d87530", size=170_052_171)
SOURCES = (Mirror("https://www.cs.toronto.edu/~kriz/", packs=False),)
TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
TEST = ("cifar-10-batches-bin/test_batch.bin",)
SHAPE = (3, 32, 32)
NUM_BYTES = 10_000 * (1 + 3 * 32 * 32)  # at most, of each file in the archive


@register("data")
@dataclass(frozen=True)
class Cifar10:
    """The archive is fetched once into the cache folder, checked against its MD5 at every load, and not unpacked on disk."""

    summary: ClassVar[str] = (
        "CIFAR-10: things and animals, 32 x 32 in colour, 50,000 to train on and 10,000 to test, 10 classes"
    )
    classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images, uint8 [50000, 3, 32, 32]."""
        return self._read(TRAIN, progress)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [10000, 3, 32, 32]."""
        return self._read(TEST, progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that the archive lies in the cache folder, whole; InputError where it cannot be had."""
        ensure([ARCHIVE], _folder(), SOURCES, progress)

    def is_cached(self) -> bool:
        """True if the archive lies in the cache folder with its right size."""
        return are_cached([ARCHIVE], _folder())

    def _read(self, names: tuple[str, ...], progress: Progress | None) -> ImageSet:
        (archive,) = ensure([ARCHIVE], _folder(), SOURCES, progress)
        records = np.concatenate([parse(data, name) for name, data in _members(archive, names)])
        images = torch.from_numpy(records[:, 1:].reshape(-1, *SHAPE).copy())
        labels = torch.from_numpy(records[:, 0].astype(np.int64))
        return ImageSet(images, labels, self.classes)


def parse(data: bytes, name: str) -> np.ndarray:
    """The records of a binary file, uint8 [N, 3073]: class, then red, green and blue; InputError where they are no such."""
    length = 1 + 3 * 32 * 32
    if not data or len(data) % length:
        raise InputError(f"{name} holds {len(data):,} bytes, which are no records of {length:,}")
    records = np.frombuffer(data, np.uint8).reshape(-1, length)
    if records[:, 0].max() > 9:
        raise InputError(f"{name} has a class {records[:, 0].max()}; CIFAR-10 has 0 to 9")
    return records


def _members(archive: bytes, names: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """The bytes of these files, read in the archive's own order; InputError where one is not there or is damaged."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as tar:
            for member in tar:
                if member.name in names and (stream := tar.extractfile(member)) is not None:
                    found[member.name] = read_up_to(stream, NUM_BYTES + 1)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(f"{ARCHIVE.name} cannot be read: {in_short(error)}") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise InputError(f"{ARCHIVE.name} lacks {', '.join(missing)}")
    return [(name, found[name]) for name in names]


def _folder() -> Path:
    return cache_folder() / "cifar10"
