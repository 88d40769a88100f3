"""`sparring runs`."""

from pathlib import Path

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
    columns = ("run", "recipe", "state", "rounds", "epoch", "seconds", "score", "MiB")
    rows = [row | {"score": _brief(row["score"])} for row in found]
    return options.print_table(columns, [[str(row[name]) for name in columns] for row in rows])


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


def _brief(score: dict | None) -> str:
    if score is None:
        return ""
    return f"{score['metric'].replace('_', ' ')} {score['value']:.4g}{' (quick)' if score['quick'] else ''}"
