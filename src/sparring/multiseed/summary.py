"""The result of runs of several seeds: complete runs, failures, and statistics over seeds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean
from typing import Any

from sparring.config import codec
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.evaluation.score import number
from sparring.metrics.confidence import mean_interval
from sparring.runs.result import Result
from sparring.runs.run import Run
from sparring.storage.files import read_json
from sparring.visual.html_table import html_table

FILE = "summary.json"
ROW = ("last round", "mean", "from", "to")
FINAL = ("g_loss", "d_loss", "d_real", "d_fake")
_ERRORS: Mapping[int, type[SparringError]] = {2: InputError, 3: NonFiniteError, 4: MachineError}


@dataclass(frozen=True)
class Failure:
    """A seed whose training failed: its run folder, the exit status, and the error sentence."""

    seed: int
    run: str
    status: int
    reason: str


@dataclass(frozen=True)
class SeedRuns:
    """Runs of one recipe, by seed: complete runs, failed ones, and the seeds that are not finished.

    `images` counts the real images shown to D and `seconds` the wall-clock time, summed over all sessions that trained these
    seeds. A run that was made elsewhere and copied into the folder counts in neither.
    """

    folder: Path
    recipe: str
    runs: Mapping[int, Run]
    failed: tuple[Failure, ...]
    unfinished: tuple[int, ...]
    images: int
    seconds: float

    @cached_property
    def results(self) -> list[dict[str, Any]]:
        """A row for each complete run: its seed, the fields of `Result`, and mean D(x) and D(G(z)) of its last round."""
        return [
            {"seed": seed, **asdict(Result.of(run)), **{name: run.rounds()[-1][name] for name in FINAL}}
            for seed, run in self.runs.items()
        ]

    @property
    def images_per_second(self) -> float:
        """Throughput of all seeds together: images shown to D, divided by wall-clock seconds."""
        return self.images / self.seconds if self.seconds else 0.0

    def summary(self) -> dict[str, dict[str, Any]]:
        """Mean and 95 % interval, over complete runs, of each value of the last round and of the last quick score.

        With a single run there is no interval: `low` and `high` are None.
        """
        columns = {name: [result[name] for result in self.results] for name in FINAL}
        quick = [result["quick_score"] for result in self.results if result["quick_score"]]
        found = {name: _spread(values) for name, values in columns.items() if values and None not in values}
        if quick:
            found["quick_score"] = {"metric": quick[0]["metric"], **_spread([score["value"] for score in quick])}
        return found

    def rows(self) -> list[tuple[str, ...]]:
        """The summary as rows of a table: the name of a value, its mean, and both ends of the interval."""
        labels = {"g_loss": "G's loss", "d_loss": "D's loss", "d_real": "D(x)", "d_fake": "D(G(z))"}
        return [
            (
                labels.get(name) or f"{value['metric'].replace('_', ' ')} (quick)",
                *(number(value[column]) for column in ("mean", "low", "high")),
            )
            for name, value in self.summary().items()
        ]

    def _repr_html_(self) -> str:
        """The summary as a table, which a notebook displays."""
        return html_table(ROW, self.rows(), f"{self.recipe}, {len(self.runs)} seed(s), {self.folder}")

    def as_json(self) -> dict[str, Any]:
        """The JSON value that `sparring train --seeds --json` prints and summary.json holds."""
        return {
            "out": str(self.folder),
            "recipe": self.recipe,
            "seeds": self.results,
            "failed": [asdict(failure) for failure in self.failed],
            "unfinished": list(self.unfinished),
            "summary": self.summary(),
            "images": self.images,
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
        }

    def check(self) -> None:
        """Raise the error of the first failed seed, if any; the message counts the other failures."""
        for failure in self.failed:
            others = len(self.failed) - 1
            more = f" (and {others} more, named in {self.folder / FILE})" if others else ""
            raise _ERRORS.get(failure.status, SparringError)(f"seed {failure.seed} failed: {failure.reason}{more}")


def work_before(path: Path) -> tuple[int, float]:
    """Images shown to D and seconds of training in earlier sessions, from summary.json; InputError if it is damaged."""
    if not path.exists():
        return 0, 0.0
    told = read_json(path)
    images = codec.decode(int, told.get("images"), f"{path}: images")
    seconds = codec.decode(float, told.get("seconds"), f"{path}: seconds")
    if min(images, seconds) < 0:
        raise InputError(f"{path} was damaged: images and seconds are {images} and {seconds}; remove it to start counting anew")
    return images, seconds


def _spread(values: list[float]) -> dict[str, float | None]:
    low, high = mean_interval(values) if len(values) > 1 else (None, None)
    return {"mean": mean(values), "low": low, "high": high}
