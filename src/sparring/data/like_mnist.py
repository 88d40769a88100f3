"""Data sets that are MNIST's four files with other pictures in them: kept in the cache as they come, gzipped."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sparring.config.registry import name_of, register
from sparring.data import idx
from sparring.data.fetch import RemoteFile, Source, are_cached, cache_folder, ensure
from sparring.data.sets import ImageSet, Progress
from sparring.data.sources import Mirror

Files = tuple[RemoteFile, RemoteFile]


@dataclass(frozen=True)
class _LikeMnist:
    """60,000 + 10,000 grey images of 28 x 28; the gzipped files are checked against their MD5s at every load."""

    train_files: ClassVar[Files]
    test_files: ClassVar[Files]
    sources: ClassVar[tuple[Source, ...]]
    classes: ClassVar[tuple[str, ...]]

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images, uint8 [60000, 1, 28, 28]."""
        return self._read(self.train_files, progress)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [10000, 1, 28, 28]."""
        return self._read(self.test_files, progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that all four files lie in the cache folder, whole; InputError where they cannot be had."""
        ensure(self.train_files + self.test_files, self._folder(), self.sources, progress)

    def is_cached(self) -> bool:
        """Whether all four files lie in the cache folder with their right sizes."""
        return are_cached(self.train_files + self.test_files, self._folder())

    def _read(self, pair: Files, progress: Progress | None) -> ImageSet:
        if not self.is_cached():
            self.fetch(progress)  # all four at once, so that what trains today can be evaluated without a network
        packed = ensure(pair, self._folder(), self.sources, progress)
        images, labels = (idx.unpack(data, file.name) for data, file in zip(packed, pair, strict=True))
        parsed = idx.parse_images(images, pair[0].name), idx.parse_labels(labels, pair[1].name)
        return idx.image_set(*parsed, self.classes, where=name_of(self))

    def _folder(self) -> Path:
        return cache_folder() / name_of(self)


@register("data")
@dataclass(frozen=True)
class FashionMnist(_LikeMnist):
    """Fashion-MNIST: pictures of clothes (Xiao, Rasul, Vollgraf 2017, https://arxiv.org/abs/1708.07747)."""

    summary: ClassVar[str] = "Fashion-MNIST: clothes, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    train_files: ClassVar[Files] = (
        RemoteFile("train-images-idx3-ubyte.gz", md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d", size=26_421_880),
        RemoteFile("train-labels-idx1-ubyte.gz", md5="25c81989df183df01b3e8a0aad5dffbe", size=29_515),
    )
    test_files: ClassVar[Files] = (
        RemoteFile("t10k-images-idx3-ubyte.gz", md5="bef4ecab320f06d8554ea6380940ec79", size=4_422_102),
        RemoteFile("t10k-labels-idx1-ubyte.gz", md5="bb300cfdad3c16e7a12a480ee83cd310", size=5_148),
    )
    sources: ClassVar[tuple[Source, ...]] = (
        Mirror("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/", packs=False),
        Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", packs=False),
    )
    classes: ClassVar[tuple[str, ...]] = (
        "T-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )


@register("data")
@dataclass(frozen=True)
class Kmnist(_LikeMnist):
    """Kuzushiji-MNIST: cursive Japanese characters (Clanuwat et al. 2018, https://arxiv.org/abs/1812.01718)."""

    summary: ClassVar[str] = (
        "Kuzushiji-MNIST: Japanese characters, 28 x 28 grey, 60,000 to train on and 10,000 to test, 10 classes"
    )
    train_files: ClassVar[Files] = (
        RemoteFile("train-images-idx3-ubyte.gz", md5="bdb82020997e1d708af4cf47b453dcf7", size=18_165_135),
        RemoteFile("train-labels-idx1-ubyte.gz", md5="e144d726b3acfaa3e44228e80efcd344", size=29_497),
    )
    test_files: ClassVar[Files] = (
        RemoteFile("t10k-images-idx3-ubyte.gz", md5="5c965bf0a639b31b8f53240b1b52f4d7", size=3_041_136),
        RemoteFile("t10k-labels-idx1-ubyte.gz", md5="7320c461ea6c1c855c0b718fb2a4b134", size=5_120),
    )
    sources: ClassVar[tuple[Source, ...]] = (Mirror("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", packs=False),)
    classes: ClassVar[tuple[str, ...]] = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
