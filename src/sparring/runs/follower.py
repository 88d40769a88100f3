"""What processes do in the place of recording, where another one of their group records the run."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sparring import evaluation
from sparring.config import codec
from sparring.config.non_finite import DivergenceError, Trouble
from sparring.config.schedules import Moment
from sparring.data.sets import Dataset
from sparring.distributed.solo import Solo
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs import checkpoint
from sparring.runs.divergence import Deed
from sparring.runs.recorder import Ending, Recorder
from sparring.runs.run import Run
from sparring.training.engine import Engine


@dataclass
class Attendant:
    """Writes nothing, and takes part in what a `Recorder` asks of all processes. `scored`: whether it takes quick scores."""

    run: Run
    engine: Engine
    test: Dataset
    scored: bool
    saved_round: int = -1

    def see(self, moment: Moment) -> None:
        """Do the own share of what is due at this moment; DivergenceError as from the recorder."""
        review = self.run.recipe.review
        if review is not None and (moment.last or review.due(moment)):
            checkpoint.check_finite(self.engine.match)
            if self.scored:
                self.engine.samples_of_all(evaluation.QUICK, "quick score", moment.round)

    def save(self, moment: Moment) -> None:
        """DivergenceError as from the recorder, which saves."""
        checkpoint.check_finite(self.engine.match)

    def excuse(self, trouble: Trouble, moment: Moment) -> None:
        """DivergenceError: where several processes train, no round may be left out."""
        raise DivergenceError(trouble, moment)

    def note(self, trouble: Trouble, moment: Moment, deed: Deed) -> str:
        """Nothing: the recorder tells it."""
        return ""

    def end(self, moment: Moment, ending: Ending, **fields: Any) -> None:
        """Nothing is left to do."""

    def fail(self, moment: Moment, reason: str) -> None:
        """Nothing is left to do."""


def opened(ranks: Solo, name: str | Path | Run) -> Run:
    """A run, as the first process finds it; the others may have no access to its disk."""
    if ranks.size == 1:
        return name if isinstance(name, Run) else Run.open(name)
    return _heard(ranks.first(lambda: _said(name if isinstance(name, Run) else Run.open(name))))


def seated(engine: Engine, test: Dataset, begin: Callable[[], tuple[Recorder, Moment]]) -> tuple[Recorder | Attendant, Moment]:
    """Who looks after a run in this process, and from which moment on: in the first the recorder that `begin` makes.

    All processes then have the first one's match. Raises InputError in all where `begin` does, and where one has other data.
    """
    ranks, made = engine.ranks, []
    if ranks.size == 1:
        return begin()

    def describe() -> dict[str, Any]:
        recorder, start = begin()
        made.append(recorder)
        return _said(recorder.run) | {"scored": recorder.standard is not None, "start": asdict(start)}

    said = ranks.first(describe)
    recorder = made[0] if made else Attendant(_heard(said), engine, test, said["scored"])
    ranks.agree(lambda: _check_same_data(recorder))
    _level(engine)
    return recorder, Moment(**said["start"])


def _said(run: Run) -> dict[str, Any]:
    return {"path": str(run.path), "recipe": codec.encode(run.recipe), "seed": run.seed, "facts": run.facts}


def _heard(said: dict[str, Any]) -> Run:
    return Run(Path(said["path"]), codec.decode(Recipe, said["recipe"], "recipe"), said["seed"], said["facts"])


def _check_same_data(recorder: Recorder | Attendant) -> None:
    data, rank = recorder.engine.data, recorder.engine.ranks.rank
    if data.fingerprint() != recorder.run.facts.get("data_fingerprint"):
        raise InputError(f"rank {rank} has other data than rank 0; all processes have to train on the same")


def _level(engine: Engine) -> None:
    """Give every process the first one's weights, statistics, moments and clocks."""
    clocks = [player.optimizer.clock for player in (engine.match.generator, engine.match.discriminator)]
    counts = torch.tensor([clock.count for clock in clocks])
    engine.ranks.level([*checkpoint.tensors_of(engine.match).values(), counts])
    for clock, count in zip(clocks, counts.tolist(), strict=True):
        clock.count = count
