"""`sparring extractor list`, `train`."""

from pathlib import Path
from typing import Any

import click

from sparring.cli import options


@click.group(name="extractor", epilog="Example: sparring extractor list")
def command() -> None:
    """List the extractors (networks whose features the scores use), or train one on your own pictures."""


@command.command(name="list", epilog="Example: sparring extractor list")
@options.as_json
def list_(as_json: bool) -> None:
    """List the available extractors."""
    from sparring.evaluation import extractors

    found = list(extractors.readable())
    if as_json:
        return options.print_json([_row(path, own) for path, own in found])
    table = []
    for path, own in found:
        row = _row(path, own)
        size = " x ".join(map(str, row["shape"])) if row["shape"] else "any"
        right = "-" if row["test_accuracy"] is None else f"{row['test_accuracy']:.2%}"
        weak = "yes" if row["weak"] else "no"
        table.append((row["extractor"], row["data"], size, str(row["classes"] or "-"), right, weak))
    options.print_table(("extractor", "data", "shape", "classes", "test accuracy", "weak"), table)
    for path, own in found:  # beneath the table, where long paths stay whole
        click.echo(f"{own.label}: {path}")
    return None


def _row(path: Path, own: Any) -> dict[str, Any]:
    """An extractor as `list --json` gives it; one for pictures of any kind has no shape, classes or accuracy."""
    facts = own.facts
    shape = getattr(facts, "shape", None)
    return {
        "extractor": own.label,
        "data": facts.data,
        "shape": shape and list(shape),
        "classes": len(own.classes),
        "test_accuracy": getattr(facts, "test_accuracy", None),
        "recognised": getattr(facts, "recognised", None),
        "weak": own.weakness is not None,
        "hash": own.hash,
        "file": str(path),
    }


@command.command(epilog="Example: sparring extractor train photos/ --name photos --set size=64")
@click.argument("data", type=options.data)
@options.data_settings
@click.option("--name", help="Name of the extractor.  [default: the data set's name]")
@click.option(
    "--epochs", type=click.IntRange(min=1), help="Passes over the training images.  [default: 20; without labels 300 batches]"
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of all randomness.")
@click.option(
    "--out",
    type=options.place,
    metavar="FOLDER",
    help="Folder to write to.  [default: Sparring's cache, where `evaluate` finds it]",
)
@options.threads
@options.skip_bad
@options.quiet
@options.as_json
def train(
    data: str,
    settings: tuple[str, ...],
    name: str | None,
    epochs: int | None,
    seed: int,
    out: str | None,
    threads: int | None,
    skip_bad: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train an extractor on DATA: a data set's name, or a folder with pictures, IDX files, or a folder of pictures per class.

    With labels it learns to tell the classes apart; without, to tell moved copies of a picture, and spoilt ones, from others.
    """
    import time

    from sparring.api.own import with_settings
    from sparring.config import devices
    from sparring.config.threads import ThreadChoice
    from sparring.data import resolve
    from sparring.evaluation import extractors
    from sparring.evaluation.extractors import ClassifierTraining
    from sparring.runs.progress import Progress

    devices.tune_process()
    changes = options.assignments((*settings, *(["skip_bad=true"] if skip_bad else [])))
    chosen = with_settings(resolve(data), changes)
    began = time.perf_counter()
    choice = ThreadChoice(threads, devices.resolve("cpu"))
    with Progress(quiet) as progress:
        choice.take(progress.say)
        own_name, folder = name or Path(data).resolve().name.lower(), Path(out) if out else None
        extractors.check_name(own_name)
        if getattr(chosen.train(progress.step), "labels", None) is None:
            path = extractors.train_unlabelled(
                chosen, own_name, epochs=epochs, seed=seed, folder=folder, progress=progress.step
            )
        else:
            how = ClassifierTraining(epochs=epochs) if epochs else ClassifierTraining()
            path = extractors.train(chosen, own_name, settings=how, seed=seed, folder=folder, progress=progress.step)
    made, seconds = extractors.read(path), time.perf_counter() - began
    if made.weakness:
        click.echo(
            f"the extractor is weak, and scores by it say little: {made.weakness}; try more --epochs or pictures", err=True
        )
    if as_json:
        kept = ("extractor", "file", "test_accuracy", "recognised", "weak")
        row = _row(path, made)
        return options.print_json({name: row[name] for name in kept} | {"seconds": seconds})
    if isinstance(made, extractors.PictureExtractor):
        told = f"{made.facts.recognised:.2%} of the test images recognised by a moved copy"
    else:
        told = f"{made.facts.test_accuracy:.2%} of the test images right"
    click.echo(f"{made.label}: {told}, {seconds:.0f} s")
    return click.echo(str(path))
