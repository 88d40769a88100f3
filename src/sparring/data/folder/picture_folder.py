"""A user's own pictures, in a folder or in a .zip file."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal

from PIL import ImageColor

from sparring.config.registry import register
from sparring.data.folder import decoded, image_files, label_file, listing, zipped
from sparring.data.folder.image_files import TOO_MANY_PIXELS, Shape
from sparring.data.folder.layout import Halves, split
from sparring.data.folder.listing import File, Files
from sparring.data.pictures import LIKE_MOST, Decoded, Room, decode, refuse_bad
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError, check
from sparring.storage import strict_json

MOST_NAMED = 100  # bad files, by name
SIZES = range(1, 1025)
_log = logging.getLogger(__name__)


@register("data")
@dataclass(frozen=True)
class PictureFolder:
    """Pictures of the usual formats in a folder, and the folders in it, or in a .zip file, which is never unpacked on the disk.

    `size`: of both sides in pixels, or [height, width], made of pictures of any size, by Lanczos' antialiased kernel; None
    takes pictures of one size as they are. `fit`: "crop" covers the size and cuts the middle out, "pad" fits the whole picture
    in and fills up with the background, "stretch" scales each side by itself.
    `enlarge`: smaller pictures are enlarged, and a warning counts them; otherwise they are bad.
    `channels`: 1, 3, or 4 with alpha; None for 1 where all pictures are grey, else 3. `background`: the colour beneath what is
    transparent, as HTML names it ("white", "#fe8019"); with 4 channels what is padded is transparent. Pictures are upright by
    EXIF, and 16 bits become 8. They are decoded once, into the cache folder, and mapped into memory.

    With folders `train` and `test` (in any spelling; else `val`) these are the two halves, and what lies beside them is passed
    over; otherwise a tenth of the pictures is left for the test, the same share of each class. Where the pictures lie in at
    least two folders (of `path`, or of the halves together), these are the classes, and up to one picture in twenty beside them
    is left out; but a file of labels comes first: `labels.csv`, with a picture's name and its class in each row, or
    the values of several attributes under their names, or StyleGAN's `dataset.json`. Quantities are divided into intervals.
    `skip_bad` leaves out bad files. `reading`: 1 reads names and formats as version 0.1 did, for its runs; 2 as said here.
    InputError where a setting is impossible, and where a file is bad, by its name.
    """

    path: str
    held_back: int = 0  # the first training images, left out
    size: int | tuple[int, ...] | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    channels: int | None = None
    enlarge: bool = False
    skip_bad: bool = False
    reading: Literal[1, 2] = 1
    background: str = "black"

    summary: ClassVar[str] = "your own folder or .zip of pictures; folders in it may be classes, or train and test"

    def __post_init__(self) -> None:
        if self.held_back < 0:
            raise InputError(f"picture-folder: held_back is {self.held_back}; it must not be negative")
        self._check_size()
        check(self.channels in (None, 1, 3, 4), "channels", self.channels, "be 1, 3 or 4")
        try:
            ImageColor.getrgb(self.background)
        except ValueError:
            raise InputError(f"background is {self.background!r}; it must be a colour, such as white or #fe8019") from None

    def _check_size(self) -> None:
        """InputError for an impossible size; equal sides become one number."""
        rule = f"be in 1..{SIZES[-1]:,}, or a height and a width, such as [48,96]"
        sides = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        good = self.size is None or (len(sides) == 2 and all(type(side) is int and side in SIZES for side in sides))
        check(good, "size", list(sides) if isinstance(self.size, tuple) else self.size, rule)
        if isinstance(self.size, tuple) and sides[0] == sides[1]:
            object.__setattr__(self, "size", sides[0])

    def train(self, progress: Progress | None = None) -> ImageSet:
        """The training images without those held back, uint8 [N, C, H, W]; every file is looked at, the test's as well."""
        with self._halves() as halves:
            for sentence in halves.news:
                _warn_once(sentence)
            return self._read(halves, "train", progress).without_first(self.held_back)

    def test(self, progress: Progress | None = None) -> ImageSet:
        """The test images, uint8 [N, C, H, W]."""
        with self._halves() as halves:
            return self._read(halves, "test", progress)

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
        """Numbers of pictures by size, of grey and of bad ones, with the reasons against the bad; decodes what was not yet."""
        with self._halves() as halves:
            start = perf_counter()
            kept = self._kept(halves, progress)
        return {
            "pictures": len(halves.files),
            "sizes": kept.kinds.sizes,
            "other_sizes": kept.kinds.num_other_sizes,
            "stored_grey": kept.kinds.num_grey,
            "decode_seconds": round(perf_counter() - start, 3),
            "num_bad": len(kept.bad),
            "bad": {str(halves.files[place]): kept.bad[place] for place in sorted(kept.bad)[:MOST_NAMED]},
        }

    @property
    def _shape(self) -> Shape:
        return Shape(self.size, self.fit, self.channels, self.enlarge, self.background, clear=self.reading == 2)

    def _kept(self, halves: Halves, progress: Progress | None) -> decoded.Kept:
        """All pictures in the cache, decoded first where they are not there; with bad ones or none."""

        def decode_all(room: Room) -> Decoded:
            return decode(halves.files, self._shape, room=room, label=Path(self.path).name, progress=progress)

        return decoded.pixels(self._key(halves), decode_all)

    def _read(self, halves: Halves, half: Literal["train", "test"], progress: Progress | None) -> ImageSet:
        """One half of the pictures, all of which lie in the cache."""
        kept = self._kept(halves, progress)
        if kept.bad and (not self.skip_bad or len(kept.bad) == len(halves.files)):
            decoded.forget(self._key(halves))  # next time the bad files may be mended, which their stamps need not show
            refuse_bad(halves.files, kept.bad, "no picture is left" if self.skip_bad else _advice(kept.bad))
        places = range(halves.num_train) if half == "train" else range(halves.num_train, len(halves.files))
        good = [place for place in places if place not in kept.bad]
        if not good:
            refuse_bad(halves.files, kept.bad, f"no picture is left for the {half}ing")
        if kept.bad and half == "train":
            first = min(kept.bad)
            left_out = f"{len(kept.bad):,} of {len(halves.files):,} files"
            _warn_once(f"left out: {left_out}; {halves.files[first]}: {kept.bad[first]}")
        if kept.num_enlarged and half == "train":
            small = f"{kept.num_enlarged:,} of {len(halves.files):,} pictures are smaller than {self._shape.wanted} pixels"
            _warn_once(f"{self.path}: {small} and were enlarged")
        labels = None if halves.labels is None else halves.labels[good]
        images = kept.pixels[: len(good)] if half == "train" else kept.pixels[len(kept.pixels) - len(good) :]
        return ImageSet(images, labels, halves.classes, halves.values)

    def _key(self, halves: Halves) -> decoded.Key:
        """Names, sizes and times of all files; a change that leaves all of them as they are goes unnoticed."""
        lines = chain([f"{halves.num_train} to train on"], map(_stamp, halves.files))
        settings = f"{self._shape}{' enlarged' if self.size and self.enlarge else ''}"
        settings += f" on {self.background}" if self.background != "black" else ""
        settings += " clear" if self._shape.clear and self.channels == 4 else ""
        return decoded.Key(str(Path(self.path).resolve()), settings, decoded.digest(lines))

    @contextmanager
    def _halves(self) -> Iterator[Halves]:
        """Within the block the files can be read."""
        path = Path(self.path)
        wanted = image_files.SUFFIXES if self.reading == 1 else image_files.suffixes() | image_files.UNREAD
        if not self.path:
            raise InputError("picture-folder: no folder is named; name yours with --data FOLDER (in Python: data=)")
        if strict_json.unfit_character(self.path) is not None:
            raise InputError(f"{self.path!a} has a name that cannot be shown; give the folder one in UTF-8")
        if path.is_file():
            with zipped.opened(path, wanted, self.reading) as found:
                members = {str(name): member for name, member in found.items() if member}
                folders = [str(name) for name, member in found.items() if not member]
                yield split(path, Files(list(members), members.__getitem__), folders, self.reading)
        elif path.is_dir():
            files, folders = listing.find(path, wanted)
            if self.reading == 2:
                files = Files([*files.names, *(name for name in label_file.NAMES if (path / name).is_file())], files.file)
            yield split(path, files, folders, self.reading)
        else:
            raise InputError(f"there is no folder or .zip file {path}")


def _stamp(file: File) -> str:
    """A file's name, size and time."""
    try:
        stat = os.stat(file.path if isinstance(file, zipped.Member) else str(file))  # noqa: PTH116 (for speed)
    except OSError:  # a broken link is found out when it is decoded
        return f"{file} None"
    return f"{file} {(stat.st_size, stat.st_mtime_ns)}"


@lru_cache(maxsize=100)
def _warn_once(sentence: str) -> None:
    """Log a warning; a training reads its data several times, and says it once."""
    _log.warning("%s", sentence)


def like(found: PictureFolder, other: object) -> PictureFolder:
    """The same pictures, with the size, fit and channels of another folder; enlarged, or without bad ones, if that is."""
    if not isinstance(other, PictureFolder):
        return found
    how = {name: getattr(other, name) for name in ("size", "fit", "channels", "enlarge", "skip_bad", "background")}
    return replace(found, **how)


def _advice(bad: Mapping[int, str]) -> str:
    mend = "mend or remove such files, or leave them out with --skip-bad (data.skip_bad=true)"
    if any(reason.endswith((LIKE_MOST, TOO_MANY_PIXELS)) for reason in bad.values()):
        return f"{mend}, or make all of one size, as --set data.size=64 does"
    return mend
