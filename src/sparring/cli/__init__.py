"""The command line: one command a file; each parses, calls and prints."""

import errno
import io
import os
import signal
import sys
from importlib import import_module
from typing import TextIO

import click

from sparring.errors import SparringError
from sparring.runs import signals

COMMANDS = (
    *("recipes", "train", "resume", "runs", "show", "sample", "evaluate", "compare", "animate", "reproduce", "data"),
    *("generators", "invert", "export", "extractor", "bench", "play", "completion"),
)
FOR_SEVERAL = ("train", "resume")
"""Commands that can run as several processes started by torchrun."""


class Commands(click.Group):
    """A command group that imports the command `x` lazily, as `command` from `sparring.cli.x`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return import_module(f"sparring.cli.{cmd_name}").command if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: click.Context, args: list[str]):
        from sparring.distributed.launch import Launch

        if args[0] not in COMMANDS:
            from sparring.config.registry import suggest

            raise click.UsageError(f"unknown command {args[0]!r}; {suggest(args[0], COMMANDS)}", ctx)
        if args[0] not in FOR_SEVERAL and (size := Launch.of().size) > 1:
            raise click.UsageError(f"`sparring {args[0]}` takes one process, not {size}: start it without torchrun", ctx)
        return super().resolve_command(ctx, args)


@click.command(
    cls=Commands,
    epilog="Example: sparring train vanilla --epochs 2",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=lambda *a: _version(*a), help="Versions and device."
)
@click.pass_context
def app(ctx: click.Context) -> None:
    """Train a GAN with one command, and measure honestly whether it is any good."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The program `sparring`: exit status 0 done, 2 input, 3 non-finite, 4 machine, 129, 130 and 143 stopped by a signal."""
    signals.end_by_exception()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that the terminal's encoding does not have
    try:
        app.main(prog_name="sparring", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _fail(error.format_message(), 2)
    except SparringError as error:
        _fail(str(error), error.exit_status, error.told)
    except click.Abort as abort:  # what click makes of a KeyboardInterrupt
        _fail(str(abort.__cause__ or "") or "interrupted", getattr(abort.__cause__, "exit_status", 130))
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _discard(sys.stdout)  # what is left of the output has no place
        stop = error.__context__  # where click, told to stop, wanted to end a line on a terminal that was closed
        if isinstance(stop, KeyboardInterrupt):
            _fail(str(stop), getattr(stop, "exit_status", 130))
        _fail(f"cannot write the output: {error.strerror}", 4)
    except (MemoryError, RuntimeError) as error:
        from sparring.config import devices

        if not devices.is_out_of_memory(error):
            raise
        _fail(devices.out_of_memory(error), 4, False)


def _fail(sentence: str, status: int, told: bool | None = None) -> None:
    """Print an error and exit; if several processes fail alike, one per host prints it."""
    from sparring.distributed.launch import Launch

    launch = Launch.of()
    if launch.size > 1:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # torchrun sends it to all once one has ended; our exit status says more
    if not (told if told is not None else not launch.is_reporting):
        shown = "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in sentence)
        try:
            click.echo(f"sparring: {shown}", err=True)  # file names may hold terminal escape sequences
        except OSError:  # the terminal was closed
            _discard(sys.stderr)
    sys.exit(status)


def _discard(stream: TextIO) -> None:
    """Drop what cannot be written to a stream, so that Python's own exit status is not that of a failed flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from sparring.config import devices

        facts = devices.describe(devices.resolve("auto"))
        click.echo("  ".join(f"{name} {facts[name]}" for name in ("sparring", "torch", "python", "device")))
        ctx.exit()
