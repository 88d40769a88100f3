"""`sparring play`."""

from pathlib import Path

import click

from sparring.cli import options
from sparring.errors import InputError


@click.command(name="play", epilog="Example: sparring play runs")
@click.argument("place", type=options.generator, metavar="[RUN or ROOT]", default="runs")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the page; 0 is any free one.  [default: 8451, if free]")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to serve at.")
@click.option(
    "--allow-host", "allowed", multiple=True, metavar="NAME", help="A further name by which browsers may call the server."
)
@click.option(
    "--data-root",
    "data_roots",
    multiple=True,
    type=options.place,
    metavar="DIR",
    help="A folder whose subfolders may be trained on from the page.",
)
@click.option("--no-open", is_flag=True, help="Only print the address, and open no browser.")
def command(
    place: str, port: int | None, host: str, allowed: tuple[str, ...], data_roots: tuple[str, ...], no_open: bool
) -> None:
    """Serve a page to watch, steer, fork and start trainings: of one RUN, or of all runs under a folder ROOT.

    It also explores what a generator draws; RUN may be one that comes with the package, such as digits.
    Trainings go on when the page is closed and when this command ends.
    """
    from sparring.web import need_extra

    need_extra()
    from sparring.web.server import Address, serve

    def announce(address: str) -> None:
        click.echo(f"open {address}\nCtrl-C ends this page; trainings go on")
        if not no_open:
            click.launch(address)

    roots = tuple(map(Path, data_roots))
    for root in roots:
        if not root.is_dir():
            raise InputError(f"there is no folder {root}; --data-root names a folder of folders with pictures")
    serve(place, Address(host, port, allowed), announce, roots)
