"""What the shell completes: recipes, data sets, settings and runs, all without PyTorch, which would take a second.

Names of recipes, data sets and settings are looked up once for each version of the package, and kept in the cache folder.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from sparring.errors import InputError

FILE = "completion.json"


def complete_recipe(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The recipes, or the shell's own files."""
    return _or_files(known()["settings"], incomplete)


def complete_setting(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The settings of the recipe that was named before, each with its `=`."""
    settings = known()["settings"]
    words = (ctx.params.get("recipe"), *ctx.args)  # click has not come to the arguments where an option lacks its value
    names = next((settings[word] for word in words if word in settings), ())
    return [CompletionItem(f"{name}=") for name in names if name.startswith(incomplete)]


def complete_data(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The data sets, or the shell's own files."""
    return _or_files(known()["data"], incomplete)


def complete_run(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`latest` and the runs under runs/, newest first, or the shell's own files."""
    return _or_files(_runs(), incomplete)


def complete_generator(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What `complete_run` offers, and the generators that come with the package."""
    from sparring.runs import shipped

    return _or_files([*_runs(), *shipped.names()], incomplete)


def _runs() -> list[str]:
    from sparring.runs.folders import run_folders

    return ["latest", *(str(path) for path in reversed(run_folders()))]


def _or_files(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    files = CompletionItem(incomplete, type="file")  # must be first: the shell drops what came before
    return [files, *(CompletionItem(name) for name in names if name.startswith(incomplete))]


def known() -> dict[str, Any]:
    """`data`: the data sets; `settings`: the names of the settings of each recipe; from the cache folder, if they fit."""
    from sparring.storage.cache import cache_folder
    from sparring.storage.files import read_json, write_atomically

    stamp = _stamp()
    with suppress(InputError):
        found = read_json(cache_folder() / FILE)
        if found.get("stamp") == stamp:
            return found
    found = {"stamp": stamp, **_look_up()}
    with suppress(InputError, OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        write_atomically(cache_folder() / FILE, json.dumps(found).encode())
    return found


def _stamp() -> list[str | int]:
    """What changes with the package."""
    from sparring import __version__

    package = Path(__file__).parents[1]
    return [__version__, str(package), max(file.stat().st_mtime_ns for file in package.rglob("*.py"))]


def _look_up() -> dict[str, Any]:
    from sparring import data, recipes
    from sparring.config import codec

    return {
        "data": [name for name, *_ in data.listing()],
        "settings": {name: _settings(codec.dotted_names(recipes.get(name))) for name in recipes.names()},
    }


def _settings(names: list[str]) -> list[str]:
    """The names, with those that stand for both networks' optimisers."""
    return sorted({*names, *(name.removeprefix("g_") for name in names if name.startswith("g_optim"))})
