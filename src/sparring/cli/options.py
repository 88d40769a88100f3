"""Options that several commands share."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from sparring.cli import names

MOST_SEEDS = 1000
LENGTHS = ("epochs", "images", "rounds", "minutes")
count = click.IntRange(1, 2**40)  # PyTorch counts in 64 bits


class Place(click.ParamType):
    """A path or a name, in which `~` at the start is the user's home: a shell leaves it in `--out=~/runs`."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return os.path.expanduser(value)  # noqa: PTH111 (names and URLs must stay as they are)


class RunPlace(Place):
    """A run, completed by the shell."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return names.complete_run(ctx, param, incomplete)


class GeneratorPlace(Place):
    """A run or a generator, completed by the shell."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return names.complete_generator(ctx, param, incomplete)


class DataPlace(Place):
    """A data set's name or path, completed by the shell."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return names.complete_data(ctx, param, incomplete)


place: Place = Place()
run: Place = RunPlace()
generator: Place = GeneratorPlace()
data: Place = DataPlace()


def lengths(command: Callable) -> Callable:
    """--epochs, --images, --rounds, --minutes: at most one of them."""
    for option in (
        click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Length in minutes of training."),
        click.option("--rounds", type=click.IntRange(min=1), help="Length in rounds."),
        click.option("--images", type=click.IntRange(min=1), help="Length in real images shown to D."),
        click.option("--epochs", type=click.IntRange(min=1), help="Length in passes over the training images."),
    ):
        command = option(command)
    return command


device = click.option(
    "--device",
    metavar="[auto|cpu|cuda|cuda:N|mps]",
    default="auto",
    show_default=True,
    help="Device to compute on; cuda:1 is the second GPU.",
)
engine = click.option(
    "--engine",
    type=click.Choice(["auto", "eager", "capture"]),
    default="auto",
    show_default=True,
    help="eager: the plain steps; capture: rounds as CUDA graphs, with --seeds in one process for all; auto: graphs on CUDA, "
    "elsewhere the fast steps.",
)
precision = click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "bf16", "auto"]),
    help="Convolutions and products in float32, rounded to tf32 (on NVIDIA GPUs), or in bfloat16; auto: bf16 where the "
    "hardware has instructions for it and the networks gain by it, else float32. Short for --set precision=...",
)
threads = click.option(
    "--threads",
    type=click.IntRange(1, 4096),
    metavar="N",
    help="Threads to compute with on a CPU.  [default: one for each free core; for tiny networks a single one]",
)
deterministic = click.option(
    "--deterministic", is_flag=True, help="The same bits each time on a GPU, too; an operation that cannot is named."
)
patience = click.option(
    "--patience",
    type=click.IntRange(min=1),
    metavar="N",
    help="End the run once N quick scores in a row have not improved; its best checkpoint is kept.",
)
tensorboard = click.option("--tensorboard", is_flag=True, help="Write numbers and pictures for TensorBoard into the run.")
skip_bad = click.option("--skip-bad", is_flag=True, help="Leave out unreadable pictures and those of another size.")
quiet = click.option("--quiet", is_flag=True, help="Show no progress.")
timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Under torchrun: seconds that processes wait for one that does not respond.  [default: 600]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON value to standard output.")


on_write_error = click.option(
    "--on-write-error",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    show_default=True,
    help="Reaction to a failed write, such as to a full disk.",
)
code = click.option("--with", "code", metavar="FILE.py", help="Your Python file that registers the run's own parts.")


data_settings = click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a field of the data: size=64, fit=stretch."
)


no_steer = click.option("--no-steer", is_flag=True, help="Follow no orders from outside while it trains.")


def execute(file: str | None) -> None:
    """Run the user's file, so that the parts that it registers are known."""
    if file is not None:
        from sparring import recipes

        recipes.execute(file)


def observers(tensorboard: bool) -> list[Any]:
    """The observers that the options name; InputError where a package is missing."""
    if not tensorboard:
        return []
    from sparring.runs.tensorboard import TensorBoard

    return [TensorBoard()]


def seeds(text: str) -> list[int]:
    """`0-4` or `0,3,7` -> the seeds, at most 1,000; BadParameter for anything else."""
    try:
        parts = [part.partition("-") for part in text.split(",")]
        spans = [(int(first), int(last if dash else first)) for first, dash, last in parts]
    except ValueError:
        spans = []
    if not spans or any(first > last for first, last in spans):
        raise click.BadParameter(f"{text!r} is not a list of seeds; write 0-4 or 0,3,7", param_hint="'--seeds'")
    if sum(last - first + 1 for first, last in spans) > MOST_SEEDS:
        raise click.BadParameter(f"{text!r} are more than {MOST_SEEDS:,} seeds; take fewer", param_hint="'--seeds'")
    return sorted({n for first, last in spans for n in range(first, last + 1)})


def seconds(timeout: float | None, default: float) -> float:
    """The value of --timeout, or the default; UsageError if it is given to a single process."""
    from sparring.distributed.launch import Launch

    if timeout is not None and Launch.of().group is None:
        raise click.UsageError("--timeout is for several processes, started by torchrun; leave it out")
    return default if timeout is None else timeout


def assignments(pairs: Iterable[str]) -> dict[str, str]:
    """The dict of `key=value` texts; BadParameter for one without `=`."""
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{pair!r} is not of the form key=value", param_hint="'--set'")
        found[key] = value
    return found


def in_lines(text: str) -> str:
    """Paragraphs broken between words at the terminal's width; a line `Name: ...` begins anew. As it is where it is piped."""
    if not sys.stdout.isatty():
        return text
    joined = re.sub(r"(?<!\n)\n(?!\n|[A-Z][\w ]*: )", " ", text)
    width = shutil.get_terminal_size().columns - 1
    return "\n".join(textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False) for line in joined.split("\n"))


def link(path: str | Path) -> str:
    """A path as it is printed: in a terminal as a link to the file."""
    if os.name != "posix" or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return str(path)
    return f"\x1b]8;;{Path(path).absolute().as_uri()}\x1b\\{path}\x1b]8;;\x1b\\"


def print_json(value: Any) -> None:
    """Print the JSON value of a command to standard output."""
    click.echo(json.dumps(value, ensure_ascii=False))


def print_table(columns: Iterable[str], rows: Iterable[Iterable[str]], title: str | None = None) -> None:
    """Print a table to standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)  # the names stay whole
    for row in rows:
        table.add_row(*map(Text, row))
    Console(highlight=False, soft_wrap=False, width=None if Console().is_terminal else 160).print(table)
