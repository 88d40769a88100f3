"""`sparring sample`."""

from pathlib import Path

import click
from click.core import ParameterSource

from sparring.cli import options


@click.command(name="sample", epilog="Example: sparring sample latest --num 64 --seed 1 --out digits.png")
@click.argument("run", type=options.generator, default="latest")
@click.option("--num", type=options.count, default=64, show_default=True, help="Number of samples.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of z.")
@click.option(
    "--out",
    type=options.place,
    default="samples.png",
    show_default=True,
    help="A .png (grid), a .npz, or a folder (one PNG each).",
)
@click.option(
    "--class",
    "class_",
    metavar="C",
    help="Class to draw, by name, number or values (shape=disc); all: --num samples of each, a row per class.",
)
@click.option("--z", "z_file", type=options.place, metavar="FILE", help="Draw the z in an .npz that `sparring invert` wrote.")
@click.option("--raw", is_flag=True, help="Use the last weights instead of their average.")
@options.code
@options.as_json
@click.pass_context
def command(
    ctx: click.Context,
    run: str,
    num: int,
    seed: int,
    out: str,
    class_: str | None,
    z_file: str | None,
    raw: bool,
    code: str | None,
    as_json: bool,
) -> None:
    """Draw samples from the generator of RUN: a run, `latest`, a generator's folder, digits or the like, or hf://user/name."""
    from sparring.api.load import load_generator
    from sparring.runs.inverted import read_z
    from sparring.runs.samples import write_drawn
    from sparring.storage import locks

    given = [name for name in ("num", "seed", "class_") if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if z_file is not None and given:
        raise click.UsageError(f"--z says what to draw; leave --{given[0].rstrip('_')} out")
    options.execute(code)
    path, generator = Path(out), load_generator(run, raw)
    if z_file is not None:
        z, columns = read_z(Path(z_file), generator), None
        num = len(z)
    elif class_ == "all":
        z, columns = generator.z_by_class(num, seed), num
    else:
        z, columns = generator.z_in_blocks(num, seed, None if class_ is None else generator.class_numbers(class_)), None
    older = 0 if path.suffix or not path.is_dir() else len([*path.glob("*.png")])
    if older:
        click.echo(f"{path} holds {older:,} pictures already; those of the same names are replaced", err=True)
    write_drawn(path, generator, z, columns)
    locks.tidy_checksums(path.parent if path.suffix else path)
    if as_json:
        origin = {"generator": generator.origin} if generator.origin else {}
        told = {"z": z_file} if z_file is not None else {"seed": seed}
        options.print_json({"out": str(path), "num": num, **told, **origin})
    else:
        click.echo(options.link(path))
