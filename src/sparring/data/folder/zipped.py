"""Pictures in a .zip file, read from the archive itself; nothing is unpacked onto the disk."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sparring.data.folder.image_files import SUFFIXES
from sparring.data.streams import in_short, most_bytes, read_up_to
from sparring.errors import InputError
from sparring.storage import strict_json

_MOST_GROWTH = 100  # of all together; pictures are packed already and hardly shrink
_ENCRYPTED = 1


@dataclass(frozen=True, eq=False)
class Member:
    """A file in an open archive."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    path: Path

    def __str__(self) -> str:
        return f"{self.path}: {self.info.filename}"

    def open(self, mode: str = "rb", /) -> BinaryIO:
        """Its bytes, no more than its entry declares; zipfile.BadZipFile where they are damaged."""
        assert mode == "rb"
        with self.archive.open(self.info) as stream:
            return io.BytesIO(read_up_to(stream, self.info.file_size + 1))


@contextmanager
def opened(path: Path) -> Iterator[dict[PurePosixPath, Member | None]]:
    """All pictures of an archive by name, sorted, without the outer folder that all lie in; a folder's name maps to None.

    Raises InputError for an archive that cannot be read, for a name that leads out of it, and for one that unpacks to far
    more than it weighs.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read as a .zip file: {' '.join(in_short(error).split())}") from error
    with archive:
        _check(archive, path)
        yield _below_root(archive, path)


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    weight = path.stat().st_size
    for info in archive.infolist():
        name = info.filename
        if strict_json.unfit_character(name) is not None:
            raise InputError(f"{path} has a member {name!a} with a name that cannot be shown; pack it anew")
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            raise InputError(f"{path} has a member {name!r} whose path leads out of it; nothing of it is read, pack it anew")
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{path} is encrypted ({name!r}); pack it without a password")
        if info.file_size > most_bytes(info.compress_size, info.compress_type):
            raise InputError(f"{path} has a member {name!r} that cannot hold the {info.file_size:,} bytes it declares")
    total = sum(info.file_size for info in archive.infolist())
    if total > _MOST_GROWTH * weight:
        raise InputError(
            f"{path} weighs {weight:,} bytes and would unpack to {total:,}, more than {_MOST_GROWTH} times as many"
        )


def _below_root(archive: zipfile.ZipFile, path: Path) -> dict[PurePosixPath, Member | None]:
    """The pictures and the folders, by their names without the outer folders that hold them all; hidden ones are left out."""
    found = {PurePosixPath(info.filename): info for info in archive.infolist()}
    if len(found) < len(archive.infolist()):
        raise InputError(f"{path} has two members of one name; pack it anew")
    shown = {
        name: None if info.is_dir() else Member(archive, info, path)
        for name, info in sorted(found.items())
        if name.parts
        and (info.is_dir() or name.suffix.lower() in SUFFIXES)
        and not any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    }
    depth = _depth(shown)
    return {PurePosixPath(*name.parts[depth:]): member for name, member in shown.items() if len(name.parts) > depth}


def _depth(shown: Mapping[PurePosixPath, Member | None]) -> int:
    """Number of nested outer folders that hold everything else, not counting `train` or `test`."""
    depth = 0
    while True:
        below = {name.parts[depth] for name in shown if len(name.parts) > depth}
        if len(below) != 1 or below & {"train", "test"} or any(m and len(name.parts) == depth + 1 for name, m in shown.items()):
            return depth
        depth += 1
