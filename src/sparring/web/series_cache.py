"""Series of long journals in the cache folder, so that a journal of a million lines is read once only."""

import json
import sys
from array import array
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from sparring.errors import InputError, SparringError
from sparring.storage.cache import cache_folder
from sparring.storage.files import write_atomically
from sparring.web.series import Envelope, Series

FORMAT = f"sparring-series-1-{sys.byteorder}"
LEAST = 1 << 23  # bytes of a journal that is worth a file


def opened(path: Path) -> Series:
    """The series of a journal as far as an earlier server has read it; its `read_on` tells whether it is still that journal."""
    with suppress(SparringError, OSError, ValueError, KeyError, TypeError):
        return _read(_file(path).read_bytes())
    return Series()


def save(path: Path, series: Series) -> None:
    """Keep a series for the next server; a cache folder that cannot be written does no harm."""
    if series.offset >= LEAST:
        with suppress(SparringError, OSError):
            file = _file(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, b"".join(_parts(series)))


def _file(path: Path) -> Path:
    return cache_folder() / "play" / f"{sha256(str(path.resolve()).encode()).hexdigest()[:32]}.series"


def _parts(series: Series) -> Iterator[bytes]:
    head = {"format": FORMAT, "offset": series.offset, "groups": len(series.starts)}
    head |= {"names": list(series.envelopes), "marks": series.marks, "waiting_start": series.waiting_start}
    head["last"] = series.last.decode("latin-1")
    head["waiting"] = [line.decode("latin-1") for line in series.waiting]
    yield json.dumps(head).encode() + b"\n"
    yield series.starts.tobytes()
    for envelope in series.envelopes.values():
        yield envelope.low.tobytes()
        yield envelope.high.tobytes()


def _read(data: bytes) -> Series:
    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    if head["format"] != FORMAT or len(rest) != 8 * head["groups"] * (1 + 2 * len(head["names"])):
        raise InputError("a series of another version")
    size = 8 * head["groups"]
    columns = [rest[start : start + size] for start in range(0, len(rest), size)]
    series = Series()
    series.offset, series.marks, series.waiting_start = head["offset"], head["marks"], head["waiting_start"]
    series.last = head["last"].encode("latin-1")
    series.waiting = [line.encode("latin-1") for line in head["waiting"]]
    series.starts = array("q", columns[0])
    for place, name in enumerate(head["names"]):
        envelope = series.envelopes[name] = Envelope()
        envelope.low.frombytes(columns[1 + 2 * place])
        envelope.high.frombytes(columns[2 + 2 * place])
    return series
