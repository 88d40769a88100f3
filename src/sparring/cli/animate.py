"""`sparring animate`."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from sparring.cli import options

if TYPE_CHECKING:
    from sparring.visual.animation import FrameRule


@click.command(name="animate", epilog="Example: sparring animate latest --latent --out walk.gif")
@click.argument("run", type=options.generator, default="latest")
@click.option(
    "--out", type=options.place, help="A .gif or .mp4 file.  [default: training.gif or latent.gif in the run, else here]"
)
@click.option("--latent", is_flag=True, help="Show a walk through the latent space instead of the training.")
@click.option("--frames", type=click.Choice(["all", "square-root"]), help="Rule for the frames of the training to keep.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the walk.")
@options.code
@options.as_json
def command(run: str, out: str | None, latent: bool, frames: str | None, seed: int, code: str | None, as_json: bool) -> None:
    """Write an animation of how RUN trained, or of a walk through its latent space (then RUN may be a generator)."""
    from sparring.api.load import load
    from sparring.runs.media import latent_frames, training_frames, write_animation
    from sparring.runs.run import Run
    from sparring.storage import locks

    options.execute(code)
    if latent:
        found = load(run)
        pictures = latent_frames(found.generator if isinstance(found, Run) else found, seed)
    else:
        found = Run.open(run)
        pictures = training_frames(found, cast("FrameRule | None", frames))
    home = found.path if isinstance(found, Run) else Path()
    path = Path(out) if out else home / ("latent.gif" if latent else "training.gif")
    write_animation(path, pictures, closed=latent)
    locks.tidy_checksums(path.parent)
    options.print_json({"out": str(path), "frames": len(pictures)}) if as_json else click.echo(options.link(path))
