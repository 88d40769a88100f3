"""What requests hold."""

import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sparring.errors import InputError
from sparring.storage import strict_json
from sparring.web.run_index import Entry


def entry_of(request: Request) -> Entry:
    """The run that the address names; 404 where there is none."""
    try:
        return request.app.state.run_index.get(request.path_params["run"])
    except KeyError:
        raise HTTPException(404, "there is no such run") from None


def number(text: str, name: str) -> float:
    """A finite number of the query."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{name} is {strict_json.shown(text)}; it must be a number")
    return value


async def body(request: Request) -> dict[str, Any]:
    """The JSON object that a request sends."""
    value = strict_json.parse(await request.body(), "the request")
    if not isinstance(value, dict):
        raise InputError("the request holds no JSON object")
    return value


def whole(asked: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    """A whole number of a request."""
    value = asked.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise InputError(f"{name} is {strict_json.shown(value)}; it must be a whole number in {least}..{most:,}")
    return value


def text(asked: dict[str, Any], name: str) -> str:
    """A text of a request."""
    value = asked.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} is {strict_json.shown(value)}; it must be a text")
    return value


async def ask(request: Request, do: str, **what: Any) -> Any:
    """What the worker answers; InputError with its sentence where it refuses."""
    return await run_in_threadpool(request.app.state.worker.ask, do, **what)
