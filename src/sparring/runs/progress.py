"""Progress on standard error: a bar on a terminal or in a notebook, elsewhere an occasional line."""

import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, cast

from sparring.config.schedules import RoundInfo
from sparring.runs.notebook import NotebookProgress, is_notebook
from sparring.runs.pace import about
from sparring.training.observers import Event, Observer

if TYPE_CHECKING:
    from rich.progress import TaskID

SILENCE_SECONDS = 60  # longest time between lines if there is no bar; every epoch's end prints one, too
REFRESH_SECONDS = 0.1
LABELS = {"d_loss": "D", "g_loss": "G", "d_real": "D(x)", "d_fake": "D(G(z))"}


class Progress(Observer):
    """Progress display of downloads and training; as a context manager, it owns the terminal's bottom line."""

    def __init__(self, quiet: bool = False):
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
        from rich.table import Column

        in_notebook = is_notebook()
        stream = cast("IO[str]", _Lenient(sys.stderr)) if sys.stderr and not in_notebook else None
        self.console: Console = Console(file=stream, stderr=not in_notebook, quiet=quiet, highlight=False)
        self._notebook = NotebookProgress() if in_notebook and not quiet else None
        columns = (
            TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", max_width=24)),
            BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=8)),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True, min_width=4)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=5)),
            TextColumn("{task.fields[news]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=3)),
        )
        self.live: bool = self.console.is_terminal or in_notebook
        self._bars = Bars(*columns, console=self.console, disable=quiet or in_notebook or not self.live, expand=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Progress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    @property
    def is_quiet(self) -> bool:
        """True if nothing is shown."""
        return self.console.quiet

    def say(self, sentence: str) -> None:
        """Print a line above the bar."""
        self.console.print(sentence, markup=False, soft_wrap=True)

    def transfer(self, label: str, done: int, total: int) -> None:
        """Show the progress of a download; data sets call this."""
        self.step(f"fetching {label}", done, total)

    def step(self, label: str, done: int, total: int, news: str = "") -> None:
        """Show that `done` of `total` steps are done, with `news` beside the bar."""
        if self._notebook:
            self._notebook.show(label, done / max(total, 1), news)
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, total=total, news="")
        self._bars.update(self._tasks[label], completed=done, total=total, news=news)
        if done >= total:
            self._bars.remove_task(self._tasks.pop(label))

    def on_start(self, event: Event) -> None:
        """Announce the start of training."""
        recipe, start = event.run.recipe, event.info
        self._num_images, self._start = event.num_images, start
        self._news, self._told, self._shown = "", start.seconds, start.seconds
        self.say(f"{recipe.name}: {recipe.length} -> {event.run.path}")
        self._share_at_start = min(recipe.length.fraction_done(start, event.num_images), 1.0)
        self._task = self._bars.add_task(recipe.name, total=1000, completed=round(1000 * self._share_at_start), news="")

    def on_round(self, event: Event) -> None:
        """Update the display after a round that was read, and ten times a second."""
        info, length = event.info, event.run.recipe.length
        if info.numbers is None and info.seconds - self._shown < REFRESH_SECONDS:
            return
        self._shown = info.seconds
        speed = (info.images - self._start.images) / max(info.seconds - self._start.seconds, 1e-9)
        if info.numbers is not None:
            known = ((label, info.numbers[name]) for name, label in LABELS.items())
            self._news = "  ".join(f"{label} {value:.3f}" for label, value in known if value is not None)  # a critic's D(x)
        share = min(length.fraction_done(info, self._num_images), 1.0)
        news = f"epoch {info.epoch}  {self._news}  {speed:,.0f} images/s"
        self._bars.update(self._task, completed=round(1000 * share), news=news)
        if self._notebook:
            self._notebook.show(event.run.recipe.name, share, f"{self._time_left(info, share)}  {news}")
            self._notebook.on_round(event)
        overdue = info.seconds - self._told > SILENCE_SECONDS and info.numbers is not None
        if not self.live and (info.epoch_ended or info.last or overdue):
            self.say(f"{news}  {share:.0%}  {self._time_left(info, share)}".rstrip())
            self._told = info.seconds

    def _time_left(self, info: RoundInfo, share: float) -> str:
        """At the pace since this session began: earlier ones may have been on a busier machine. Nothing at the end."""
        done = share - self._share_at_start
        seconds = info.seconds - self._start.seconds
        return f"{about(seconds / done * (1 - share))} left" if done > 0 and share < 1 else ""

    def on_end(self, event: Event) -> None:
        """Draw the losses of the whole training, in a notebook."""
        if self._notebook:
            self._notebook.on_end(event)


class _Lenient:
    """A stream that drops what it cannot write: a closed terminal or pipe is no reason to end a training."""

    def __init__(self, stream: IO[str]):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
