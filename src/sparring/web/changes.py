"""The routes that change something, and those that ask the worker."""

import shlex
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sparring.runs import orders
from sparring.web import command
from sparring.web.answers import Finite
from sparring.web.command import TrainingRequest
from sparring.web.requests import ask, body, entry_of


async def send_order(request: Request) -> Response:
    """Send an order to the process that trains a run; answers with its number."""
    entry = entry_of(request)
    number = await run_in_threadpool(orders.send, entry.path, await body(request))
    return Finite({"number": number})


async def recipes(request: Request) -> Response:
    found = await ask(request, "recipes")
    return Finite({**found, "folders": list(request.app.state.folders)})


async def recipe(request: Request) -> Response:
    return Finite(await ask(request, "recipe", name=request.path_params["name"]))


async def check(request: Request) -> Response:
    """Whether a training could be started, and the command line that does it."""
    training = await _requested(request)
    await ask(request, "check", **_resolvable(training))
    return Finite({"command": _command_line(training)})


async def forecast(request: Request) -> Response:
    """Play a training dry for two seconds: parameters, memory, the time to expect."""
    training = await _requested(request)
    parent = str(training.start_from) if training.start_from else None
    found = await ask(request, "forecast", seed=training.seed, start_from=parent, **_resolvable(training))
    return Finite({"command": _command_line(training), "forecast": found})


async def start(request: Request) -> Response:
    training = await _requested(request)
    await ask(request, "check", **_resolvable(training))
    name = f"{training.recipe}-seed{training.seed}"
    return Finite({"training": request.app.state.trainings.start(name, training.arguments())}, 201)


async def training(request: Request) -> Response:
    try:
        return Finite(request.app.state.trainings.state(request.path_params["name"]))
    except KeyError:
        raise HTTPException(404, "there is no such training") from None


async def _requested(request: Request) -> TrainingRequest:
    return command.parse(await body(request), request.app.state.run_index, request.app.state.folders)


def _resolvable(training: TrainingRequest) -> dict[str, Any]:
    return {"recipe": training.recipe, "settings": training.settings, "lengths": training.lengths, "data": training.data}


def _command_line(training: TrainingRequest) -> str:
    return shlex.join(["sparring", "train", *training.arguments()])


ROUTES = [
    Route("/api/runs/{run}/orders", send_order, methods=["POST"]),
    Route("/api/recipes", recipes),
    Route("/api/recipes/{name}", recipe),
    Route("/api/check", check, methods=["POST"]),
    Route("/api/forecast", forecast, methods=["POST"]),
    Route("/api/trainings", start, methods=["POST"]),
    Route("/api/trainings/{name}", training),
]
