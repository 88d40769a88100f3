"""The process that needs PyTorch, so that the server does not: it draws, knows the recipes, and plays dry.

A line of JSON on standard input is a request, a line on standard output its answer. Without a request for five minutes it ends.
"""

import base64
import json
import os
import select
import sys
from collections.abc import Callable
from typing import Any, TextIO

IDLE = 300.0  # seconds
POINTS = 1000  # of a toy that are drawn


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


def _sample(run: str, num: int, seed: int, class_: int | None, raw: bool, rows: bool) -> Any:
    """A PNG of samples, with `rows` a row of `num` for each class, and the classes that the generator knows."""
    from sparring.api.load import load_generator

    generator = load_generator(run, raw)
    if len(generator.shape) == 1:
        return {"png": _scatter(run, generator, seed), "classes": []}
    z = generator.z_by_class(num, seed) if rows else generator.z_in_blocks(num, seed, class_)
    return {"png": _png(generator, z, num if rows else None), "classes": _classes(generator)}


def _between(run: str, seeds: tuple[int, int], steps: int, class_: int | None) -> Any:
    """A PNG of a way from the z of one seed to that of another, eight of them in rows."""
    import torch

    from sparring.api.load import load_generator

    generator = load_generator(run)
    first, last = (generator.z_in_blocks(8, seed, class_) for seed in seeds)
    shares = torch.linspace(0, 1, steps)[None, :, None]
    z = (first[:, None] + (last - first)[:, None] * shares).flatten(0, 1)  # [8 * steps, num_z]
    return {"png": _png(generator, z, steps), "classes": _classes(generator)}


def _classes(generator: Any) -> list[str]:
    return list(generator.classes[: generator.num_classes]) or list(map(str, range(generator.num_classes)))


def _png(generator: Any, z: Any, columns: int | None = None) -> str:
    """The pictures of z in a grid, as PNG in base 64."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from sparring.runs.samples import write_drawn

    with TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.png"
        write_drawn(path, generator, z, columns)
        return base64.b64encode(path.read_bytes()).decode()


def _scatter(run: str, generator: Any, seed: int) -> str:
    """A thousand points over real ones, as PNG in base 64; InputError for points of more than two dimensions."""
    import torch

    from sparring.errors import InputError
    from sparring.runs.run import Run
    from sparring.visual import scatter

    if generator.shape[0] > 2:
        raise InputError(f"this generator draws points in {generator.shape[0]} dimensions, which cannot be shown")
    real = Run.open(run).recipe.data.test()
    shown = real.batch(torch.arange(min(POINTS, len(real))))
    return base64.b64encode(scatter(shown, generator.draw(generator.z_in_blocks(POINTS, seed)))).decode()


TASKS: dict[str, Callable[..., Any]] = {
    "recipes": _recipes,
    "recipe": _recipe,
    "check": _check,
    "forecast": _forecast,
    "sample": _sample,
    "between": _between,
}


def _is_waiting(requests: TextIO) -> bool:
    """True once a request or the end has come; False after `IDLE` seconds. Windows cannot tell, and waits for the server."""
    return os.name != "posix" or bool(select.select([requests], [], [], IDLE)[0])


if __name__ == "__main__":
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    serve(sys.stdin, own)
