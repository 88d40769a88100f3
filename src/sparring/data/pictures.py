"""Pictures from elsewhere, a folder of image files or an .npz file, read into one tensor."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
import torch
from torch import Tensor

from sparring.data import image_files
from sparring.data.image_files import BadPictureError, Header
from sparring.data.npz import read_npz
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError

_NEWS = 256  # files between two reports of progress


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, and a sentence for each file that was left out."""

    images: ImageSet
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """The pictures of some files: `good` are the places of those in `images`, `bad` has the others' reasons by place."""

    images: Tensor  # uint8 [len(good), C, H, W]
    good: list[int]
    bad: dict[int, str]


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
    files = image_files.find(folder)
    if not files:
        raise InputError(f"there is no picture in {folder}; names end in one of {', '.join(sorted(image_files.SUFFIXES))}")
    decoded = decode(files, label=folder.name, progress=progress)
    if not skip_bad:
        refuse_bad(files, decoded, "--skip-bad leaves such files out")
    if not decoded.good:
        refuse_bad(files, decoded, "no picture is left")
    labels, classes = class_folders([file.relative_to(folder) for file in files])
    images = ImageSet(decoded.images, labels if labels is None else labels[decoded.good], classes)
    return Pictures(images, tuple(f"{files[place]}: {reason}" for place, reason in sorted(decoded.bad.items())))


def refuse_bad(files: Sequence[Path], decoded: Decoded, advice: str) -> None:
    """InputError, with the first bad file's reason and this advice, where there is a bad file."""
    if decoded.bad:
        first, num = min(decoded.bad), len(decoded.bad)
        count = f"{num:,} of {len(files):,} files {'is' if num == 1 else 'are'} bad"
        raise InputError(f"{files[first]}: {decoded.bad[first]}; {count}; {advice}")


def class_folders(names: Sequence[PurePath]) -> tuple[Tensor | None, tuple[str, ...]]:
    """Labels [N] and class names, where each of these relative paths begins with one of at least two folders."""
    folders = [name.parts[0] for name in names if len(name.parts) > 1]
    classes = tuple(sorted(set(folders)))
    if len(folders) < len(names) or len(classes) < 2:
        return None, ()
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[name] for name in folders]), classes


def decode(files: Sequence[Path], *, first: int | None = None, label: str, progress: Progress | None = None) -> Decoded:
    """The pictures of the first so many files, or of all; the others still have a say in the size and in the colour.

    The headers come first, so that the pixels can go straight to their places in one tensor.
    """
    asked = len(files) if first is None else first
    tell = _teller(label, 2 * len(files), progress)
    with image_files.quiet_pillow():
        headers, bad = _headers(files, tell)
        stack, good = _Stack(sum(place < asked for place in headers), *_common_size(headers)), []
        for done, (place, header) in enumerate(headers.items(), start=len(files)):
            tell(done)
            if place >= asked and (header.is_grey or stack.is_coloured):
                continue
            try:
                stack.see(image_files.read_pixels(files[place]), keep=place < asked)
                good += [place] if place < asked else []
            except BadPictureError as error:
                bad[place] = str(error)
    tell(2 * len(files))
    return Decoded(stack.images(), good, bad)


def _headers(files: Sequence[Path], tell: Callable[[int], None]) -> tuple[dict[int, Header], dict[int, str]]:
    """The headers of good files, all of one size, and the reasons against the others, by place."""
    headers, bad = {}, {}
    for place, file in enumerate(files):
        tell(place)
        try:
            headers[place] = image_files.read_header(file)
        except BadPictureError as error:
            bad[place] = str(error)
    height, width = _common_size(headers)
    for place, header in list(headers.items()):
        if (header.height, header.width) != (height, width):
            bad[place] = f"is {header.width} x {header.height} pixels, not {width} x {height} like most"
            del headers[place]
    return headers, bad


def _common_size(headers: dict[int, Header]) -> tuple[int, int]:
    """The most frequent height and width; of several the greatest, so that the order of the files does not matter."""
    counts = Counter((header.height, header.width) for header in headers.values())
    return max(counts, key=lambda size: (counts[size], size), default=(0, 0))


class _Stack:
    """Pictures of one size in one array, which has one channel for as long as all that were seen are grey."""

    def __init__(self, num: int, height: int, width: int) -> None:
        self._pixels, self._num = np.empty((num, 1, height, width), np.uint8), 0

    @property
    def is_coloured(self) -> bool:
        return self._pixels.shape[1] == 3

    def see(self, pixels: np.ndarray, keep: bool) -> None:
        """Take up a picture [H, W, C], or only its colour; BadPictureError where its header had promised another size."""
        num, _, height, width = self._pixels.shape
        if pixels.shape[:2] != (height, width):
            raise BadPictureError(f"is {pixels.shape[1]} x {pixels.shape[0]} pixels, but its header says {width} x {height}")
        if pixels.shape[2] == 3 and not self.is_coloured:
            grey, self._pixels = self._pixels, np.empty((num, 3, height, width), np.uint8)
            self._pixels[: self._num] = grey[: self._num]
        if keep:
            self._pixels[self._num] = pixels.transpose(2, 0, 1)
            self._num += 1

    def images(self) -> Tensor:
        return torch.from_numpy(self._pixels[: self._num])


def _teller(label: str, total: int, progress: Progress | None) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if progress and (done == total or done % _NEWS == 0):
            progress(label, done, total)

    return tell
