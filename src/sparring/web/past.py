"""The routes about what a run was: a toy at a kept round, and the run played again up to any round."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sparring.errors import InputError
from sparring.storage import strict_json
from sparring.web.answers import Finite
from sparring.web.requests import body, entry_of


async def toy(request: Request) -> Response:
    """The points, D and G of a toy in the checkpoint or snapshot `at`, see `toys.toy_view`."""
    entry, name = entry_of(request), request.query_params.get("at")
    file = await run_in_threadpool(entry.kept_file, name)
    if file is None:
        raise InputError(f"{entry.title} has kept no checkpoint or snapshot {strict_json.shown(name)}")
    return Finite(await run_in_threadpool(request.app.state.worker.ask, "toy", path=str(file)))


async def replay(request: Request) -> Response:
    """Play a run again, bit for bit, up to the round `rounds`, as a training of its own; answers as a start does."""
    entry, rounds = entry_of(request), (await body(request)).get("rounds")
    if type(rounds) is not int or not 1 <= rounds < 2**40:
        raise InputError(f"rounds is {strict_json.shown(rounds)}; it must be a whole number of at least 1")
    name = f"{entry.path.resolve().name}-replay{rounds}"
    arguments = ["--replay", str(entry.path), "--rounds", str(rounds)]
    return Finite({"training": request.app.state.trainings.start(name, arguments)}, 201)


ROUTES = [
    Route("/api/runs/{run}/toy", toy),
    Route("/api/runs/{run}/replay", replay, methods=["POST"]),
]
