"""`sparring sample`."""

from pathlib import Path

import click

from sparring.cli import options


@click.command(name="sample", epilog="Example: sparring sample latest --num 64 --seed 1 --out digits.png")
@click.argument("run", type=options.run, default="latest")
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
    "--class", "class_", metavar="C", help="Class to draw, by name or number; all: --num samples of each, a row per class."
)
@click.option("--raw", is_flag=True, help="Use the last weights instead of their average.")
@options.code
@options.as_json
def command(run: str, num: int, seed: int, out: str, class_: str | None, raw: bool, code: str | None, as_json: bool) -> None:
    """Draw samples from the generator of RUN (a run, `latest`, a generator's folder, or hf://user/name)."""
    from sparring.api.load import load_generator
    from sparring.runs.samples import write_drawn
    from sparring.storage import locks

    options.execute(code)
    path, generator = Path(out), load_generator(run, raw)
    if class_ == "all":
        z, columns = generator.z_by_class(num, seed), num
    else:
        z, columns = generator.z_in_blocks(num, seed, None if class_ is None else generator.class_number(class_)), None
    older = 0 if path.suffix or not path.is_dir() else len([*path.glob("*.png")])
    if older:
        click.echo(f"{path} holds {older:,} pictures already; those of the same names are replaced", err=True)
    write_drawn(path, generator, z, columns)
    locks.tidy_checksums(path.parent if path.suffix else path)
    if as_json:
        origin = {"generator": generator.origin} if generator.origin else {}
        options.print_json({"out": str(path), "num": num, "seed": seed, **origin})
    else:
        click.echo(options.link(path))
