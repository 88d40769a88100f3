"""The routes of the server. None takes a path: runs go by id and files by name, both from the server's own lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sparring.errors import InputError, SparringError
from sparring.storage import strict_json
from sparring.web import changes, exploring, past, stream
from sparring.web.answers import Finite
from sparring.web.command import data_folders
from sparring.web.drawing import Worker
from sparring.web.requests import entry_of, number
from sparring.web.run_index import Entry, RunIndex
from sparring.web.safety import Access, Safety, policy
from sparring.web.series import AXES
from sparring.web.trainings import Trainings

STATIC = Path(__file__).parent / "static"
MOST_POINTS = 4000
_KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml", ".txt": "text/plain"}
_PAGE = Path(__file__).parent.parent / "exporters" / "page"  # an exported page's scripts draw here as well
_SHARED = ("forward.js", "gif.js", "latents.js", "pictures.js")
ASSETS = {path.name: path for path in STATIC.rglob("*") if path.suffix in _KINDS} | {name: _PAGE / name for name in _SHARED}


def make_app(run_index: RunIndex, access: Access, data_roots: tuple[Path, ...] = ()) -> Starlette:
    """The application; `app.state.closing` is set by the server when its streams must end."""
    routes = [
        Route("/", page),
        Route("/frame", frame),
        Route("/static/{name}", asset),
        Route("/api/runs", runs),
        Route("/api/runs/{run}", run_facts),
        Route("/api/runs/{run}/state", run_state),
        Route("/api/runs/{run}/series", series),
        Route("/api/runs/{run}/pictures/{name}", picture),
        Route("/api/stream", events),
        *changes.ROUTES,
        *exploring.ROUTES,
        *past.ROUTES,
    ]
    handlers: dict[Any, Callable[..., Any]] = {SparringError: refused, HTTPException: failed, 500: broken}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.middleware_stack = Safety(app.build_middleware_stack(), access)  # around all, so that faults have the headers as well
    app.state.run_index, app.state.access, app.state.closing = run_index, access, False
    app.state.folders = data_folders(data_roots)
    app.state.worker, app.state.trainings = Worker(), Trainings(run_index.root)
    return app


async def page(request: Request) -> Response:
    return FileResponse(ASSETS["index.html"], media_type="text/html")


async def frame(request: Request) -> Response:
    """The page for a notebook's frame. Its token stands behind the # of the address, which browsers do not send."""
    framed_by = request.app.state.access.framed_by
    if not framed_by:
        raise HTTPException(404, "no notebook shows this page")
    return FileResponse(ASSETS["index.html"], media_type="text/html", headers={"Content-Security-Policy": policy(framed_by)})


async def asset(request: Request) -> Response:
    path = ASSETS.get(request.path_params["name"])
    if path is None:
        raise HTTPException(404, "there is no such file")
    return FileResponse(path, media_type=_KINDS[path.suffix])


async def runs(request: Request) -> Response:
    return Finite(await run_in_threadpool(request.app.state.run_index.rows))


async def run_facts(request: Request) -> Response:
    return Finite(await run_in_threadpool(_facts, request.app.state.run_index, entry_of(request)))


async def run_state(request: Request) -> Response:
    return Finite(await run_in_threadpool(request.app.state.run_index.row, entry_of(request).id))


def _facts(run_index: RunIndex, entry: Entry) -> dict[str, Any]:
    return {
        **run_index.row(entry.id),
        "facts": entry.recipe(),
        "marks": entry.marks(),
    }


async def series(request: Request) -> Response:
    """The numbers of a part of the run: `axis`, `from`, `to` and `points` in the query."""
    entry, query = entry_of(request), request.query_params
    axis = query.get("axis", "round")
    if axis not in AXES:
        raise InputError(f"axis is {strict_json.shown(axis)}; it must be one of {', '.join(AXES)}")
    low, high = number(query.get("from", "-1e300"), "from"), number(query.get("to", "1e300"), "to")
    points = int(min(max(number(query.get("points", "1000"), "points"), 2), MOST_POINTS))

    return Finite(await run_in_threadpool(entry.window, axis, low, high, points))


async def picture(request: Request) -> Response:
    path = await run_in_threadpool(entry_of(request).picture, request.path_params["name"])
    if path is None:
        raise HTTPException(404, "there is no such picture")
    return FileResponse(path, media_type="image/gif" if path.suffix == ".gif" else "image/png")


async def events(request: Request) -> Response:
    """The one stream of a page: the query's `at`, or the Last-Event-ID of a page that comes back, says what it has."""
    known = request.headers.get("last-event-id") or request.query_params.get("at", "")
    found = stream.events(request.app, stream.places(known, request.app.state.run_index))
    return StreamingResponse(found, media_type="text/event-stream")


async def refused(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)


async def broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the server met an error; its terminal shows it"}, 500)
