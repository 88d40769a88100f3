"""`sparring invert`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparring.cli import options

if TYPE_CHECKING:
    from sparring.api.invert import Inversion


@click.command(name="invert", epilog="Example: sparring invert digits photo.png, then sparring sample digits --z inverted.npz")
@click.argument("run", type=options.generator)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=options.place)
@click.option(
    "--out",
    type=options.place,
    default="inverted.png",
    show_default=True,
    help="A .png: each picture beside its reconstruction; z goes into an .npz of the same name.",
)
@click.option("--starts", type=click.IntRange(1, 1000), default=8, show_default=True, help="Number of z that Adam moves.")
@click.option("--steps", type=click.IntRange(0, 100_000), default=200, show_default=True, help="Number of steps.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first 1,000 z.")
@click.option("--raw", is_flag=True, help="Use the last weights instead of their average.")
@options.threads
@options.quiet
@options.code
@options.as_json
def command(
    run: str,
    images: tuple[str, ...],
    out: str,
    code: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Find the z of RUN whose pictures are nearest to IMAGEs, files or folders, and draw them side by side."""
    from sparring.api.invert import invert
    from sparring.errors import InputError
    from sparring.runs.inverted import write_inverted
    from sparring.storage import locks

    options.execute(code)
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise InputError(f"cannot write to {out}: name a .png file; z goes into an .npz of the same name")
    if any(path.exists() and Path(image).exists() and path.samefile(image) for image in images):
        raise InputError(f"{out} is a picture to be inverted; name another file with --out")
    found = invert(run, images, **how)
    for sentence in found.resized:
        click.echo(sentence, err=True)
    write_inverted(path, found.images, found.reconstructions, found.z)
    locks.tidy_checksums(path.parent)
    if as_json:
        return options.print_json(_described(found, path))
    return _print(found, path)


def _described(found: "Inversion", path: Path) -> dict:
    classes = found.classes or [None] * len(found.names)
    pictures = [
        {"image": name, "error": error, "class": class_}
        for name, error, class_ in zip(found.names, found.errors, classes, strict=True)
    ]
    facts = {
        "generated_errors": list(found.generated_errors),
        "unit": "RMS, grey levels",
        "extractor": found.extractor,
    }
    return {"out": str(path), "z": str(path.with_suffix(".npz")), "pictures": pictures, **facts}


def _print(found: "Inversion", path: Path) -> None:
    for place, (name, error) in enumerate(zip(found.names, found.errors, strict=True)):
        class_ = f", class {found.classes[place]}" if found.classes else ""
        click.echo(f"{name}: error {error:.1f} of 255 grey levels (RMS){class_}")
    own = found.generated_errors
    spread = f"{sum(own) / len(own):.1f} ({min(own):.1f} to {max(own):.1f})"
    click.echo(f"{len(own)} of the generator's own pictures, searched for in the same way: {spread}")
    if found.extractor is None:
        click.echo("compared by their pixels alone, since no extractor was trained on the generator's data")
    for file in (path, path.with_suffix(".npz")):
        click.echo(options.link(file))
