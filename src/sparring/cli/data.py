"""`sparring data list`, `fetch`, `check`, `show`."""

from typing import Any

import click

from sparring.cli import names, options
from sparring.errors import InputError


@click.group(name="data", epilog="Example: sparring data fetch mnist")
def command() -> None:
    """List data sets, fetch one, or check one before training."""


@command.command(name="list", epilog="Example: sparring data list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the data sets and say whether they are on this machine."""
    from sparring import data

    rows = [{"name": name, "summary": part.summary, "cached": cached} for name, part, cached in data.listing()]
    if as_json:
        return options.print_json(rows)
    return options.print_table(
        ("data set", "here", "what it is"), [(r["name"], "yes" if r["cached"] else "no", r["summary"]) for r in rows]
    )


@command.command(epilog="Example: sparring data fetch mnist")
@click.argument("name", type=options.data)
@options.quiet
def fetch(name: str, quiet: bool) -> None:
    """Download the data set NAME and verify it."""
    from sparring import data
    from sparring.runs.progress import Progress

    with Progress(quiet) as progress:
        data.resolve(name).fetch(progress.transfer)
    click.echo(f"{name}: all files are here and verified")


_for = click.option(
    "--for", "recipe", metavar="RECIPE", shell_complete=names.complete_recipe, help="Read the data as this recipe would."
)


@command.command(epilog="Example: sparring data check my-pictures --for photo")
@click.argument("name_or_path", type=options.data)
@_for
@options.data_settings
@options.skip_bad
@options.as_json
def check(name_or_path: str, recipe: str | None, settings: tuple[str, ...], skip_bad: bool, as_json: bool) -> None:
    """Report on NAME_OR_PATH before training: counts, sizes, classes, duplicates, bad files, speed, memory.

    With --for RECIPE also what to expect of its training, of which two seconds are timed, and the command that starts it.
    The exit status is 2 where training would refuse the data.
    """
    from sparring import data
    from sparring.api import outlook
    from sparring.runs.progress import Progress

    given = _settings(settings, skip_bad)
    chosen, planned = _chosen(name_or_path, recipe, given)
    with Progress() as progress:
        report = data.check(chosen, progress.transfer)
    problem = report.get("problem")
    if planned and not problem:
        report["outlook"] = outlook.outlook(planned, report)
        report["command"] = outlook.command(recipe or planned.name, name_or_path, given)
    if as_json:
        options.print_json(report)
    else:
        _print(report)
    if problem:
        raise InputError(problem)


@command.command(epilog="Example: sparring data show my-pictures --for photo --out real.png")
@click.argument("name_or_path", type=options.data)
@_for
@options.data_settings
@options.skip_bad
@click.option("--num", type=click.IntRange(1, 10_000), default=64, show_default=True, help="Pictures, where no classes are.")
@click.option("--out", type=options.place, default="data.png", show_default=True, help="The PNG file to write.")
@options.as_json
def show(
    name_or_path: str, recipe: str | None, settings: tuple[str, ...], skip_bad: bool, num: int, out: str, as_json: bool
) -> None:
    """Draw what a training would get of NAME_OR_PATH: its size, fit and colours, and a row for each class."""
    from pathlib import Path

    from sparring.api.real_grid import real_grid
    from sparring.runs.progress import Progress
    from sparring.storage import checksums

    if Path(out).suffix.lower() != ".png":
        raise InputError(f"cannot draw the data into {out}: name a .png file")
    chosen, _ = _chosen(name_or_path, recipe, _settings(settings, skip_bad))
    with Progress() as progress:
        png = real_grid(chosen, num, progress.transfer)
    checksums.write_file(Path(out), png)
    options.print_json({"out": out}) if as_json else click.echo(options.link(out))


def _settings(settings: tuple[str, ...], skip_bad: bool) -> dict[str, str]:
    """The settings of the data by their names in a recipe: `size=64` is `data.size=64`."""
    given = options.assignments((*settings, *(["skip_bad=true"] if skip_bad else [])))
    return {name if name.startswith("data.") else f"data.{name}": value for name, value in given.items()}


def _chosen(name_or_path: str, recipe: str | None, given: dict[str, str]) -> tuple[Any, Any]:
    """The data set as a recipe reads it, and the recipe; as it is, and None, where none is named."""
    from sparring import data, recipes
    from sparring.api.own import with_settings
    from sparring.api.resolve import resolve

    if recipe is None:
        return with_settings(data.resolve(name_or_path), given), None
    chosen = recipes.from_file(recipe) if recipe.endswith(".py") else recipe
    planned = resolve(chosen, given, name_or_path)
    return planned.data, planned


def _print(report: dict[str, Any]) -> None:
    from sparring.api import outlook

    for key, value in report.items():
        label = key.replace("_", " ")
        if key == "problem":
            continue
        if key == "outlook":
            for name, text in outlook.lines(value, report["train"]):
                click.echo(f"{name:<24} {text}")
            continue
        if isinstance(value, dict):
            for name, detail in value.items():
                click.echo(f"{label:<24} {name}: {detail}")
        else:
            click.echo(f"{label:<24} {value}")
