"""The directions in z that a user has named: a small file beside a run, `directions.json`."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from sparring.config import codec
from sparring.errors import InputError, check
from sparring.storage.files import read_json, write_json

FILE = "directions.json"
FORMAT = "sparring-directions-1"
MOST = 32
LONGEST_NAME = 60
WIDEST = 8192  # columns of z


@dataclass(frozen=True)
class NamedDirection:
    """A direction in z and what the user calls it."""

    name: str
    vector: tuple[float, ...]

    def __post_init__(self) -> None:
        good = self.name.strip() != "" and len(self.name) <= LONGEST_NAME and self.name.isprintable()
        check(good, "the name", f"{len(self.name)} characters", f"have 1 to {LONGEST_NAME} characters that can be printed")
        good = 1 <= len(self.vector) <= WIDEST and all(isfinite(x) and abs(x) < 1e6 for x in self.vector)
        check(good, "the vector", f"{len(self.vector)} numbers", "hold a finite number for each column of z")


def read(path: Path) -> tuple[NamedDirection, ...]:
    """The directions in a file, none where there is no file; InputError where it is damaged, or a link."""
    if path.is_symlink():
        raise InputError(f"{path} is a link; it must be a file")
    if not path.is_file():
        return ()
    found = read_json(path)
    if found.get("format") != FORMAT:
        raise InputError(f"{path} has no format {FORMAT}")
    return codec.decode(tuple[NamedDirection, ...], found.get("directions"), f"{path}: directions")


def save(path: Path, name: str, vector: Any) -> tuple[NamedDirection, ...]:
    """Add a direction, or replace the one of this name, or remove it where the vector is None; all that are there then.

    Raises InputError for a bad name or vector, for more than 32, and where the file is damaged or cannot be written.
    """
    kept = [each for each in read(path) if each.name != name]
    if vector is not None:
        kept.append(codec.decode(NamedDirection, {"name": name, "vector": vector}, "direction"))
    check(len(kept) <= MOST, "the number of directions", len(kept), f"be at most {MOST}")
    write_json(path, {"format": FORMAT, "directions": codec.encode(tuple(kept))})
    return tuple(kept)
