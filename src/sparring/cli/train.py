"""`sparring train`."""

from typing import Any

import click

from sparring.cli import names, options
from sparring.cli.imports import without_collector

_ALSO_CALLED = {
    **dict.fromkeys(("--dataset", "--dataroot"), "--data DATA"),
    **dict.fromkeys(("--output", "--outdir", "--out-dir", "--output-dir"), "--out DIR"),
    **dict.fromkeys(("--iterations", "--iters", "--steps"), "--rounds N"),
    **dict.fromkeys(("--amp", "--bf16", "--fp16", "--mixed-precision"), "--precision bf16"),
    **dict.fromkeys(("--gpu", "--gpus", "--cuda"), "--device cuda"),
}
"""What other programs call an option."""


class TrainCommand(click.Command):
    """The command, which says what to write in place of the options that other programs have, such as --lr."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from sparring.recipe import Recipe

            setting = Recipe.setting_called(error.option_name.lstrip("-"))
            instead = _ALSO_CALLED.get(error.option_name) or (setting and f"--set {setting}=VALUE")
            if instead is None:
                raise
            raise click.UsageError(f"there is no option {error.option_name}; write {instead}", ctx) from None


@click.command(
    name="train",
    cls=TrainCommand,
    epilog="Example: sparring train dcgan --epochs 2 --precision auto --set optim.lr=2e-4",
)
@click.argument("recipe", required=False, shell_complete=names.complete_recipe)
@click.option(
    "--data",
    type=options.data,
    help="A data set's name, a folder, .zip or .npz of pictures, or a folder with MNIST's IDX files.",
)
@options.lengths
@click.option(
    "--out",
    type=options.place,
    help="Folder of the run, new or empty; with --seeds, folder of the runs, where old ones are resumed.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Seed of all randomness.  [default: 0]")
@click.option("--seeds", help="Several seeds, one run each, and a summary: 0-15, or 0,3,7.")
@options.device
@options.engine
@options.precision
@options.threads
@options.deterministic
@options.patience
@options.tensorboard
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=names.complete_setting,
    help="Change a field of the recipe by dotted name.",
)
@click.option(
    "--from",
    "start_from",
    type=options.generator,
    metavar="RUN",
    help="Start from the weights of a run, of one of its checkpoints, or of a generator of the package; on other data this "
    "is fine-tuning. freeze_d=N freezes D's first N layers.",
)
@click.option(
    "--replay",
    type=options.run,
    metavar="RUN",
    help="Play this run again, with the orders that it followed; --rounds N plays its first rounds.",
)
@options.no_steer
@click.option(
    "--dry-run", is_flag=True, help="Train for two seconds, draw each picture, write nothing; estimate time and memory."
)
@options.skip_bad
@options.on_write_error
@options.timeout
@options.quiet
@options.code
@options.as_json
def command(
    recipe: str | None,
    seed: int | None,
    seeds: str | None,
    precision: str | None,
    settings: tuple[str, ...],
    dry_run: bool,
    skip_bad: bool,
    tensorboard: bool,
    replay: str | None,
    no_steer: bool,
    timeout: float | None,
    code: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Train RECIPE (a name, or a Python file that registers one; by default that of --from or --replay)."""
    with without_collector():
        from sparring import recipes
        from sparring.api.session import TIMEOUT
        from sparring.api.train import train
        from sparring.config import devices
        from sparring.distributed.launch import Launch
        from sparring.runs.result import Result

    launch = Launch.of()
    if launch.size > 1 and (seeds is not None or dry_run):
        raise click.UsageError(f"{'--seeds' if seeds else '--dry-run'} takes one process; start it without torchrun")
    devices.tune_process()
    observers = options.observers(tensorboard)
    given["settings"] = options.assignments((*settings, *(["data.skip_bad=true"] if skip_bad else [])))
    if precision:
        if "precision" in given["settings"]:
            raise click.UsageError("--precision is short for --set precision=...; give one of the two")
        given["settings"]["precision"] = precision
    if recipe is None and replay is None and given["start_from"] is None:
        raise click.UsageError("Missing argument 'RECIPE'; `sparring recipes` lists them")
    if replay is not None and (seeds is not None or dry_run):
        raise click.UsageError(f"--replay plays one run; leave out {'--dry-run' if dry_run else '--seeds'}")
    if seeds is not None:
        if recipe is None:
            raise click.UsageError("--seeds needs a RECIPE")
        if seed is not None:
            raise click.UsageError("--seed trains one seed, --seeds several; give one of the two")
        if dry_run:
            raise click.UsageError("--dry-run plays a single seed; give --seed instead of --seeds")
        return _train_several(recipe, options.seeds(seeds), as_json, code=code, tensorboard=tensorboard, **given)
    options.execute(code)
    chosen = recipes.from_file(recipe) if recipe is not None and recipe.endswith(".py") else recipe
    if dry_run:
        return _play_dry(chosen, seed or 0, as_json, **given)
    waiting = options.seconds(timeout, TIMEOUT)
    how = {"timeout": waiting, "observers": observers, "replay": replay, "steer": not no_steer}
    run = train(chosen, seed=seed or 0, **how, **given)
    return report(Result.of(run), as_json) if launch.rank == 0 else None


