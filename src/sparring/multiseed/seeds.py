"""The run folder of one seed: its state and its progress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sparring.config import codec
from sparring.config.schedules import Duration, RoundInfo
from sparring.errors import InputError
from sparring.multiseed.task import Task
from sparring.runs import journal
from sparring.runs.result import is_complete
from sparring.runs.run import Run
from sparring.storage.files import read_json

State = Literal["new", "stopped", "done", "failed"]
_TAIL_BYTES = 1 << 14  # a journal line takes a few hundred bytes


@dataclass(frozen=True)
class Seed:
    """A seed with the folder of its run, the run's state, and the number of threads that its training uses.

    State "new": there is no run yet; "stopped": the run can be resumed; "done": the run is complete, or ended for lack of
    improvement and the task has patience as well; "failed": training became non-finite, and would again.
    """

    number: int
    place: Path
    state: State
    threads: int

    @classmethod
    def inspect(cls, task: Task, number: int, place: Path, threads: int) -> "Seed":
        """The seed whose run is, or will be, in the folder `place`.

        An existing run keeps its own number of threads, so that resuming it is exact. Raises InputError for a run of another
        task or seed, and for one that is longer than the task.
        """
        if not (place / "recipe.json").is_file():
            return cls(number, place, "new", threads)
        run = Run.open(place)
        task.check_same(run, number)
        state, length = _state(run, task), task.resolved.length
        if state == "done" and run.recipe.length != length:
            raise InputError(f"{place} was trained for {run.recipe.length}, not {length}; ask for that, or name another folder")
        return cls(number, place, state, run.facts.get("threads", threads))

    def newest(self) -> dict[str, Any] | None:
        """The newest round in the run's journal; None if there is none."""
        path = self.place / "journal.jsonl"
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            lines = stream.read().split(b"\n")
        rounds = [line for line in lines[:-1] if line.startswith(b'{"event": "round"')]
        return journal.parse(rounds[-1], f"{path}: its last round") if rounds else None

    def images(self) -> int:
        """Real images shown to D so far."""
        newest = self.newest()
        return newest["images"] if newest else 0

    def share(self, length: Duration) -> float:
        """The fraction of the run that is done, in [0, 1]."""
        newest = self.newest()
        if newest is None:
            return 0.0
        where = self.place / "recipe.json"
        num_images = codec.decode(int, read_json(where).get("num_images"), f"{where}: num_images")
        return min(1.0, length.fraction_done(_moment(newest), max(1, num_images)))


def _moment(event: dict[str, Any]) -> RoundInfo:
    return RoundInfo(event["round"], event["images"], event["epoch"], event["seconds"])


def _state(run: Run, task: Task) -> State:
    length = task.resolved.length
    if reason_of_failure(run):
        return "failed"
    if task.patience is not None and run.last_event().get("ending") == "patience" and run.recipe.length == length:
        return "done"
    return "done" if is_complete(run, length) else "stopped"


def reason_of_failure(run: Run) -> str | None:
    """The sentence that names the non-finite value that ended a run; None if the run did not end that way."""
    last = run.last_event()
    return last.get("reason", "it became non-finite") if last.get("ending") == "non-finite" else None
