"""Pictures in a .zip file, read from the archive itself; nothing is unpacked onto the disk."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sparring.data.folder import label_file
from sparring.data.folder.image_files import SUFFIXES
from sparring.data.folder.layout import role
from sparring.data.streams import in_short, most_bytes, read_up_to
from sparring.errors import InputError
from sparring.storage import strict_json

_MOST_GROWTH = 100  # of all together that are packed already and hardly shrink
_UNPACKED = frozenset({".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".json", ".csv"})  # a drawing on one ground shrinks to any size
_GROWTH = {zipfile.ZIP_BZIP2: 1 << 20, zipfile.ZIP_LZMA: 1 << 13}  # bytes at most of each packed byte
_LARGEST = 1 << 30  # bytes of one member
_ENCRYPTED, _UTF8 = 1, 1 << 11  # flags of a member


@dataclass(frozen=True, eq=False)
class Member:
    """A file in an open archive."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.path}: {self.name}"

    def open(self, mode: str = "rb", /) -> BinaryIO:
        """Its bytes, no more than its entry declares; zipfile.BadZipFile where they are damaged."""
        assert mode == "rb"
        with self.archive.open(self.info) as stream:
            return io.BytesIO(read_up_to(stream, self.info.file_size + 1))


@contextmanager
def opened(path: Path, suffixes: Set[str] = SUFFIXES, reading: int = 1) -> Iterator[dict[PurePosixPath, Member | None]]:
    """All files of an archive with these suffixes by name, sorted, without the outer folder that all lie in.

    A folder's name maps to None. `reading`: 1 takes names as version 0.1 did; 2 those of a Korean Windows as they were meant,
    parts divided by backslashes too, and files of labels as well.
    Raises InputError for an archive that cannot be read, for a name that leads out of it, and for one that unpacks to far
    more than it weighs.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(f"{path} cannot be read as a .zip file: {' '.join(in_short(error).split())}") from error
    with archive:
        _check(archive, path, suffixes)
        yield _below_root(archive, path, suffixes, reading)


def _check(archive: zipfile.ZipFile, path: Path, suffixes: Set[str]) -> None:
    weight = path.stat().st_size
    for info in archive.infolist():
        name = info.filename
        if strict_json.unfit_character(name) is not None:
            raise InputError(f"{path} has a member {name!a} with a name that cannot be shown; pack it anew")
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            raise InputError(f"{path} has a member {name!r} whose path leads out of it; nothing of it is read, pack it anew")
        if info.flag_bits & _ENCRYPTED:
            raise InputError(f"{path} is encrypted ({name!r}); pack it without a password")
        most = most_bytes(info.compress_size, info.compress_type) or _GROWTH.get(info.compress_type, 0) * info.compress_size
        if info.file_size > most:
            raise InputError(f"{path} has a member {name!r} that cannot hold the {info.file_size:,} bytes it declares")
        if info.file_size > _LARGEST and PurePosixPath(name).suffix.lower() in suffixes:
            raise InputError(f"{path} has a member {name!r} of {info.file_size:,} bytes, too many for a picture; take it out")
    total = sum(i.file_size for i in archive.infolist() if PurePosixPath(i.filename).suffix.lower() in suffixes - _UNPACKED)
    if total > _MOST_GROWTH * weight:
        raise InputError(
            f"{path} weighs {weight:,} bytes and would unpack to {total:,}, more than {_MOST_GROWTH} times as many"
        )


def _below_root(archive: zipfile.ZipFile, path: Path, suffixes: Set[str], reading: int) -> dict[PurePosixPath, Member | None]:
    """The files and the folders, by their names without the outer folders that hold them all; hidden ones are left out."""
    found = {PurePosixPath(info.filename if reading == 1 else _meant(info)): info for info in archive.infolist()}
    if len(found) < len(archive.infolist()):
        raise InputError(f"{path} has two members of one name; pack it anew")
    shown = {
        name: None if info.is_dir() else Member(archive, info, path, info.filename if reading == 1 else str(name))
        for name, info in sorted(found.items())
        if name.parts
        and (info.is_dir() or name.suffix.lower() in suffixes or (reading == 2 and name.name in label_file.NAMES))
        and not any(part.startswith(".") or part == "__MACOSX" for part in name.parts)
    }
    depth = _depth(shown, (lambda name: name in ("train", "test")) if reading == 1 else role)
    return {PurePosixPath(*name.parts[depth:]): member for name, member in shown.items() if len(name.parts) > depth}


def _meant(info: zipfile.ZipInfo) -> str:
    """A member's name; where it is not marked as UTF-8, `zipfile` has read it as cp437, which few programs write.

    Hangul that was read so is found in marked names as well: programs pass it on.
    """
    name, encodings = info.filename, ("cp949",) if info.flag_bits & _UTF8 else ("utf-8", "cp949")
    if not name.isascii():
        with suppress(UnicodeEncodeError):
            raw = name.encode("cp437")
            name = next((text for encoding in encodings if (text := _decoded(raw, encoding))), name)
    return name.replace("\\", "/")


def _decoded(raw: bytes, encoding: str) -> str | None:
    """The text, where it is one in this encoding; in cp949 one of Hangul, most of it the common syllables of EUC-KR."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    if encoding != "cp949":
        return text
    letters = [letter for letter in text if not letter.isascii()]
    common = [letter for letter in letters if len(letter.encode("euc_kr", "ignore")) == 2]
    return text if all("ㄱ" <= letter <= "힣" for letter in letters) and 2 * len(common) > len(letters) else None


def _depth(shown: Mapping[PurePosixPath, Member | None], is_half: Callable[[str], object]) -> int:
    """Number of nested outer folders that hold everything else, not counting one of a half, such as `train`."""
    depth = 0
    while True:
        below = {name.parts[depth] for name in shown if len(name.parts) > depth}
        alone = len(below) != 1 or any(map(is_half, below))
        if alone or any(m and len(name.parts) == depth + 1 for name, m in shown.items()):
            return depth
        depth += 1