def _play_dry(recipe: Any, seed: int, as_json: bool, *, data: Any, settings: Any, **given: Any) -> None:
    from sparring.api.dry_run import dry_run
    from sparring.api.origin import recipe_of
    from sparring.api.resolve import lost_ratio, resolve

    recipe = recipe_of(given["start_from"]) if recipe is None else recipe
    if remark := lost_ratio(recipe, settings):
        click.echo(remark, err=True)
    resolved = resolve(recipe, settings, data, **{name: given[name] for name in options.LENGTHS})
    taken = ("device", "engine", "threads", "deterministic", "start_from", "quiet")
    found = dry_run(resolved, seed=seed, **{name: given[name] for name in taken})
    return options.print_json(found) if as_json else _print_dry_run(found)


def _train_several(recipe: str, seeds: list[int], as_json: bool, **given: Any) -> None:
    from sparring.multiseed import train_seeds

    found = train_seeds(recipe, seeds, **given)
    if as_json:
        options.print_json(found.as_json())
    elif found.runs:
        _print_seeds(found)
    found.check()


def _print_seeds(found) -> None:
    from sparring.multiseed.summary import ROW

    options.print_table(ROW, found.rows(), f"{found.recipe}, {len(found.runs)} seed(s)")
    click.echo(f"95 % intervals of the mean; {found.images_per_second:,.0f} images/s in total, {found.seconds:,.1f} s")
    for label, text in (("runs", found.folder), ("summary", found.folder / "summary.json")):
        click.echo(f"{label:<10} {text}")


def report(result, as_json: bool) -> None:
    """Print the result of a training run and the paths of its files."""
    if as_json:
        from dataclasses import asdict

        return options.print_json(asdict(result))
    click.echo(
        f"{result.recipe}: {result.rounds} rounds, {result.epochs:.2f} epochs in {result.seconds:.1f} s "
        f"({result.images_per_second:,.0f} images/s); G {result.g_loss:.3f}, D {result.d_loss:.3f}"
    )
    if result.quick_score:
        click.echo(f"quick score: {result.quick_score}; `sparring evaluate {result.run}` says more")
    for label, path in (("run", result.run), ("grid", result.grid), ("animation", result.animation)):
        if path:
            click.echo(f"{label:<10} {options.link(path)}")
    return None


def _print_dry_run(found: dict) -> None:
    from sparring.evaluation.score import number
    from sparring.runs.pace import about

    for name, value in found.items():
        if name == "seconds_to_expect":
            name, value = "time to expect", about(value)
        text = number(value) if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        click.echo(f"{name.replace('_', ' '):<24} {text}")
