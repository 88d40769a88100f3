"""`sparring animate`."""

from pathlib import Path

import click

from sparring.cli import options


@click.command(name="animate", epilog="Example: sparring animate latest --latent --out walk.gif")
@click.argument("run")
@click.option("--out", help="A .gif or .mp4 file.  [default: training.gif or latent.gif in the run]")
@click.option("--latent", is_flag=True, help="A walk between points of the latent space, in place of the training.")
@click.option("--frames", type=click.Choice(["all", "square-root"]), help="Which frames of the training to keep.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Determines the walk.")
@options.as_json
def command(run: str, out: str | None, latent: bool, frames: str | None, seed: int, as_json: bool) -> None:
    """Show how RUN trained, or where its latent space leads, as an animation."""
    from sparring.run.export import latent_frames, training_frames, write_animation
    from sparring.run.run import Run

    opened = Run.open(run)
    path = Path(out) if out else opened.path / ("latent.gif" if latent else "training.gif")
    pictures = latent_frames(opened, seed) if latent else training_frames(opened, frames)
    write_animation(path, pictures)
    options.print_json({"out": str(path), "frames": len(pictures)}) if as_json else click.echo(str(path))
