"""Pictures of a folder or of an .npz file, read into one tensor."""

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from sparring.data.folder import image_files, listing
from sparring.data.folder.image_files import AS_THEY_ARE, BadPictureError, Header, Shape
from sparring.data.folder.listing import File
from sparring.data.npz import read_npz
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError

LIKE_MOST = "like most"  # how the reason against a picture of another size ends
_NEWS = 256  # files between two reports of progress
_MOST_SIZES = 20  # that are told one by one
_MOST_THREADS = 4  # a picture is held for each of them
_LARGE = 1 << 22  # pixels of pictures that are decoded one at a time, for they take memory

T = TypeVar("T")
Room = Callable[[tuple[int, ...]], np.ndarray]
"""Allocator of a uint8 array of this shape."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, and a sentence for each file that was left out."""

    images: ImageSet
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kinds:
    """What the headers of files say: the number of pictures of each of the most frequent sizes, as "width x height", how many
    further sizes there are, and how many pictures are stored as grey.
    """

    sizes: dict[str, int]
    num_other_sizes: int
    num_grey: int

    @classmethod
    def of(cls, headers: Sequence[Header]) -> "Kinds":
        sizes = Counter(f"{header.width} x {header.height}" for header in headers)
        most = dict(sizes.most_common(_MOST_SIZES))
        return cls(most, len(sizes) - len(most), sum(header.is_grey for header in headers))


@dataclass(frozen=True)
class Decoded:
    """The pictures of some files: `good` are the places of those in `images`, `bad` has the others' reasons by place."""

    pixels: np.ndarray  # uint8 [len(good), C, H, W]
    good: list[int]
    bad: dict[int, str]
    kinds: Kinds
    num_enlarged: int = 0


def read_pictures(path: Path, *, skip_bad: bool = False, progress: Progress | None = None) -> Pictures:
    """All pictures below a folder, sorted by path, or those in an .npz file; for its arrays see `read_npz`.

    Where every picture of a folder lies in one of at least two folders in it, these are the classes. Pictures whose
    channels are all equal are grey; one coloured picture makes all of them RGB. A file is bad where it cannot be decoded,
    has more than 8 bits a channel or another size than most: the first such file is an InputError, or with `skip_bad` all
    of them are left out. InputError also where there is no picture.
    """
    if path.is_dir():
        return _read_folder(path, skip_bad, progress)
    if not path.exists():
        raise InputError(f"there is no file or folder {path}")
    if path.suffix.lower() != ".npz":
        raise InputError(f"{path} is neither a folder of pictures nor an .npz file")
    images = read_npz(path)
    if progress:
        progress(path.name, len(images), len(images))
    return Pictures(images)


def _read_folder(folder: Path, skip_bad: bool, progress: Progress | None) -> Pictures:
    files, _ = listing.find(folder, image_files.suffixes())
    if not files:
        raise InputError(f"there is no picture in {folder}; names end in one of {', '.join(sorted(image_files.suffixes()))}")
    decoded = decode(files, label=folder.name, progress=progress)
    if not skip_bad:
        refuse_bad(files, decoded.bad, "--skip-bad (in Python: skip_bad=True) leaves such files out")
    if not decoded.good:
        refuse_bad(files, decoded.bad, "no picture is left")
    labels, classes = class_folders(files.names)
    images = ImageSet(torch.from_numpy(decoded.pixels), labels if labels is None else labels[decoded.good], classes)
    return Pictures(images, tuple(f"{files[place]}: {reason}" for place, reason in sorted(decoded.bad.items())))


def read_fitted(paths: Sequence[Path], shape: tuple[int, int, int]) -> tuple[ImageSet, tuple[str, ...], tuple[str, ...]]:
    """The pictures in these files and below these folders, brought to one shape (C, H, W); their names; notes on resized ones.

    A picture of another size is resized by Lanczos' kernel, and what its sides have too much is cut off; colours become grey
    where C is 1. InputError for a file that is no intact picture, and where there is none.
    """
    channels, height, width = shape
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"there is no file or folder {path}")
        below = listing.find(path, image_files.suffixes())[0].names if path.is_dir() else [None]
        files += [path / name if name else path for name in below]
    if not files:
        raise InputError(f"there is no picture in {', '.join(map(str, paths))}")
    images, resized = np.empty((len(files), channels, height, width), np.uint8), []
    with image_files.quiet_pillow():
        for place, file in enumerate(files):
            try:
                image_files.read_header(file)
                pixels = image_files.read_pixels(file, Shape(channels=channels))
            except BadPictureError as error:
                raise InputError(f"{file}: {error}") from None
            if pixels.shape[:2] != (height, width):
                resized.append(f"{file} is {pixels.shape[1]} x {pixels.shape[0]} pixels; it is resized to {width} x {height}")
                pixels = image_files.fitted(pixels, height, width)
            images[place] = pixels.transpose(2, 0, 1)
    return ImageSet(torch.from_numpy(images)), tuple(map(str, files)), tuple(resized)


def refuse_bad(files: Sequence[File], bad: Mapping[int, str], advice: str) -> None:
    """InputError, with the first bad file's reason and this advice, where there is a bad file."""
    if bad:
        first, num = min(bad), len(bad)
        count = f"{num:,} of {len(files):,} files {'is' if num == 1 else 'are'} bad"
        raise InputError(f"{files[first]}: {bad[first]}; {count}; {advice}")


