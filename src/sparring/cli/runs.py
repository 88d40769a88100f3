"""`sparring runs`."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sparring.cli import options
from sparring.errors import InputError


@click.command(name="runs", epilog="Example: sparring runs")
@click.argument("root", default="runs")
@click.option("--check", is_flag=True, help="Verify the checksum of every file of the runs.")
@options.as_json
def command(root: str, check: bool, as_json: bool) -> None:
    """List the runs under ROOT, newest last."""
    from sparring.runs.listing import summaries

    if check:
        return _check(Path(root), as_json)
    found = summaries(Path(root))
    if as_json:
        return options.print_json(found)
    columns = ["run", "recipe", "set", "state", "rounds", "epoch", "seconds", "score", "MiB"]
    rows = [row | {"score": _brief(row["score"]), "set": _pairs(row["set"]), "from": _origin(row["parent"])} for row in found]
    if any(row["from"] for row in rows):
        columns.insert(3, "from")
    shown = _fitting(columns, rows) if sys.stdout.isatty() else columns
    return options.print_table(shown, [[str(row[name]) for name in shown] for row in rows])


def _fitting(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that a terminal has room for beside the whole names, the most wanted first."""
    left, chosen = shutil.get_terminal_size().columns, set()
    for name in ("run", "state", "rounds", "score", "set", "from", "epoch", "seconds", "MiB", "recipe"):
        if name not in columns:
            continue
        left -= 2 + max(len(str(text)) for text in (name, *(row[name] for row in rows)))
        if left < -2 and chosen:
            break
        chosen.add(name)
    return [name for name in columns if name in chosen]


def _check(root: Path, as_json: bool) -> None:
    from sparring.runs.listing import damage
    from sparring.runs.progress import Progress

    with Progress() as progress:
        found = damage(root, progress.step)
    problems = [problem for those in found.values() for problem in those]
    if as_json:
        options.print_json([{"run": run, "problems": those} for run, those in found.items()])
    else:
        click.echo("".join(f"{run}: {'intact' if not those else 'damaged'}\n" for run, those in found.items()), nl=False)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise InputError(f"{len(problems)} file(s) of the runs under {root} are damaged or missing")


def _pairs(settings: Mapping[str, str]) -> str:
    return " ".join(f"{name}={text}" for name, text in settings.items())


def _origin(parent: Mapping[str, Any] | None) -> str:
    """The parent of a fork, or of a replay, with the round."""
    if parent is None:
        return ""
    name = Path(parent["run"]).name + ("" if parent["round"] is None else f", round {parent['round']}")
    return f"{name} again" if parent["kind"] == "replay" else name


def _brief(score: dict | None) -> str:
    from sparring.evaluation.score import number

    if score is None:
        return ""
    return f"{score['metric'].replace('_', ' ')} {number(score['value'])}{' (quick)' if score['quick'] else ''}"
