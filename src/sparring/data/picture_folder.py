"""A user's own folder of pictures, all of one size."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import ClassVar

from sparring import keys
from sparring.data import image_files
from sparring.data.pictures import class_folders, decode, refuse_bad
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError
from sparring.registry import register

SPLITS = ("train", "test")


@register("data")
@dataclass(frozen=True)
class PictureFolder:
    """Grey or RGB pictures, read as `read_pictures` does. InputError where `held_back` is negative, or a file is bad.

    With folders `train` and `test` these are the two halves, and what lies beside them is passed over; otherwise a tenth
    of the pictures, chosen by their number alone, is left for the test. Where every picture lies in one of at least two
    folders (of `path`, or of `train` and `test` together), these are the classes.
    """

    path: str
    held_back: int = 0  # the first training images, left out

    summary: ClassVar[str] = (
        "your own folder of pictures of one size, grey or RGB; folders in it may be classes, or train and test"
    )

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise InputError(f"picture-folder: held_back is {self.held_back}; it must not be negative")

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images without those held back, uint8 [N, C, H, W]; every file is looked at, the test's as well."""
        train, test = self._halves()
        whole = self._read(train + test, len(train) + len(test), progress)
        labels = whole.labels if whole.labels is None else whole.labels[: len(train)]
        return replace(whole, images=whole.images[: len(train)], labels=labels).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, C, H, W]."""
        train, test = self._halves()
        return self._read(test + train, len(test), progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """There is nothing to fetch: InputError, saying what is missing, unless there are pictures for both halves."""
        self._halves()

    def is_cached(self) -> bool:
        """Whether there are pictures for both halves."""
        try:
            self._halves()
        except InputError:
            return False
        return True

    def _read(self, files: list[Path], first: int, progress: Progress | None) -> ImageSet:
        decoded = decode(files, first=first, label=Path(self.path).name, progress=progress)
        refuse_bad(files, decoded, "mend or remove such files")
        labels, classes = class_folders([self._name(file) for file in files])
        return ImageSet(decoded.images, labels if labels is None else labels[:first], classes)

    def _halves(self) -> tuple[list[Path], list[Path]]:
        """The files to train on and those to test with."""
        folder = Path(self.path)
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}")
        if not self._is_split():
            return _tenth(image_files.find(folder), folder)
        train, test = (image_files.find(folder / half) for half in SPLITS)
        if not train or not test:
            raise InputError(f"{folder / SPLITS[bool(train)]} holds no picture; both {' and '.join(SPLITS)} must")
        return train, test

    def _is_split(self) -> bool:
        return all(Path(self.path, half).is_dir() for half in SPLITS)

    def _name(self, file: Path) -> PurePath:
        """A file's path below `path`, or below the half that it belongs to."""
        name = file.relative_to(self.path)
        return PurePath(*name.parts[1:]) if self._is_split() else name


def _tenth(files: list[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """All but a tenth of the files, and the others: at least one, the same ones for as many files everywhere."""
    if len(files) < 2:
        count = "only one picture" if files else "no picture"
        raise InputError(f"{folder} holds {count}; at least 2 are needed, one to train on and one to test with")
    order = sorted(range(len(files)), key=lambda place: keys.key(0, "test picture", place))
    tested = set(order[: max(1, len(files) // 10)])
    train = [file for place, file in enumerate(files) if place not in tested]
    return train, [files[place] for place in sorted(tested)]
