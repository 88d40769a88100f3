"""Pictures in an .npz file, as NumPy's `savez` and `savez_compressed` write it."""

import io
import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy

from sparring.data.sets import ImageSet
from sparring.data.streams import in_short, most_bytes
from sparring.errors import InputError

MOST_CLASSES = 1 << 16

Check = Callable[[tuple[int, ...], np.dtype, str], None]
"""Raises InputError, naming the place, for an array of an unfit shape or type."""

_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_LONGEST_END = 22 + 65_535  # bytes of an archive's last record, with its comment
_SLICE = 1 << 20  # values quantised at a time


def read_npz(path: Path) -> ImageSet:
    """The array `images`, or else `arr_0`, of an .npz file, with the integers `labels` [N] where there are any.

    The images are [N, H, W] or [N, H, W, C], C being 1, 3, or 4 with alpha: uint8, or floats in [-1, 1], which are quantised as
    (x + 1) * 127.5, rounded half to even. InputError for everything else, without trust in what a header declares.
    """
    with _opened(path) as (archive, members):
        name = _first(members, ("images", "arr_0"), path)
        images = _pixels(_array(archive, members[name], path, _check_images), f"`{name}` of {path}")
        if "labels" not in members:
            return ImageSet(images)
        labels = _array(archive, members["labels"], path, _check_labels)
    return _labelled(images, labels, path)


def one_array(path: Path, name: str, check: Check) -> np.ndarray:
    """One array of an .npz file, whose declared shape and type `check` has passed; InputError where it cannot be read."""
    with _opened(path) as (archive, members):
        return _array(archive, members[_first(members, (name,), path)], path, check)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Context manager of an archive and its arrays by name; whatever is wrong with it in the block becomes an InputError."""
    if not path.is_file():  # a device would never end
        raise InputError(f"{path} is no file")
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _members(archive, path)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # archives and arrays meet damage with errors of every kind
        raise InputError(f"{path} cannot be read as an .npz file: {' '.join(in_short(error).split())}") from error


def _first(members: Iterable[str], names: Sequence[str], path: Path) -> str:
    """The first of these names that an array has; InputError, with the names of all arrays, where none does."""
    found = next((name for name in names if name in members), None)
    if found is None:
        raise InputError(f"{path} has no array `{names[0]}`; it holds {', '.join(sorted(members)) or 'nothing'}")
    return found


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The arrays by name; an error where the archive disagrees with itself about their names or their number."""
    for member in archive.infolist():
        archive.open(member).close()  # compares the name in the directory with the one before the array
    if len(archive.infolist()) != _declared_members(path):
        raise zipfile.BadZipFile("its directory is damaged")
    members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise zipfile.BadZipFile("it holds two arrays of one name")
    return members


def _declared_members(path: Path) -> int:
    """Number of members by the archive's last record, which `zipfile` does not look at."""
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, _LONGEST_END), io.SEEK_END)
        end = file.read()
    at = end.rindex(b"PK\5\6")
    return int.from_bytes(end[at + 10 : at + 12], "little")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, check: Check) -> np.ndarray:
    """An array whose type and shape `check` has passed, and whose size the file can really hold."""
    where = f"`{member.filename.removesuffix('.npy')}` of {path}"
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise InputError(f"{where} is in version {version[0]}.{version[1]} of NumPy's format; save it with savez")
        shape, _, dtype = _HEADERS[version](stream)
        start = stream.tell()
    check(shape, dtype, where)
    declared = start + math.prod(shape) * dtype.itemsize
    packed = min(member.compress_size, path.stat().st_size)
    held = min(member.file_size, most_bytes(packed, member.compress_type))
    if declared != held:
        raise InputError(f"{where} declares {declared:,} bytes (shape {list(shape)}), but the file holds {held:,}")
    with archive.open(member) as stream:
        values = npy.read_array(stream)
        stream.read(1)  # at its end the checksum is compared
    return values


def _check_images(shape: tuple[int, ...], dtype: np.dtype, where: str) -> None:
    if dtype.hasobject:
        raise InputError(f"{where} holds Python objects, which are not read; save an array of uint8")
    if dtype != np.uint8 and dtype.kind != "f":
        raise InputError(f"{where} is {dtype}; it must be uint8, or floats in [-1, 1]")
    if len(shape) not in (3, 4):
        raise InputError(f"{where} has shape {list(shape)}; it must be [N, H, W] or [N, H, W, C]")
    if len(shape) == 4 and shape[3] not in (1, 3, 4):
        raise InputError(f"{where} has shape {list(shape)}; the channels come last, and there must be 1, 3 or 4")
    if min(shape) <= 0:
        raise InputError(f"{where} is empty: its shape is {list(shape)}")


def _check_labels(shape: tuple[int, ...], dtype: np.dtype, where: str) -> None:
    if dtype.kind not in "iu":
        raise InputError(f"{where} is {dtype}; labels must be integers")
    if len(shape) != 1 or shape[0] < 0:
        raise InputError(f"{where} has shape {list(shape)}; it must be [N]")


def _pixels(images: np.ndarray, where: str) -> torch.Tensor:
    """As uint8 [N, C, H, W]."""
    if images.dtype.kind == "f":
        _check_range(images, where)
        images = _quantised(images)
    deep = images if images.ndim == 4 else images[..., None]
    return torch.from_numpy(np.ascontiguousarray(deep.transpose(0, 3, 1, 2)))


def _check_range(images: np.ndarray, where: str) -> None:
    bad = images.size - np.count_nonzero(np.isfinite(images))
    if bad:
        raise InputError(f"{where} has {bad:,} of {images.size:,} values that are infinite or not a number")
    low, high = images.min(), images.max()
    if low < -1 or high > 1:
        raise InputError(f"{where} goes from {low:g} to {high:g}; floats must lie in [-1, 1]")
    if low >= 0:
        raise InputError(f"{where} goes from {low:g} to {high:g}, most likely meant as [0, 1]; save 2 * images - 1")


def _quantised(images: np.ndarray) -> np.ndarray:
    """In slices, so that floats of full width are never held for all at once."""
    result = np.empty(images.shape, np.uint8)
    step = max(1, _SLICE // images[0].size)
    for at in range(0, len(images), step):
        result[at : at + step] = np.rint((images[at : at + step].astype(np.float64) + 1) * 127.5)
    return result


def _labelled(images: torch.Tensor, labels: np.ndarray, path: Path) -> ImageSet:
    if len(labels) != len(images):
        raise InputError(f"{path}: {len(images)} images but {len(labels)} labels; there must be as many")
    low, high = labels.min(), labels.max()
    if low < 0 or high >= MOST_CLASSES:
        raise InputError(f"{path}: the labels go from {low} to {high}; they must lie in 0..{MOST_CLASSES - 1}")
    return ImageSet(images, torch.from_numpy(labels.astype(np.int64)), tuple(map(str, range(int(high) + 1))))
