"""A user's own pictures, in a folder or in a .zip file."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from time import perf_counter
from typing import Any, ClassVar, Literal

from torch import Tensor

from sparring.config.registry import register
from sparring.data.folder import decoded, image_files, zipped
from sparring.data.folder.image_files import File, Shape
from sparring.data.halves import tested_places
from sparring.data.pictures import LIKE_MOST, Decoded, class_folders, decode, read_headers, refuse_bad, teller
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError, check

SPLITS = ("train", "test")
MOST_NAMED = 100  # bad files, by name
SIZES = range(1, 1025)

Names = list[PurePath]


@dataclass(frozen=True)
class _Halves:
    """The files to train on and those to test with, by their names within `path` or within their half."""

    train: Mapping[PurePath, File]
    test: Mapping[PurePath, File]

    @property
    def files(self) -> list[File]:
        return [*self.train.values(), *self.test.values()]

    @property
    def names(self) -> Names:
        return [*self.train, *self.test]


@register("data")
@dataclass(frozen=True)
class PictureFolder:
    """Pictures of the usual formats in a folder, and the folders in it, or in a .zip file, which is never unpacked on the disk.

    `size`: of both sides in pixels, made of pictures of any size, by Lanczos' antialiased kernel; None takes pictures of one
    size as they are. `fit`: "crop" scales the shorter side to `size` and cuts the middle out, "stretch" scales both sides.
    `channels`: 1, 3, or 4 with alpha; None for 1 where all pictures are grey, else 3. They are upright by EXIF, what is
    transparent lies on black, and 16 bits become 8. They are decoded once, into the cache folder, and mapped into memory.

    With folders `train` and `test` these are the two halves, and what lies beside them is passed over; otherwise a tenth
    of the pictures, chosen by their number alone, is left for the test. Where every picture lies in one of at least two
    folders (of `path`, or of `train` and `test` together), these are the classes.
    InputError where a setting is impossible, and where a file is bad, by its name.
    """

    path: str
    held_back: int = 0  # the first training images, left out
    size: int | None = None
    fit: Literal["crop", "stretch"] = "crop"
    channels: int | None = None

    summary: ClassVar[str] = "your own folder or .zip of pictures; folders in it may be classes, or train and test"

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise InputError(f"picture-folder: held_back is {self.held_back}; it must not be negative")
        check(self.size is None or self.size in SIZES, "size", self.size, f"be in 1..{SIZES[-1]:,}")
        check(self.channels in (None, 1, 3, 4), "channels", self.channels, "be 1, 3 or 4")

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images without those held back, uint8 [N, C, H, W]; every file is looked at, the test's as well."""
        with self._halves() as halves:
            return self._read(halves, slice(None, len(halves.train)), progress).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, C, H, W]."""
        with self._halves() as halves:
            return self._read(halves, slice(len(halves.train), None), progress)

    def fetch(self, progress: Progress | None = None) -> None:
        """Check that there are pictures for both halves; InputError says what is missing."""
        with self._halves():
            pass

    def is_cached(self) -> bool:
        """True if there are pictures for both halves."""
        try:
            self.fetch()
        except InputError:
            return False
        return True

    def survey(self, progress: Progress | None = None) -> dict[str, Any]:
        """Numbers of pictures by size, of grey and of bad ones, with the reasons against the bad; every file is decoded."""
        with self._halves() as halves, image_files.quiet_pillow():
            files = halves.files
            tell, start = teller(Path(self.path).name, 2 * len(files), progress), perf_counter()
            headers, bad = read_headers(files, tell)
            for done, place in enumerate(headers, start=len(files)):
                tell(done)
                try:
                    image_files.read_pixels(files[place], self._shape)
                except image_files.BadPictureError as error:
                    bad[place] = str(error)
        tell(2 * len(files))
        sizes = Counter(f"{header.width} x {header.height}" for header in headers.values())
        return {
            "pictures": len(files),
            "sizes": dict(sizes.most_common(20)),
            "other_sizes": max(0, len(sizes) - 20),
            "stored_grey": sum(header.is_grey for header in headers.values()),
            "decode_seconds": round(perf_counter() - start, 3),
            "num_bad": len(bad),
            "bad": {str(files[place]): bad[place] for place in sorted(bad)[:MOST_NAMED]},
        }

    @property
    def _shape(self) -> Shape:
        return Shape(self.size, self.fit, self.channels)

    def _read(self, halves: _Halves, part: slice, progress: Progress | None) -> ImageSet:
        """One half of the pictures, all of which lie in the cache."""

        def decode_all(room: Callable) -> Decoded:
            return decode(halves.files, self._shape, room=room, label=Path(self.path).name, progress=progress)

        def refuse(found: Decoded) -> None:
            refuse_bad(halves.files, found.bad, _advice(found.bad))

        images = decoded.pixels(self._key(halves), decode_all, refuse)
        labels, classes = class_folders(halves.names)
        return ImageSet(images[part], _part(labels, part), classes)

    def _key(self, halves: _Halves) -> decoded.Key:
        """Names, sizes and times of all files; a change that leaves all of them as they are goes unnoticed."""
        stamps = [f"{len(halves.train)} to train on"]
        for file in halves.files:
            path = file.path if isinstance(file, zipped.Member) else Path(str(file))
            stat = path.stat() if path.exists() else None  # a broken link is found out when it is decoded
            stamps.append(f"{file} {stat and (stat.st_size, stat.st_mtime_ns)}")
        return decoded.Key(str(Path(self.path).resolve()), str(self._shape), "\n".join(stamps))

    @contextmanager
    def _halves(self) -> Iterator[_Halves]:
        """Within the block the files can be read."""
        path = Path(self.path)
        if not self.path:
            raise InputError("picture-folder: no folder is named; name yours with --data FOLDER")
        if path.is_file():
            with zipped.opened(path) as found:
                yield self._split({name: file for name, file in found.items() if file}, list(found))
        elif path.is_dir():
            files = image_files.find(path)
            folders = [entry.relative_to(path) for entry in (*path.glob("*/"), *path.glob("*/*/"))]
            yield self._split({file.relative_to(path): file for file in files}, folders)
        else:
            raise InputError(f"there is no folder or .zip file {path}")

    def _split(self, files: Mapping[PurePath, File], folders: Sequence[PurePath]) -> _Halves:
        """The halves; InputError where one would be empty, or where a folder beside the classes is empty."""
        tops = {name.parts[0] for name in files if len(name.parts) > 1} | {name.parts[0] for name in folders if name.parts}
        if not set(SPLITS) <= tops:
            self._check_classes(files, folders)
            return _tenth(files, Path(self.path))
        halves = []
        for half in SPLITS:
            own = {PurePath(*name.parts[1:]): file for name, file in files.items() if name.parts[0] == half}
            if not own:
                raise InputError(f"{Path(self.path) / half} holds no picture; both {' and '.join(SPLITS)} must")
            self._check_classes(own, [PurePath(*name.parts[1:]) for name in folders if name.parts[0] == half], half)
            halves.append(own)
        return _Halves(*halves)

    def _check_classes(self, files: Mapping[PurePath, File], folders: Sequence[PurePath], half: str = "") -> None:
        """InputError where all pictures lie in folders, and another folder beside them is empty."""
        if not files or any(len(name.parts) == 1 for name in files):
            return
        full = {name.parts[0] for name in files}
        beside = {name.parts[0] for name in folders if name.parts and not name.parts[0].startswith(".")} - {"__MACOSX"}
        for empty in sorted(beside - full):
            where = Path(self.path) / half / empty
            if len(full) < 2 and where.is_dir() and any(where.iterdir()):
                continue  # one folder of pictures, and one of other things
            raise InputError(f"{where} holds no picture, though the folders beside it do; fill it or remove it")


def like(found: PictureFolder, other: object) -> PictureFolder:
    """The same pictures, with the size, fit and channels of another folder."""
    if not isinstance(other, PictureFolder):
        return found
    return replace(found, size=other.size, fit=other.fit, channels=other.channels)


def _part(labels: Tensor | None, part: slice) -> Tensor | None:
    return None if labels is None else labels[part]


def _advice(bad: Mapping[int, str]) -> str:
    mend = "mend or remove such files"
    if any(reason.endswith(LIKE_MOST) for reason in bad.values()):
        return f"{mend}, or make all of one size, as --set data.size=64 does"
    return mend


def _tenth(files: Mapping[PurePath, File], folder: Path) -> _Halves:
    """All files but a tenth to train on, and that tenth (at least one) to test with, chosen by the number of files alone."""
    if len(files) < 2:
        count = "only one picture" if files else "no picture"
        raise InputError(f"{folder} holds {count}; at least 2 are needed, one to train on and one to test with")
    tested = tested_places(len(files))
    pairs = list(enumerate(files.items()))
    return _Halves(
        dict(item for place, item in pairs if place not in tested), dict(item for place, item in pairs if place in tested)
    )
