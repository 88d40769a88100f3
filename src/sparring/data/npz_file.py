"""A user's images in an .npz file."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sparring.config.registry import register
from sparring.data.halves import split
from sparring.data.npz import read_npz
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError


@register("data")
@dataclass(frozen=True)
class NpzFile:
    """The array `images` of an .npz file, with its `labels` where there are any; see `sparring.data.npz` for what they may be.

    A tenth of the images, chosen by their number alone, is left for the test, unless `test_path` names a second file.
    """

    path: str
    test_path: str | None = None

    summary: ClassVar[str] = "your own images in an .npz file: uint8 [N, H, W] or [N, H, W, C], and labels"

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images, uint8 [N, C, H, W]; InputError where the file cannot be used."""
        return self._halves()[0]

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, C, H, W]; InputError as for `train`."""
        return self._halves()[1]

    def fetch(self, progress: Progress | None = None) -> None:
        """Look for the files; InputError where one is missing."""
        for path in filter(None, (self.path, self.test_path)):
            if not Path(path).is_file():
                raise InputError(f"there is no file {path}")

    def is_cached(self) -> bool:
        """True if the files are there."""
        return all(Path(path).is_file() for path in (self.path, self.test_path) if path)

    def _halves(self) -> tuple[ImageSet, ImageSet]:
        self.fetch()
        images = read_npz(Path(self.path))
        if self.test_path is None:
            return split(images, self.path)
        test = read_npz(Path(self.test_path))
        if test.shape != images.shape or (test.labels is None) != (images.labels is None):
            raise InputError(f"{self.test_path} holds other images than {self.path}; both need one shape, and labels or none")
        return images, test
