"""Pictures decoded once into a file that is mapped into memory, so that training data can be larger than memory."""

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.data.cache import locked
from sparring.data.pictures import Decoded, Kinds, Room
from sparring.errors import InputError, MachineError
from sparring.storage import files, strict_json
from sparring.storage.cache import cache_folder

VERSION = "sparring-pictures-1"  # increase it when pictures are decoded in another way
_PARTS = ".*.part"  # files under temporary names
_MOST_REASONS = 1000  # against bad files, that are kept
_intact: set[tuple[str | int, ...]] = set()  # names, checksums and stamps of files whose checksum held in this process


@dataclass(frozen=True)
class Key:
    """Identity of decoded pixels: the path of the pictures, their settings, and a digest of the listing of the files there."""

    path: str
    settings: str
    content: str

    @property
    def place(self) -> str:
        """Prefix of the files' names; it depends on path and settings alone, not on the content."""
        return digest([self.path, self.settings])[:16]

    @property
    def stem(self) -> str:
        return f"{self.place}-{self.content[:24]}"


@dataclass(frozen=True)
class Kept:
    """Decoded pixels uint8 [N, C, H, W], mapped from the cache folder, and the reasons against the other files, by place."""

    pixels: Tensor
    bad: dict[int, str]
    num_enlarged: int
    kinds: Kinds


def pixels(key: Key, decode: Callable[[Room], Decoded]) -> Kept:
    """The pixels in the cache folder; decoded first where they are not there whole.

    What was decoded of the same place before is removed, and of places that are no longer there. Of several processes one
    decodes, and the others wait for it. Raises MachineError where the disk has no room.
    """
    folder = cache_folder() / "pictures"
    found = _read(folder, key)
    if found and any(folder.glob(_PARTS)):
        _clear_abandoned_parts(folder)
    if found is None:
        with locked(folder):
            found = _read(folder, key)
            if found is None:
                _clear_parts(folder)
                _write(folder, key, decode)
                _sweep(folder, key)
                found = _read(folder, key)
    if found is None:
        raise InputError(f"{folder / key.stem} was changed while it was written; try again")
    return found


def forget(key: Key) -> None:
    """Remove these pixels from the cache folder."""
    for suffix in (".json", ".pixels"):
        with suppress(OSError):  # elsewhere than on POSIX what is mapped cannot go
            (cache_folder() / "pictures" / f"{key.stem}{suffix}").unlink(missing_ok=True)


def _read(folder: Path, key: Key) -> Kept | None:
    """The pixels, where both files are there and their checksum holds."""
    data, about = folder / f"{key.stem}.pixels", folder / f"{key.stem}.json"
    try:
        facts = files.read_json(about)
        shape = tuple(facts["shape"])
        num_bytes = int(np.prod(shape))
        bad, kinds = _unpacked(facts), Kinds(**facts["kinds"])  # version 0.1 kept no kinds; then all is decoded anew
        if facts["key"] != key.content or len(shape) != 4 or data.stat().st_size != num_bytes:
            return None
        mapped = torch.empty(0, dtype=torch.uint8)  # of no picture there is no map
        if num_bytes:
            mapped = torch.from_file(str(data), shared=False, size=num_bytes, dtype=torch.uint8)
    except (InputError, KeyError, TypeError, ValueError, AttributeError, OSError, RuntimeError):
        return None
    kept = Kept(mapped.view(shape), bad, facts.get("enlarged", 0), kinds)
    return kept if _is_intact(data, mapped, facts["sha256"]) else None


