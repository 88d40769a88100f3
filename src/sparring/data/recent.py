"""Tensors of the files that were read last, kept so that a training reads, checks and parses each file once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

MOST_FILES = 4  # those of one data set
MOST_BYTES = 64 << 20  # of a tensor; a larger one is read anew, for it would be held long after a training

_Stamp = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Kept:
    stamp: _Stamp  # of the file when it was read
    tensor: Tensor
    version: int  # of the tensor, which PyTorch counts up when it is written into


_kept: dict[Path, _Kept] = {}


def tensor(path: Path, read: Callable[[], Tensor]) -> Tensor:
    """The tensor in a file, shared by all who ask: read anew where the file has changed, or somebody wrote into the tensor.

    A change of the file shows in its size or its times, one of the tensor in PyTorch's version counter.
    """
    stamp, path = _stamp(path), path.absolute()
    kept = _kept.get(path)
    if kept and kept.stamp == stamp and kept.version == kept.tensor._version:
        _kept[path] = _kept.pop(path, kept)  # the newest again
        return kept.tensor
    _kept.pop(path, None)  # first, so that the old one and the new one are not held together
    del kept
    found = read()
    if stamp and found.nbytes <= MOST_BYTES:
        _keep(path, _Kept(stamp, found, found._version))
    return found


def _stamp(path: Path) -> _Stamp | None:
    """Device, number, size and times of a file; None where it cannot be asked for them."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _keep(path: Path, kept: _Kept) -> None:
    _kept[path] = kept
    while len(_kept) > MOST_FILES:
        _kept.pop(next(iter(_kept)), None)
