"""`sparring runs`."""

from pathlib import Path

import click

from sparring.cli import options


@click.command(name="runs", epilog="Example: sparring runs")
@click.argument("root", default="runs")
@options.as_json
def command(root: str, as_json: bool) -> None:
    """List the runs under ROOT, newest last."""
    from sparring.run.listing import summaries

    found = summaries(Path(root))
    if as_json:
        return options.print_json(found)
    columns = ("run", "recipe", "state", "rounds", "epoch", "seconds", "score", "MiB")
    rows = [row | {"score": _brief(row["score"])} for row in found]
    return options.print_table(columns, [[str(row[name]) for name in columns] for row in rows])


def _brief(score: dict | None) -> str:
    if score is None:
        return ""
    return f"{score['metric'].replace('_', ' ')} {score['value']:.4g}{' (quick)' if score['quick'] else ''}"
