"""`sparring resume`."""

from typing import Any

import click

from sparring.cli import options
from sparring.cli.imports import without_collector
from sparring.cli.train import report


@click.command(name="resume", epilog="Example: sparring resume latest --epochs 20")
@click.argument("run", type=options.run, default="latest")
@click.option("--data", type=options.data, metavar="DATA", help="The same data in another place.  [default: where they were]")
@options.lengths
@options.device
@options.engine
@options.threads
@options.patience
@options.tensorboard
@options.on_write_error
@options.timeout
@options.no_steer
@options.quiet
@options.code
@options.as_json
def command(
    run: str,
    data: str | None,
    device: str,
    engine: Any,
    threads: int | None,
    patience: int | None,
    tensorboard: bool,
    on_write_error: Any,
    timeout: float | None,
    no_steer: bool,
    quiet: bool,
    code: str | None,
    as_json: bool,
    **lengths: Any,
) -> None:
    """Resume RUN where it stopped, bit for bit; with a length, extend it to that length."""
    with without_collector():
        from sparring.api.resume import resume
        from sparring.api.session import TIMEOUT
        from sparring.config import devices
        from sparring.distributed.launch import Launch
        from sparring.runs.result import Result

    devices.tune_process()
    options.execute(code)
    how: dict[str, Any] = {"on_write_error": on_write_error, "timeout": options.seconds(timeout, TIMEOUT)}
    how |= {"observers": options.observers(tensorboard), "patience": patience, "threads": threads, "steer": not no_steer}
    resumed = resume(run, data=data, device=device, engine=engine, quiet=quiet, **how, **lengths)
    if Launch.of().rank == 0:
        report(Result.of(resumed), as_json)