def _is_intact(data: Path, mapped: Tensor, sha256: str) -> bool:
    """True if the checksum holds; it is compared once for as long as the file does not change, for it takes long."""
    stat = data.stat()
    seen = (str(data), sha256, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if seen not in _intact:
        if hashlib.sha256(mapped.numpy().data).hexdigest() != sha256:
            return False
        _intact.add(seen)
    return True


def _packed(bad: Mapping[int, str]) -> dict[str, Any]:
    """The bad places in a form that a million of them fit: the first with their reasons, and a bit for each place."""
    if not bad:
        return {}
    bits = np.zeros(max(bad) + 1, bool)
    bits[list(bad)] = True
    told = {place: strict_json.one_line(bad[place]) for place in sorted(bad)[:_MOST_REASONS]}
    return {"bad": told, "bad_bits": base64.b64encode(np.packbits(bits).tobytes()).decode()}


def _unpacked(facts: Mapping[str, Any]) -> dict[int, str]:
    told = {int(place): reason for place, reason in facts.get("bad", {}).items()}
    bits = np.unpackbits(np.frombuffer(base64.b64decode(facts.get("bad_bits", "")), np.uint8))
    return {int(place): "is bad" for place in bits.nonzero()[0]} | told


def _write(folder: Path, key: Key, decode: Callable[[Room], Decoded]) -> None:
    """Decode into a file of a temporary name, and rename it once all of it is on the disk."""

    def decode_into(room: Room) -> dict[str, Any]:
        found = decode(room)
        checksum = hashlib.sha256(found.pixels.data).hexdigest()
        facts = {"path": key.path, "key": key.content, "shape": list(found.pixels.shape), "sha256": checksum}
        facts["kinds"] = asdict(found.kinds)
        return facts | _packed(found.bad) | ({"enlarged": found.num_enlarged} if found.num_enlarged else {})

    with _parts(folder / f"{key.stem}.pixels") as parts:
        facts = decode_into(parts.make)  # its map is closed again, so that the file can be renamed everywhere
        parts.keep(int(np.prod(facts["shape"])))
    files.write_json(folder / f"{key.stem}.json", facts)


def _sweep(folder: Path, key: Key) -> None:
    """Remove what was decoded of this place before, of places that are gone, and what cannot be read."""
    for about in folder.glob("*.json"):
        with suppress(OSError):  # elsewhere than on POSIX what is trained on cannot go
            old = about.stem.startswith(f"{key.place}-") and about.stem != key.stem
            if old or not _is_of_use(about):
                about.with_suffix(".pixels").unlink(missing_ok=True)
                about.unlink()
    for data in folder.glob("*.pixels"):
        with suppress(OSError):
            if not data.with_suffix(".json").exists():  # a process was killed between the two
                data.unlink()


def _is_of_use(about: Path) -> bool:
    try:
        return Path(files.read_json(about)["path"]).exists()
    except (InputError, KeyError, TypeError):
        return False


def _clear_abandoned_parts(folder: Path) -> None:
    """Remove what a process that was killed had begun, unless another one is writing now."""
    with suppress(MachineError), locked(folder, wait=False):  # neither a busy folder nor one that is only read is a fault here
        _clear_parts(folder)


def _clear_parts(folder: Path) -> None:
    """Remove what a process that was killed had begun; nobody else writes while the folder is locked."""
    for part in folder.glob(_PARTS):
        with suppress(OSError):
            part.unlink()


class _Parts:
    """Arrays in files under temporary names, the last of which is kept."""

    def __init__(self, path: Path) -> None:
        self._path, self._made = path, list[Path]()

    def make(self, shape: tuple[int, ...]) -> np.ndarray:
        """Room on the disk for an array uint8; MachineError where there is none, before the first byte is written."""
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}-{len(self._made)}.part")
        self._made.append(part)
        num_bytes = int(np.prod(shape))
        if not num_bytes:
            part.touch()
            return np.empty(shape, np.uint8)
        with files.disk_errors(part, num_bytes), part.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, num_bytes)  # a map would only notice when it is too late
            else:
                file.truncate(num_bytes)
        return np.memmap(part, np.uint8, "r+", shape=shape)

    def keep(self, num_bytes: int) -> None:
        """Bring the last array to the disk, cut to so many bytes, under its name."""
        part = self._made[-1]
        with files.disk_errors(part, num_bytes):
            with part.open("r+b") as file:
                file.truncate(num_bytes)
                os.fsync(file.fileno())
            os.replace(part, self._path)  # noqa: PTH105 (all changes of the disk are calls of `os`)
            files.sync_folder(self._path.parent)

    def clear(self) -> None:
        """Remove what was not kept."""
        for part in self._made:
            with suppress(OSError):
                part.unlink()


@contextmanager
def _parts(path: Path):
    parts = _Parts(path)
    try:
        yield parts
    finally:
        parts.clear()


def digest(lines: Iterable[str]) -> str:
    """SHA-256, in hex, of the version of the decoding and of these lines, which are not held together."""
    sha = hashlib.sha256(VERSION.encode())
    for line in lines:
        sha.update(f"\n{line}".encode())
    return sha.hexdigest()
