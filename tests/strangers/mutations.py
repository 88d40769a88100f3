"""What may become of a file on its way, or in bad hands: every mutation is a function of a seeded generator."""

import json
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from sparring.storage.tensors import read_tensors

Mutant = tuple[str, bytes]  # what was done, and the outcome

HOSTILE: tuple[tuple[str, str], ...] = (  # as they stand in the text, for JSON's writer would refuse some
    ("nan", "NaN"),
    ("infinity", "-Infinity"),
    ("overflow", "1e999"),
    ("digits", "9" * 5000),
    ("huge", "1000000000000"),
    ("negative", "-1"),
    ("zero", "0"),
    ("fraction", "0.5"),
    ("true", "true"),
    ("null", "null"),
    ("word", '"word"'),
    ("long word", '"' + "x" * 100_000 + '"'),
    ("surrogate", '"\\ud800"'),
    ("escape", '"\\u001b[2J"'),
    ("climbing", '"../../secret.txt"'),
    ("absolute", '"/etc/passwd"'),
    ("list", "[1000000000]"),
    ("large lists", "[3, 100000, 100000]"),
    ("layers", "[" + "1," * 100_000 + "1]"),
    ("empty list", "[]"),
    ("object", "{}"),
    ("deep", "[" * 100_000 + "]" * 100_000),
)
TEXTS: tuple[Mutant, ...] = (
    ("empty", b""),
    ("space", b" \n"),
    ("no object", b"[]\n"),
    ("not closed", b'{"format": '),
    ("deep objects", b'{"a":' * 100_000),
    ("another encoding", '{"format": 1}'.encode("utf-16")),
    ("no text", bytes(range(256))),
    ("long", b'{"a": "' + b"x" * (1 << 24) + b'"}\n'),
)
_MARK = "@@"


def of_bytes(data: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    """So many mutants: flipped bits, cuts, blocks doubled, swapped, zeroed, lies in the first bytes, something at the end."""
    for cut in {0, 1, 4, 7, 8, 12, 16, len(data) // 2, len(data) - 1} & set(range(len(data))):
        yield f"cut at {cut}", data[:cut]
    yield "twice", data + data
    yield "junk at the end", data + b"junk"
    for make in _endless((_flip, _flip, _flip, _lie, _double, _swap, _erase), num):
        yield make(data, rng)


def _endless(makers: tuple[Callable[[bytes, Random], Mutant], ...], num: int) -> Iterator[Callable[[bytes, Random], Mutant]]:
    yield from (makers[i % len(makers)] for i in range(num))


def _flip(data: bytes, rng: Random) -> Mutant:
    place, bit = rng.randrange(len(data)), rng.randrange(8)
    return f"bit {bit} of byte {place} flipped", data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def _lie(data: bytes, rng: Random) -> Mutant:
    place, lie = rng.randrange(min(64, len(data))), rng.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
    return f"{lie.hex()} at byte {place}", data[:place] + lie + data[place + 4 :]


def _blocks(data: bytes, rng: Random) -> tuple[int, int, int]:
    size = max(1, len(data) // rng.choice((4, 8, 16)))
    return size, rng.randrange(len(data)), rng.randrange(len(data))


def _double(data: bytes, rng: Random) -> Mutant:
    size, a, _ = _blocks(data, rng)
    return f"{size} bytes at {a} doubled", data[: a + size] + data[a:]


def _swap(data: bytes, rng: Random) -> Mutant:
    size, *places = _blocks(data, rng)
    a, b = min(places), max(min(places) + size, max(places))
    swapped = data[:a] + data[b : b + size] + data[a + size : b] + data[a : a + size] + data[b + size :]
    return f"{size} bytes at {a} and {b} swapped", swapped


def _erase(data: bytes, rng: Random) -> Mutant:
    size, a, _ = _blocks(data, rng)
    return f"{size} bytes at {a} zeroed", data[:a] + bytes(len(data[a : a + size])) + data[a + size :]


def of_json(value: Any, rng: Random, num: int) -> Iterator[Mutant]:
    """So many mutants of a JSON value: another value in some place, a place missing, given twice, or under another name."""
    places = [path for path in _paths(value) if path]
    for i in range(num):
        path = rng.choice(places)
        name, text = HOSTILE[i % len(HOSTILE)]
        yield f"{_dotted(path)} is {name}", _written(_with(value, path, _MARK)).replace(f'"{_MARK}"', text, 1).encode()
    for path in rng.sample(places, min(4, len(places))):
        yield f"{_dotted(path)} is missing", _written(_with(value, path, ...)).encode()
    named = [path for path in places if isinstance(path[-1], str)]
    for path in rng.sample(named, min(2, len(named))):
        text = _written(_with(value, path, _MARK))
        twice = f"1, {json.dumps(path[-1])}: 1"
        yield f"{_dotted(path)} is given twice", text.replace(f'"{_MARK}"', twice, 1).encode()
        other = text.replace(f'{json.dumps(path[-1])}: "{_MARK}"', '"\\u0000x": 1', 1)
        yield f"{_dotted(path)} is renamed", other.encode()


def _written(value: Any) -> str:
    return json.dumps(value) + "\n"


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value in this place, or without the place, where that is `...`."""
    if not path:
        return new
    items = dict(value) if isinstance(value, dict) else dict(enumerate(value))
    items[path[0]] = _with(items[path[0]], path[1:], new)
    items = {key: item for key, item in items.items() if item is not ...}
    return items if isinstance(value, dict) else list(items.values())


def of_lines(data: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    """So many mutants of JSON lines: of one of their values, and lines missing, doubled and swapped."""
    lines = data.splitlines(keepends=True)
    for _ in range(num):
        at = rng.randrange(len(lines))
        done, text = rng.choice(list(of_json(json.loads(lines[at]), rng, len(HOSTILE))))
        yield f"line {at + 1}: {done}", b"".join([*lines[:at], text, *lines[at + 1 :]])
    for at in rng.sample(range(len(lines)), min(3, len(lines))):
        yield f"line {at + 1} missing", b"".join(lines[:at] + lines[at + 1 :])
        yield f"line {at + 1} twice", b"".join(lines[: at + 1] + lines[at:])


def of_header(data: bytes, rng: Random, num: int) -> Iterator[Mutant]:
    """So many lies in the header of a safetensors file, its length put right."""
    end = 8 + struct.unpack("<Q", data[:8])[0]
    for done, text in of_json(json.loads(data[8:end]), rng, num):
        yield f"header: {done}", struct.pack("<Q", len(text)) + text + data[end:]
    for length in (0, 2**31, 2**63, end + len(data)):
        yield f"header of {length} bytes", struct.pack("<Q", length) + data[8:]


def of_facts(path: Any, format: str, rng: Random, num: int) -> Iterator[Mutant]:
    """So many sealed files that lie: facts that somebody changed before computing the checksum."""
    facts, tensors, _ = read_tensors(path, format, "original")
    for done, text in of_json(facts, rng, num):
        yield f"sealed: {done}", resealed(text.decode().strip(), format, tensors)


def resealed(text: str, format: str, tensors: dict[str, Any]) -> bytes:
    """A sealed file with this text as its facts, whatever it is."""
    from safetensors.torch import save

    from sparring.storage.tensors import _checksum

    checksum = _checksum(text, tensors)
    return save(tensors, {"format": format, "facts": text, "sha256": checksum})
