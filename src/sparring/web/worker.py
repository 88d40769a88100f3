"""The process that needs PyTorch, so that the server does not: it draws, knows the recipes, and plays dry.

A line of JSON on standard input is a request, a line on standard output its answer. Without a request for five minutes it ends.
"""

import json
import os
import select
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TextIO

IDLE = 300.0  # seconds
EXPLORED = ("generator", "latents", "draw", "judge", "spread", "nearest", "invert", "go_on", "arrays")


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer requests until there are none for a while, or the server has gone."""
    while _is_waiting(requests):
        line = requests.readline()
        if not line:
            return
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """`{"ok": ...}`, or `{"error": ...}` with the sentence that the command line would print."""
    from sparring.errors import SparringError

    try:
        return {"ok": TASKS[request.pop("do")](**request)}
    except SparringError as error:
        return {"error": str(error)}
    except (MemoryError, RuntimeError) as error:
        return {"error": f"it failed: {type(error).__name__}: {error}"}


def _recipes() -> Any:
    from sparring import data, recipes

    found = [recipes.describe(name) for name in recipes.names()]
    brief = [{key: each[key] for key in ("name", "summary", "measured")} for each in found]
    return {"recipes": brief, "data": [name for name, *_ in data.listing()]}


def _recipe(name: str) -> Any:
    from sparring import recipes

    return recipes.describe(name)


def _resolved(recipe: str, settings: dict[str, str], lengths: dict[str, Any], data: str | None) -> Any:
    from sparring.api.resolve import resolve

    return resolve(recipe, settings, data, **lengths)


def _check(**training: Any) -> Any:
    resolved = _resolved(**training)
    return {"length": str(resolved.length)}


def _forecast(seed: int, start_from: str | None, **training: Any) -> Any:
    from sparring.api.dry_run import dry_run
    from sparring.runs.pace import about

    found = dry_run(_resolved(**training), seed=seed, start_from=start_from, quiet=True)
    return found | {"about": about(found["seconds_to_expect"])}


@cache
def _explorer() -> Any:
    from sparring.web.explorer import Explorer

    return Explorer()


def _explored(name: str) -> Callable[..., Any]:
    """A task of the explorer, which is made when it is first needed."""
    return lambda **request: _explorer().do(name, **request)


def _toy(path: str) -> Any:
    from sparring.web.toys import toy_view

    return toy_view(path)


TASKS: dict[str, Callable[..., Any]] = {
    "recipes": _recipes,
    "recipe": _recipe,
    "check": _check,
    "forecast": _forecast,
    "toy": _toy,
    **{name: _explored(name) for name in EXPLORED},
}


def _is_waiting(requests: TextIO) -> bool:
    """True once a request or the end has come; False after `IDLE` seconds. Windows cannot tell, and waits for the server."""
    return os.name != "posix" or bool(select.select([requests], [], [], IDLE)[0])


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin, own)
