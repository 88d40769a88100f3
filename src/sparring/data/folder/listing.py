"""The files below a folder, made for a million of them: names are plain texts, and a file is made when it is asked for."""

import os
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, Protocol, overload

from sparring.data.streams import in_short
from sparring.errors import InputError
from sparring.storage import strict_json

_DEEPEST = 50  # folders within each other


class File(Protocol):
    """Source of a picture: a path, or a member of an archive."""

    def open(self, mode: Literal["rb"], /) -> BinaryIO: ...


@dataclass(frozen=True)
class Files(Sequence[File]):
    """Files with their names, which are paths within a folder or an archive, with "/" between the parts.

    `file` makes a file of its name.
    """

    names: Sequence[str]
    file: Callable[[str], File]

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> File: ...
    @overload
    def __getitem__(self, place: slice) -> "Files": ...
    def __getitem__(self, place: int | slice) -> "File | Files":
        if isinstance(place, slice):
            return Files(self.names[place], self.file)
        return self.file(self.names[place])


def find(folder: Path, suffixes: Set[str]) -> tuple[Files, list[str]]:
    """Every file below a folder whose name ends in one of `suffixes`, and the names of the folders down to the second level.

    The order is that of the names, part by part, and the same everywhere. What is hidden (`.name`) or in a folder `__MACOSX`
    is passed over; links are followed, unless they lead in a circle. InputError where a folder cannot be read.
    """
    walk = _Walk(tuple(suffixes))
    try:
        walk.into(folder, "", frozenset())
    except OSError as error:
        raise InputError(f"{error.filename or folder} cannot be read: {in_short(error)}") from error
    return Files(walk.names, folder.joinpath), walk.folders


def outermost(names: Iterable[str]) -> set[str]:
    """The outermost folders of these names of files."""
    return {name.partition("/")[0] for name in names if "/" in name}


class _Walk:
    """The names that were found so far."""

    def __init__(self, suffixes: tuple[str, ...]) -> None:
        self.names, self.folders, self._suffixes = list[str](), list[str](), suffixes

    def into(self, folder: Path, prefix: str, above: frozenset[Path]) -> None:
        """Add what is below a folder, under names that begin with `prefix`."""
        here = folder.resolve()
        if here in above:
            return
        if len(above) > _DEEPEST:
            raise InputError(f"{folder} lies more than {_DEEPEST} folders deep; put the pictures into fewer")
        files, folders = self._entries(folder)
        for name in sorted([*files, *folders]) if folders else sorted(files):
            if name not in folders:
                self.names.append(prefix + name)
                continue
            if len(above) < 2:
                self.folders.append(prefix + name)
            self.into(folder / name, f"{prefix}{name}/", above | {here})

    def _entries(self, folder: Path) -> tuple[list[str], set[str]]:
        """The names of the files and of the folders in a folder."""
        files, folders = [], set()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or name == "__MACOSX":
                    continue
                if strict_json.unfit_character(name) is not None:
                    raise InputError(f"{entry.path!a} has a name that cannot be shown; give it another")
                if _leads_to(entry, os.path.isdir, entry.is_dir):
                    folders.add(name)
                elif name.lower().endswith(self._suffixes) and _leads_to(entry, _is_file_or_gone, entry.is_file):
                    files.append(name)
        return files, folders


def _leads_to(entry: os.DirEntry, followed: Callable[[str], bool], alone: Callable[..., bool]) -> bool:
    """Whether an entry, or what it links to, is of a kind; without a link the listing knows, which saves a look at the file."""
    return followed(entry.path) if entry.is_symlink() else alone(follow_symlinks=False)


def _is_file_or_gone(path: str) -> bool:
    return os.path.isfile(path) or not os.path.exists(path)  # noqa: PTH110, PTH113 (a broken link is found out later)
