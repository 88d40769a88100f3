"""What cannot be written or drawn while a run trains: it stops the training, or is reported and left out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from sparring.config import devices
from sparring.config.non_finite import DivergenceError
from sparring.config.schedules import RoundInfo
from sparring.errors import MachineError
from sparring.runs.run import Run

OnWriteError = Literal["stop", "continue"]


class Failures:
    """How a run's recorder takes failures. `say` gets a sentence for the user, and `write` a line of the journal."""

    def __init__(self, run: Run, on_write_error: OnWriteError, say: Callable[[str], None], write: Callable[..., None]):
        self._run, self._on_write_error, self._say, self._write = run, on_write_error, say, write
        self._told: set[str] = set()

    @contextmanager
    def writing(self, info: RoundInfo) -> Iterator[None]:
        """Within the block an error of the disk stops the training, or is reported and skipped."""
        try:
            yield
        except MachineError as error:
            if self._on_write_error == "stop":
                raise
            self._report(f"{error}; training goes on", info)
            if not self._run.path.is_dir():
                self._recreate_folder()

    @contextmanager
    def drawing(self, info: RoundInfo) -> Iterator[None]:
        """Within the block a picture that cannot be drawn is reported, once for each reason; the training goes on."""
        try:
            yield
        except (DivergenceError, MachineError, MemoryError):
            raise
        except Exception as error:  # plots and pictures of the user's own fail with errors of every kind
            if devices.is_out_of_memory(error):
                raise
            text = f"a picture could not be drawn, and the run goes on without it: {type(error).__name__}: {error}"
            if text not in self._told:
                self._told.add(text)
                self._report(text, info)

    def _report(self, text: str, info: RoundInfo) -> None:
        self._say(text)
        self._write("warning", round=info.round, text=text)

    def _recreate_folder(self) -> None:
        """Make the folder again after somebody removed it, for the files to come."""
        with suppress(OSError, MachineError):
            self._run.path.mkdir(parents=True)
            self._run.with_recipe(self._run.recipe)
