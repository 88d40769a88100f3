"""A user's own folder of four IDX files with MNIST's names, as Fashion-MNIST, KMNIST and others come."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from sparring.config.registry import register
from sparring.data import idx
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError


@register("data")
@dataclass(frozen=True)
class IdxFolder:
    """Grey images of any one size, in files that may each be gzipped (`.gz`). InputError where `held_back` is negative.

    The classes are the numbers from 0 to the greatest label in the folder.
    """

    path: str
    held_back: int = 0  # the first training images, left out

    summary: ClassVar[str] = "your own folder of four IDX files named like MNIST's, grey images of any one size"

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise InputError(f"idx-folder: held_back is {self.held_back}; it must not be negative")

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images without those held back, uint8 [N, 1, H, W]; InputError names the file at fault."""
        return self._read(idx.TRAIN).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, 1, H, W]; InputError names the file at fault."""
        return self._read(idx.TEST)

    def fetch(self, progress: Progress | None = None) -> None:
        """There is nothing to fetch: InputError, saying what is missing, unless all four files are there."""
        if not Path(self.path).is_dir():
            raise InputError(f"there is no folder {self.path}")
        missing = [name for name in idx.TRAIN + idx.TEST if self._find(name) is None]
        if missing:
            raise InputError(f"{self.path} lacks {', '.join(missing)}; a data folder holds MNIST's four IDX files, .gz or not")

    def is_cached(self) -> bool:
        """Whether all four files are there."""
        return None not in map(self._find, idx.TRAIN + idx.TEST)

    def _read(self, names: tuple[str, str]) -> ImageSet:
        self.fetch()
        images, labels = idx.read_images(self._file(names[0])), self._labels(names[1])
        return idx.image_set(images, labels, self._classes(), where=self.path)

    def _labels(self, name: str) -> Tensor:
        return idx.read_labels(self._file(name))

    def _classes(self) -> tuple[str, ...]:
        """Alike for both halves, whichever labels each of them has."""
        last = max(int(self._labels(name).max()) for name in (idx.TRAIN[1], idx.TEST[1]))
        return tuple(str(label) for label in range(last + 1))

    def _file(self, name: str) -> Path:
        return self._find(name) or Path(self.path, name)

    def _find(self, name: str) -> Path | None:
        choices = Path(self.path, name), Path(self.path, f"{name}.gz")
        return next((path for path in choices if path.is_file()), None)
