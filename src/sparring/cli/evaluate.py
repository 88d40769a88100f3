"""`sparring evaluate`."""

from typing import Any

import click

from sparring.cli import options

REALS = {"test": "the {} test examples", "all": "all {} examples, those trained on among them,"}


@click.command(
    name="evaluate", epilog="Example: sparring evaluate latest    or: sparring evaluate pictures.npz --against mnist"
)
@click.argument("target", type=options.generator, default="latest")
@click.option(
    "--against", type=options.data, metavar="DATA", help="A data set's name or path.  [default: the run's own, else mnist]"
)
@options.data_settings
@click.option(
    "--data", type=options.place, metavar="DATA", help="The run's own data in another place.  [default: where they were]"
)
@click.option("--num", type=options.count, help="Samples per draw.  [default: 10,000; points: 2,500; pictures: all]")
@click.option("--draws", type=click.IntRange(2, 1000), default=5, show_default=True, help="Independent draws of a generator.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of samples and subsets.")
@click.option(
    "--extractor",
    help="digits, general, an extractor's file, inception, inception:FILE.  [default: the data's own, else general]",
)
@options.skip_bad
@options.device
@options.threads
@options.quiet
@options.code
@options.as_json
def command(target: str, settings: tuple[str, ...], code: str | None, as_json: bool, **how: Any) -> None:
    """Score TARGET: a run, `latest`, a folder of seeds, a checkpoint, a generator (its folder, digits or the like, or
    hf://user/name on the Hugging Face Hub), or a folder or .npz of pictures."""
    from sparring.api.evaluate import evaluate
    from sparring.config import devices

    devices.tune_process()
    options.execute(code)
    result = evaluate(target, settings=options.assignments(settings), **how)
    if as_json:
        from sparring.config import codec

        options.print_json(codec.encode(result))
    else:
        _print(result)
    for one in (result, *result.runs):
        if one.unsaved:
            click.echo(f"the scores could not be added to the run: {one.unsaved}", err=True)


def _print(result) -> None:
    from sparring.api.evaluate import COLUMNS
    from sparring.evaluation.known import meaning

    for run in result.runs:
        click.echo(f"{run.subject}: {run.scores[0]}")
    options.print_table(COLUMNS, result.rows(), result.subject)
    if shares := [score for score in result.scores if score.metric.startswith("share_")]:
        click.echo("classes: " + "  ".join(f"{score.metric.removeprefix('share_')} {score.value:.1%}" for score in shares))
    for sentence in result.skipped:
        click.echo(f"left out: {sentence}")
    protocol = result.scores[0].protocol
    over = f" of the mean over {protocol.interval}" if result.runs else ""
    reals = REALS[protocol.split].format(f"{protocol.num_real:,}")
    click.echo(
        f"{protocol.num_samples:,} samples against {reals} of {protocol.data}; "
        f"extractor {protocol.extractor_text}; 95 % intervals{over}; real images: training examples in the samples' place"
    )
    if found := meaning(result.scores[0]):
        click.echo(found)
