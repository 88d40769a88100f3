"""`sparring compare`."""

import click

from sparring.cli import options


@click.command(name="compare", epilog="Example: sparring compare runs/first runs/second --out report.html")
@click.argument("runs", type=options.run, nargs=-1, metavar="RUN...")
@click.option("--out", type=options.place, default="comparison.html", show_default=True, help="The .html file to write.")
@options.code
@options.as_json
def command(runs: tuple[str, ...], out: str, code: str | None, as_json: bool) -> None:
    """Put RUNs side by side in one HTML file: pictures, traces, scores, the coach's remarks, and settings.

    A folder of runs stands for all of them, and groups of seeds are compared by a test.
    """
    from sparring.analysis import compare

    options.execute(code)
    comparison = compare(runs, out=out)
    if as_json:
        return options.print_json({"report": out} | comparison.summary())
    return _print(comparison, out)


def _print(comparison, out: str) -> None:
    if comparison.lines:
        options.print_table(("metric", *comparison.letters), comparison.rows())
    for letter, path in zip(comparison.letters, comparison.paths, strict=True):
        click.echo(f"{letter:<10} {path}")
    letters = dict(zip(comparison.paths, comparison.letters, strict=True))
    for d in (*comparison.differences, *comparison.group_differences):
        if d.matters and not d.metric.startswith("share_"):
            click.echo(_sentence(d, letters))
    click.echo(f"{'report':<10} {options.link(out)}")


def _sentence(d, letters: dict[str, str]) -> str:
    """A difference in words; groups are named by the letters of their runs."""
    from sparring.evaluation.score import number

    direction = {True: ", better", False: ", worse", None: ""}[d.better]
    p_value = "" if d.p_value is None else f" (seeds, p = {d.p_value:.2g})"
    b, a = (letters.get(name, name) for name in (d.b, d.a))
    by = f"{'+' * (d.difference >= 0)}{number(d.difference)}"
    return f"differs    {d.metric.replace('_', ' ')}: {b} from {a} by {by}{direction}{p_value}"
