"""`sparring show`."""

import sys

import click

from sparring.cli import options


@click.command(name="show", epilog="Example: sparring show latest --open")
@click.argument("run", type=options.run, default="latest")
@click.option("--open", "opened", is_flag=True, help="Open the picture in the system's viewer as well.")
@options.as_json
def command(run: str, opened: bool, as_json: bool) -> None:
    """Show the newest picture of RUN, in a terminal with colours, and its path."""
    from sparring.runs.media import newest_picture
    from sparring.runs.run import Run

    path, image = newest_picture(Run.open(run))
    if as_json:
        options.print_json({"picture": str(path)})
    else:
        if sys.stdout.isatty():
            _print_blocks(image)
        click.echo(options.link(path))
    if opened and click.launch(str(path)):
        click.echo(f"no viewer could be started for {path}", err=True)


def _print_blocks(image) -> None:
    """Print a picture as wide as the terminal, two pixels a character; nothing where it lacks the colours or the character."""
    from rich.color import Color
    from rich.console import Console
    from rich.segment import Segment, Segments
    from rich.style import Style

    from sparring.visual.pixels import half_blocks

    console = Console()
    if console.color_system in (None, "standard") or console.encoding.replace("-", "") != "utf8":
        return
    for row in half_blocks(image, console.width):
        styles = (Style.from_color(*(Color.from_rgb(*pixel) for pixel in pair)) for pair in row)
        console.print(Segments([*(Segment("▀", style) for style in styles), Segment.line()]))