def class_folders(names: Sequence[str], natural: bool = True) -> tuple[Tensor | None, tuple[str, ...]]:
    """Labels [N] and class names, where each of these names of files begins with one of at least two folders.

    The classes are in `natural` order (2 before 10), or by their characters.
    """
    classes = tuple(sorted(listing.outermost(names), key=in_natural_order if natural else None))
    if len(classes) < 2 or any("/" not in name for name in names):
        return None, ()
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[name.partition("/")[0]] for name in names]), classes


def in_natural_order(name: str) -> tuple[list[str | int], str]:
    """Key of an order in which numbers within names count as numbers, and then characters."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name


def decode(
    files: Sequence[File], shape: Shape = AS_THEY_ARE, *, room: Room | None = None, label: str, progress: Progress | None = None
) -> Decoded:
    """The pictures of these files, in arrays that `room` gives, by default in memory.

    The headers come first, so that the pixels can go straight to their places in one array. Several pictures are decoded at
    once where PyTorch has several threads.
    """
    tell = _teller(label, 2 * len(files), progress)
    with image_files.quiet_pillow():
        headers, bad = _read_headers(files, tell, shape)
        if shape.size is None:
            bad |= _of_other_sizes(headers)
        kept = [place for place in headers if place not in bad]
        size = shape.sides or _common_size(headers)
        stack, good = _Stack((len(kept), shape.channels or 1, *size), room or (lambda wanted: np.empty(wanted, np.uint8))), []
        one = Lock()

        def read(place: int) -> np.ndarray | BadPictureError:
            with one if headers[place].num_decoded > _LARGE else nullcontext():
                try:
                    return image_files.read_pixels(files[place], shape)
                except BadPictureError as error:
                    return error

        for done, (place, found) in enumerate(_in_order(read, kept), start=len(files)):
            tell(done)
            try:
                stack.add(found)
                good.append(place)
            except BadPictureError as error:
                bad[place] = str(error)
    tell(2 * len(files))
    num_enlarged = sum(shape.exceeds(headers[place].height, headers[place].width) for place in good)
    return Decoded(stack.pixels(), good, bad, Kinds.of([*headers.values()]), num_enlarged)


def _in_order(work: Callable[[int], T], places: Sequence[int]) -> Iterator[tuple[int, T]]:
    """Each place and what `work` makes of it, in order; on as many threads as PyTorch has, few enough to bound memory."""
    num_threads, rest = min(_MOST_THREADS, torch.get_num_threads()), iter(places)
    if num_threads == 1:
        yield from ((place, work(place)) for place in rest)
        return
    with ThreadPoolExecutor(num_threads) as pool:
        waiting = deque((place, pool.submit(work, place)) for place in islice(rest, num_threads + 1))
        while waiting:
            place, found = waiting.popleft()
            yield place, found.result()
            waiting.extend((place, pool.submit(work, place)) for place in islice(rest, 1))


def _read_headers(
    files: Sequence[File], tell: Callable[[int], None], shape: Shape = AS_THEY_ARE
) -> tuple[dict[int, Header], dict[int, str]]:
    """The headers of good files, and the reasons against the others, by place."""
    headers, bad = {}, {}
    for place, file in enumerate(files):
        tell(place)
        try:
            headers[place] = image_files.read_header(file, shape)
        except BadPictureError as error:
            bad[place] = str(error)
    return headers, bad


def _of_other_sizes(headers: dict[int, Header]) -> dict[int, str]:
    """Reasons against the files of another size than the most frequent one, by place."""
    height, width = _common_size(headers)
    return {
        place: f"is {header.width} x {header.height} pixels, not {width} x {height} {LIKE_MOST}"
        for place, header in headers.items()
        if (header.height, header.width) != (height, width)
    }


def _common_size(headers: dict[int, Header]) -> tuple[int, int]:
    """The most frequent height and width; of several the greatest, so that the order of the files does not matter."""
    counts = Counter((header.height, header.width) for header in headers.values())
    return max(counts, key=lambda size: (counts[size], size), default=(0, 0))


class _Stack:
    """Pictures of one size in one array, which has one channel for as long as all that came were grey."""

    def __init__(self, shape: tuple[int, ...], room: Room) -> None:
        self._room, self._pixels, self._num = room, room(shape), 0

    def add(self, pixels: np.ndarray | BadPictureError) -> None:
        """Append a picture [H, W, C]; BadPictureError where that came in its place, or its header declared another size."""
        if isinstance(pixels, BadPictureError):
            raise pixels
        num, channels, height, width = self._pixels.shape
        if pixels.shape[:2] != (height, width):
            raise BadPictureError(f"is {pixels.shape[1]} x {pixels.shape[0]} pixels, but its header says {width} x {height}")
        if pixels.shape[2] > channels:
            grey, self._pixels = self._pixels, self._room((num, pixels.shape[2], height, width))
            self._pixels[: self._num] = grey[: self._num]
        self._pixels[self._num] = pixels.transpose(2, 0, 1)
        self._num += 1

    def pixels(self) -> np.ndarray:
        return self._pixels[: self._num]


def _teller(label: str, total: int, progress: Progress | None) -> Callable[[int], None]:
    """A function that reports how many files are done, now and then."""

    def tell(done: int) -> None:
        if progress and (done == total or done % _NEWS == 0):
            progress(label, done, total)

    return tell
