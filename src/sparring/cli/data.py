"""`sparring data list`, `fetch`, `check`."""

from typing import Any

import click

from sparring.cli import options
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


@command.command(epilog="Example: sparring data check my-pictures --set size=64")
@click.argument("name_or_path", type=options.data)
@options.data_settings
@options.skip_bad
@options.as_json
def check(name_or_path: str, settings: tuple[str, ...], skip_bad: bool, as_json: bool) -> None:
    """Report on NAME_OR_PATH before training: counts, sizes, classes, duplicates, bad files, speed, memory.

    The exit status is 2 where training would refuse the data.
    """
    from sparring import data
    from sparring.api.own import with_settings
    from sparring.runs.progress import Progress

    settings = (*settings, *(["skip_bad=true"] if skip_bad else []))
    chosen = with_settings(data.resolve(name_or_path), options.assignments(settings))
    with Progress() as progress:
        report = data.check(chosen, progress.transfer)
    problem = report.pop("problem", None) if not as_json else report.get("problem")
    if as_json:
        options.print_json(report)
    else:
        _print(report)
    if problem:
        raise InputError(problem)


def _print(report: dict[str, Any]) -> None:
    for key, value in report.items():
        label = key.replace("_", " ")
        if isinstance(value, dict):
            for name, detail in value.items():
                click.echo(f"{label:<24} {name}: {detail}")
        else:
            click.echo(f"{label:<24} {value}")
