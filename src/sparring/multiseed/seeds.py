"""The folder of one seed: what lies there, and how far it has come."""

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
_TAIL_BYTES = 1 << 14  # a journal's line has some hundreds


@dataclass(frozen=True)
class Seed:
    """A seed's place, what was found there, and the threads that its training takes.

    "new": no run; "stopped": one to go on with; "done": complete; "failed": it became non-finite, as it would again.
    """

    number: int
    place: Path
    state: State
    threads: int

    @classmethod
    def inspect(cls, task: Task, number: int, place: Path, threads: int) -> "Seed":
        """What lies at this place; a run that began goes on with its own number of threads, so that it stays exact.

        InputError for a run of another task or seed, and for one that is longer than the task.
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
        """The newest round in the run's journal, if there is one."""
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
        """The part of the run that is done, from 0 to 1."""
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
    return "done" if is_complete(run, length) else "stopped"


def reason_of_failure(run: Run) -> str | None:
    """What became non-finite, where a run ended in that."""
    last = list(run.journal())[-1:]
    return last[0].get("reason", "it became non-finite") if last and last[0].get("ending") == "non-finite" else None
