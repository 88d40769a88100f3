"""`sparring bench`."""

import click

from sparring.cli import names, options


@click.command(name="bench", epilog="Example: sparring bench vanilla dcgan")
@click.argument("recipes", nargs=-1, metavar="[RECIPE]...", shell_complete=names.complete_recipe)
@click.option(
    "--repeats", type=click.IntRange(min=1), default=7, show_default=True, help="Measurements of recipe and floor, in turns."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    help="Time limit for each recipe; at least three measurements are taken.",
)
@options.device
@options.threads
@options.quiet
@options.as_json
def command(
    recipes: tuple[str, ...], repeats: int, seconds: float, device: str, threads: int | None, quiet: bool, as_json: bool
) -> None:
    """Measure the speed of each RECIPE (a name, or a Python file that registers one) beside its arithmetic floor.

    The floor is the time of the round's matrix products and convolutions alone, forward and backward, on the same device.
    Without a name, the tutorials' recipes and quick are measured.
    """
    from dataclasses import asdict

    from sparring import bench
    from sparring.bench import startup
    from sparring.config import devices
    from sparring.config.threads import ThreadChoice
    from sparring.evaluation.score import number
    from sparring.runs.progress import Progress

    devices.tune_process()
    place = devices.resolve(device)
    found = {name: startup.find_recipe(name) for name in recipes or bench.DEFAULT}
    choice = ThreadChoice(threads, place)
    with Progress(quiet) as progress:
        for recipe in found.values():
            recipe.data.fetch(progress.transfer)
        choice.take(progress.say)
        started = {}
        for done, name in enumerate(found):
            progress.step("first rounds", done, len(found))
            started[name] = startup.measure_in_new_process(name, place)  # before this process fills the memory
        progress.step("first rounds", len(found), len(found))
        speeds = []
        for name, recipe in found.items():
            speeds.append(bench.measure(recipe, started[name], place, repeats=repeats, seconds=seconds, progress=progress.step))
            progress.say(f"{recipe.name}: {number(speeds[-1].ms_per_round)} ms a round")
    machine = bench.hardware(place)
    if as_json:
        return options.print_json({"recipes": [asdict(speed) for speed in speeds], "machine": machine})
    return _print(speeds, machine)


def _print(speeds: list, machine: dict) -> None:
    columns = ("recipe", "images/s", "ms a round (quartiles)", "floor ms", "quotient (quartiles)", "first round s", "peak MiB")
    options.print_table(columns, map(_row, speeds))
    for speed in speeds:
        if speed.floor_coverage < 0.99:
            click.echo(
                f"{speed.recipe}: the floor holds {speed.floor_coverage:.0%} of the arithmetic that Sparring does in a round; "
                "the rest, in layers that it cannot count or beyond what the mathematics needs, raises the quotient"
            )
    layouts = [f"{speed.recipe} {speed.memory_format}" for speed in speeds if speed.memory_format]
    facts = (
        f"{machine['processor']}, {machine['device']}, {machine['threads']} thread(s), torch {machine['torch']}",
        *([f"memory format of the floor: {', '.join(layouts)}"] if layouts else []),
    )
    click.echo("; ".join(facts))


def _row(speed) -> tuple[str, ...]:
    return (
        speed.recipe,
        f"{speed.images_per_second:,.0f}",
        f"{_number(speed.ms_per_round)} {_range(speed.ms_per_round_quartiles)}",
        _number(speed.floor_ms),
        f"{_number(speed.floor_quotient)} {_range(speed.floor_quotient_quartiles)}",
        f"{speed.seconds_to_first_round:.1f}",
        _number(speed.peak_rss_mib, 0),
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _range(quartiles: tuple[float, float] | None) -> str:
    return "" if quartiles is None else f"({_number(quartiles[0])} to {_number(quartiles[1])})"
