"""`sparring resume`."""

from typing import Any

import click

from sparring.cli import options
from sparring.cli.train import report


@click.command(name="resume", epilog="Example: sparring resume latest --epochs 20")
@click.argument("run")
@options.lengths
@options.device
@options.on_write_error
@options.quiet
@options.code
@options.as_json
def command(run: str, device: str, on_write_error: Any, quiet: bool, code: str | None, as_json: bool, **lengths: Any) -> None:
    """Go on with RUN where it stopped, bit for bit; with a length, extend it to that length."""
    from sparring import devices, training

    devices.tune_process()
    options.execute(code)
    resumed = training.resume(run, device=device, on_write_error=on_write_error, quiet=quiet, **lengths)
    report(training.result(resumed), as_json)
