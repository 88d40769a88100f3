"""`sparring compare`."""

import click

from sparring.cli import options


@click.command(name="compare", epilog="Example: sparring compare runs/first runs/second --out report.html")
@click.argument("runs", type=options.run, nargs=-1, metavar="RUN...")
@click.option("--out", type=options.place, default="comparison.html", show_default=True, help="The .html file to write.")
@options.code
@options.as_json
def command(runs: tuple[str, ...], out: str, code: str | None, as_json: bool) -> None:
    """Put RUNs side by side in one HTML file: settings, pictures, traces, scores, and the coach's remarks."""
    from sparring.analysis import compare

    options.execute(code)
    comparison = compare(runs, out=out)
    if as_json:
        return options.print_json({"report": out} | comparison.summary())
    return _print(comparison, out)


def _print(comparison, out: str) -> None:
    from sparring.evaluation.score import number

    shown = [line for line in comparison.lines if not line.metric.startswith("share_")]
    rows = [(line.metric.replace("_", " "), *(number(score and score.value) for score in line.scores)) for line in shown]
    if rows:
        options.print_table(("metric", *comparison.letters), rows)
    for letter, path in zip(comparison.letters, comparison.paths, strict=True):
        click.echo(f"{letter:<10} {path}")
    told = [d for d in comparison.differences if d.matters and not d.metric.startswith("share_")]
    letters = dict(zip(comparison.paths, comparison.letters, strict=True))
    for d in told:
        direction = {True: ", better", False: ", worse", None: ""}[d.better]
        click.echo(
            f"differs    {d.metric.replace('_', ' ')}: {letters[d.b]} from {letters[d.a]} by {d.difference:+.4g}{direction}"
        )
    click.echo(f"{'report':<10} {options.link(out)}")
