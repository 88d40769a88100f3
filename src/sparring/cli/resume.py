"""`sparring resume`."""

from typing import Any

import click

from sparring.cli import options
from sparring.cli.train import report


@click.command(name="resume", epilog="Example: sparring resume latest --epochs 20")
@click.argument("run")
@options.lengths
@options.device
@options.quiet
@options.code
@options.as_json
def command(run: str, device: str, quiet: bool, code: str | None, as_json: bool, **lengths: Any) -> None:
    """Go on with RUN where it stopped, bit for bit; with a length, extend it to that length."""
    from sparring import devices, training

    devices.tune_process()
    options.execute(code)
    report(training.result(training.resume(run, device=device, quiet=quiet, **lengths)), as_json)
