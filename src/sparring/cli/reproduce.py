"""`sparring reproduce`."""

from pathlib import Path
from typing import Any

import click

from sparring.cli import names, options


@click.command(name="reproduce", epilog="Example: sparring reproduce vanilla --seeds 0-4")
@click.argument("tutorial", shell_complete=names.complete_recipe)
@click.option("--seeds", default="0", show_default=True, help="Seeds, one run each: 0-4, or 0,3,7.")
@options.lengths
@click.option("--out", type=options.place, help="Folder of the runs, one for each seed.  [default: runs/reproduce-TUTORIAL]")
@options.device
@options.quiet
@options.as_json
def command(tutorial: str, seeds: str, out: str | None, device: str, quiet: bool, as_json: bool, **lengths: Any) -> None:
    """Train TUTORIAL at its own settings and print its numbers beside ours.

    Runs that are in the folder already are resumed, not repeated. Several seeds train side by side.
    """
    from sparring.analysis import reproduction
    from sparring.config import devices
    from sparring.config.registry import suggest
    from sparring.multiseed import train_seeds
    from sparring.runs.result import Result

    if tutorial not in reproduction.PRINTED:
        raise click.UsageError(f"{tutorial!r} is not a tutorial; {suggest(tutorial, reproduction.PRINTED)}")
    devices.tune_process()
    folder = Path(out) if out else Path("runs") / f"reproduce-{tutorial}"
    numbers = options.seeds(seeds)
    trained = train_seeds(tutorial, numbers, out=folder, quiet=quiet, device=device, **lengths)
    trained.check()
    runs = [trained.runs[seed] for seed in numbers]
    lines = reproduction.compare(reproduction.PRINTED[tutorial], runs)
    results = [Result.of(run) for run in runs]
    if as_json:
        from dataclasses import asdict

        found = [asdict(line) | {"inside": line.inside} for line in lines]
        return options.print_json({"tutorial": tutorial, "lines": found, "runs": [asdict(r) for r in results]})
    return _print(tutorial, lines, reproduction.verdict(tutorial, lines), runs, results)


def _print(tutorial: str, lines: list, verdict: str, runs: list, results: list) -> None:
    if lines:
        rows = [(x.label, f"{x.epoch}", f"{x.printed:.4f}", f"{x.mean:.4f}", _interval(x), _outcome(x)) for x in lines]
        columns = ("value", "epoch", "tutorial", "ours (mean)", "95 % of further values", "")
        options.print_table(columns, rows, f"{tutorial}, {len(runs)} seed(s)")
    click.echo(verdict)
    for run, result in zip(runs, results, strict=True):
        click.echo(_sentence(run, result))


def _sentence(run, result) -> str:
    last = run.rounds()[-1]
    d_accuracy = (last["d_accuracy_real"] + last["d_accuracy_fake"]) / 2
    seconds_per_epoch = result.seconds / result.epochs
    return (
        f"{run.path}: {result.rounds} rounds, {result.seconds:.1f} s, {seconds_per_epoch:.1f} s an epoch; last round "
        f"G {result.g_loss:.4f} (fools D with {last['g_accuracy']:.0%}), D {result.d_loss:.4f} (right on {d_accuracy:.0%})"
    )


def _interval(line) -> str:
    return "needs more seeds" if line.low is None else f"{line.low:.4f} to {line.high:.4f}"


def _outcome(line) -> str:
    return {None: "", True: "inside", False: "OUTSIDE"}[line.inside]
