"""Settings to and from JSON, and overrides by dotted name, all checked against the fields' types.

A registered part becomes an object with its registered "name"; nothing but registered parts and plain values can be read back,
so a file can never name code.
"""

import dataclasses
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Annotated, Any, Literal, Protocol, TypeVar, Union, get_args, get_origin, runtime_checkable

from sparring.config import ranges, registry
from sparring.errors import InputError
from sparring.storage import strict_json

T = TypeVar("T")


@runtime_checkable
class _Expanding(Protocol):
    """Settings of which some overrides stand for several."""

    @staticmethod
    def expanded(changes: Mapping[str, str]) -> dict[str, str]: ...


def encode(value: Any) -> Any:
    """A setting as JSON holds it: dataclasses as objects, registered ones with their "name"; tuples as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        name = {"name": registry.name_of(value)} if registry.is_registered(value) else {}
        return name | {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    return value


def decode(kind: Any, data: Any, where: str) -> Any:
    """The setting of type `kind` that `data` (parsed JSON) describes; InputError naming the place `where` it does not fit."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _decode_part(args[1], data, where) if isinstance(args[1], str) else decode(args[0], data, where)
    if isinstance(kind, type) and is_dataclass(kind):
        return _decode_fields(kind, data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise _misfit(where, data, "a list")
        return tuple(decode(args[0], item, f"{where}.{i}") for i, item in enumerate(data))
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        kinds = [a for a in args if a is not types.NoneType]
        return decode(next((a for a in kinds if (get_origin(a) is tuple) == isinstance(data, list)), kinds[0]), data, where)
    if origin is Literal:
        if data not in args:
            raise _misfit(where, data, "one of " + ", ".join(map(str, args)))
        return data
    return _decode_scalar(kind, data, where)


def override(settings: T, changes: Mapping[str, str]) -> T:
    """A copy with the fields named by dotted paths set to the values written in the texts.

    A text is read as JSON where it is JSON (`1e-4`, `true`, `[256, 256]`), else as a word. A part is replaced by the name of
    another one of its kind (`loss=minimax`), and items of a tuple go by their index (`round.moves.0.z=fresh`).
    The order does not matter where one change is possible only after another.
    """
    waiting = settings.expanded(changes) if isinstance(settings, _Expanding) else dict(changes)
    while waiting:
        failures: dict[str, InputError] = {}
        for path, text in waiting.items():
            try:
                settings = _override_one(type(settings), settings, path.split("."), _parse(text), path)
            except InputError as error:
                failures[path] = error
        if len(failures) == len(waiting):
            raise next(iter(failures.values()))
        waiting = {path: waiting[path] for path in failures}
    return settings


def dotted_names(settings: Any, prefix: str = "") -> list[str]:
    """The names that `override` takes for these settings, those of their parts included."""
    if isinstance(settings, tuple):
        items = [(str(index), item) for index, item in enumerate(settings)]
    else:
        items = [(name, getattr(settings, name)) for name in ranges.types_of(type(settings))] if is_dataclass(settings) else []
    return [found for name, item in items for found in (prefix + name, *dotted_names(item, f"{prefix}{name}."))]


def _override_one(kind: Any, current: Any, path: list[str], data: Any, where: str) -> Any:
    if not path:
        return decode(kind, data, where)
    step, rest = path[0], path[1:]
    if isinstance(current, tuple):
        if step not in map(str, range(len(current))):
            raise InputError(f"unknown setting {where!r}: {step!r} is not an index below {len(current)}")
        bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        changed = _override_one(get_args(bare)[0], current[int(step)], rest, data, where)
        return (*current[: int(step)], changed, *current[int(step) + 1 :])
    known = ranges.types_of(type(current)) if is_dataclass(current) else {}
    if step not in known or isinstance(current, type):
        deeper = [repr(name) for name in dotted_names(current) if name.endswith(f".{where}")][:3]  # `size` for `data.size`
        advice = f"did you mean {' or '.join(deeper)}?" if deeper else _nearest(step, known, where)
        raise InputError(f"unknown setting {where!r}; {advice}")
    return replace(current, **{step: _override_one(known[step], getattr(current, step), rest, data, where)})


def _nearest(step: str, known: Mapping[str, Any], where: str) -> str:
    if not known:
        return f"it has no part {step!r}"
    prefix = where.removesuffix(step) if step and where.endswith(step) else ""
    return registry.suggest(prefix + step, [prefix + name for name in known])


def _parse(text: str) -> Any:
    try:
        return strict_json.parse(text, "the value")
    except InputError:
        return text


def _decode_part(kind: str, data: Any, where: str) -> Any:
    if isinstance(data, str):
        data = {"name": data}
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        raise _misfit(where, data, f"the name of a {kind}")
    part = registry.find(kind, data["name"])
    return _decode_fields(part, {k: v for k, v in data.items() if k != "name"}, where)


def _decode_fields(cls: type, data: Any, where: str) -> Any:
    if not isinstance(data, dict):
        raise _misfit(where, data, "an object")
    known = ranges.types_of(cls)
    data = cls.upgraded(data) if hasattr(cls, "upgraded") else data
    for name in data:
        if name not in known:
            raise InputError(f"unknown setting '{where}.{strict_json.one_line(name)}'; {registry.suggest(name, known)}")
    try:
        return cls(**{name: decode(known[name], item, f"{where}.{name}") for name, item in data.items()})
    except TypeError:
        required = [f.name for f in fields(cls) if f.default is f.default_factory is dataclasses.MISSING]
        missing = [name for name in required if name not in data]
        if not missing:
            raise
        raise InputError(f"{where} lacks {', '.join(missing)}") from None


def _decode_scalar(kind: type, data: Any, where: str) -> Any:
    if kind is float and type(data) is int and abs(data) <= strict_json.LARGEST:
        return float(data)
    if type(data) is not kind:
        words = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}
        raise _misfit(where, data, words.get(kind, kind.__name__))
    return data


def _misfit(where: str, data: Any, expected: str) -> InputError:
    return InputError(f"{where} is {strict_json.shown(data)}; it must be {expected}")
