"""The routes of the page that explores a generator: a run's, or one that comes with the package. The worker answers most."""

from pathlib import Path
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sparring.errors import InputError
from sparring.runs import directions, shipped
from sparring.storage import strict_json
from sparring.storage.cache import cache_folder
from sparring.storage.files import disk_errors
from sparring.web.answers import Finite
from sparring.web.requests import ask, body, text, whole

LARGEST_SEED = 2**31
MOST = 1024  # z at a time
MOST_CLASSES = 100_000
_WRITING = Lock()


async def generators(request: Request) -> Response:
    """The generators that come with the package."""
    found = await run_in_threadpool(shipped.generators)
    return Finite([{"name": own.name, "summary": str(own.facts.get("summary", ""))} for own in found])


async def facts(request: Request) -> Response:
    """What a generator is called, its checkpoints, and the directions that were named; needs no worker."""
    return Finite(await run_in_threadpool(_facts, request))


async def generator(request: Request) -> Response:
    return Finite(await ask(request, "generator", **_which(request)))


async def spread(request: Request) -> Response:
    return Finite(await ask(request, "spread", **_which(request)))


async def latents(request: Request) -> Response:
    asked = await body(request)
    num, seed = whole(asked, "num", 64, 1, MOST), whole(asked, "seed", 0, 0, LARGEST_SEED)
    return Finite(await ask(request, "latents", **_which(request), num=num, seed=seed, class_=_class(asked)))


async def draw(request: Request) -> Response:
    return Finite(await ask(request, "draw", **_which(request), z=text(await body(request), "z")))


async def arrays(request: Request) -> Response:
    return Finite(await ask(request, "arrays", **_which(request), z=text(await body(request), "z")))


async def judge(request: Request) -> Response:
    asked = await body(request)
    return Finite(await ask(request, "judge", **_which(request), pixels=text(asked, "pixels"), class_=_class(asked)))


async def nearest(request: Request) -> Response:
    return Finite(await ask(request, "nearest", **_which(request), pixels=text(await body(request), "pixels")))


async def invert(request: Request) -> Response:
    return Finite(await ask(request, "invert", **_which(request), pixels=text(await body(request), "pixels")))


async def go_on(request: Request) -> Response:
    return Finite(await ask(request, "go_on", search=text(await body(request), "search")))


async def save_direction(request: Request) -> Response:
    """Name a direction (`name`, `vector`), or remove one (`vector` null); answers with those that are there then."""
    asked = await body(request)
    name, path = text(asked, "name"), _directions_file(request)
    return Finite(_shown(await run_in_threadpool(_save, path, name, asked.get("vector"))))


def _save(path: Path, name: str, vector: Any) -> tuple[directions.NamedDirection, ...]:
    with _WRITING:
        with disk_errors(path, 0):
            path.parent.mkdir(parents=True, exist_ok=True)
        return directions.save(path, name, vector)


def _facts(request: Request) -> dict[str, Any]:
    named = _shown(directions.read(_directions_file(request)))
    entry = _entry(request)
    if entry is None:
        name = request.path_params["of"]
        return {"name": name, "run": None, "place": name, "checkpoints": [], "named": named}
    return {"name": entry.title, "run": entry.id, "place": str(entry.path), "checkpoints": entry.kept(), "named": named}


def _shown(found: tuple[directions.NamedDirection, ...]) -> list[dict[str, Any]]:
    return [{"name": own.name, "vector": own.vector} for own in found]


def _entry(request: Request) -> Any:
    """The run that the address names; None for a generator that comes with the package, 404 where there is neither."""
    name = request.path_params["of"]
    if name in shipped.names():
        return None
    try:
        return request.app.state.run_index.get(name)
    except KeyError:
        raise HTTPException(404, "there is no such run or generator") from None


def _directions_file(request: Request) -> Path:
    """In the run's folder; for a generator that comes with the package in the cache folder."""
    entry = _entry(request)
    if entry is not None:
        return entry.path / directions.FILE
    folder = shipped.folder_of(request.path_params["of"])
    assert folder is not None
    return cache_folder() / "directions" / f"{folder.name}.json"


def _which(request: Request) -> dict[str, Any]:
    """What the worker opens: a checkpoint's or a snapshot's file, by default that of the newest checkpoint, or a generator's
    folder; averaged or `raw`."""
    entry, query = _entry(request), request.query_params
    if entry is None:
        return {"path": str(shipped.folder_of(request.path_params["of"])), "raw": False}
    checkpoints = [one["name"] for one in entry.checkpoints()]
    name = query.get("checkpoint", checkpoints[-1] if checkpoints else "")
    file = entry.kept_file(name)
    if file is None:
        missing = f"no checkpoint {strict_json.shown(name)}" if name else "no checkpoint yet"
        raise InputError(f"{entry.title} has kept {missing}")
    return {"path": str(file), "raw": query.get("raw") == "1"}


def _class(asked: dict[str, Any]) -> int | None:
    return None if asked.get("class") is None else whole(asked, "class", 0, 0, MOST_CLASSES)


_OF = "/api/explore/{of}"
ROUTES = [
    Route("/api/generators", generators),
    Route(_OF, facts),
    Route(f"{_OF}/generator", generator),
    Route(f"{_OF}/spread", spread),
    Route(f"{_OF}/latents", latents, methods=["POST"]),
    Route(f"{_OF}/draw", draw, methods=["POST"]),
    Route(f"{_OF}/arrays", arrays, methods=["POST"]),
    Route(f"{_OF}/judge", judge, methods=["POST"]),
    Route(f"{_OF}/nearest", nearest, methods=["POST"]),
    Route(f"{_OF}/invert", invert, methods=["POST"]),
    Route(f"{_OF}/invert/go-on", go_on, methods=["POST"]),
    Route(f"{_OF}/directions", save_direction, methods=["POST"]),
]
