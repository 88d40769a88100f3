"""`sparring train`."""

from typing import Any

import click

from sparring.cli import options


@click.command(name="train", epilog="Example: sparring train dcgan --epochs 2 --set optim.lr=2e-4 --out runs/mine")
@click.argument("recipe")
@click.option("--data", help="A data set's name, or a folder with MNIST's four IDX files.")
@options.lengths
@click.option("--out", help="Folder of the run: a new or an empty one.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Determines all randomness.")
@options.device
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a field of the recipe by dotted name.")
@click.option("--from", "start_from", metavar="RUN", help="Start from this run's weights.")
@click.option("--dry-run", is_flag=True, help="Build everything, play three rounds, and say what to expect.")
@options.quiet
@options.code
@options.as_json
def command(
    recipe: str,
    data: str | None,
    out: str | None,
    seed: int,
    device: str,
    settings: tuple[str, ...],
    start_from: str | None,
    dry_run: bool,
    quiet: bool,
    code: str | None,
    as_json: bool,
    **lengths: Any,
) -> None:
    """Train RECIPE (a name, or a Python file that registers one)."""
    from sparring import devices, recipes, training

    devices.flush_denormals()
    options.execute(code)
    recipe = recipes.from_file(recipe) if recipe.endswith(".py") else recipe
    resolved = training.resolve(recipe, options.assignments(settings), data, **lengths)
    if dry_run:
        rehearsal = training.rehearse(resolved, seed=seed, device=device, start_from=start_from, quiet=quiet)
        return options.print_json(rehearsal) if as_json else _print_rehearsal(rehearsal)
    run = training.train(resolved, out=out, seed=seed, device=device, start_from=start_from, quiet=quiet)
    return report(training.result(run), as_json)


def report(result, as_json: bool) -> None:
    """Say what a training run came to, and where it lies."""
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
            click.echo(f"{label:<10} {path}")
    return None


def _print_rehearsal(rehearsal: dict) -> None:
    for name, value in rehearsal.items():
        text = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        click.echo(f"{name.replace('_', ' '):<24} {text}")
