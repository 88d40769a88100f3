"""The ranks other than 0, which write nothing, and the start of a run in all ranks."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from sparring import evaluation
from sparring.config import codec
from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.schedules import RoundInfo
from sparring.data.sets import Dataset
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs import checkpoint
from sparring.runs.divergence import Action
from sparring.runs.recorder import Ending, Recorder
from sparring.runs.run import Run
from sparring.training.engine import Engine
from sparring.training.sampler import EngineSampler


@dataclass
class FollowerRank:
    """A rank that writes nothing and takes part in rank 0's collectives. `scored`: the recorder takes quick scores."""

    run: Run
    engine: Engine
    test: Dataset
    scored: bool
    saved_round: int = -1

    def on_round(self, info: RoundInfo) -> None:
        """Do this rank's share of the work that is due; DivergenceError as from the recorder."""
        review = self.run.recipe.review
        if review is not None and (info.last or review.due(info)):
            checkpoint.check_finite(self.engine.gan)
            if self.scored:
                EngineSampler(self.engine, self.test).samples_across_processes(evaluation.QUICK, "quick score", info.round)

    def save(self, info: RoundInfo) -> None:
        """DivergenceError as from the recorder."""
        checkpoint.check_finite(self.engine.gan)

    def on_divergence(self, found: NonFiniteValue, info: RoundInfo) -> None:
        """DivergenceError: several processes skip no round."""
        raise DivergenceError(found, info)

    def log_divergence(self, found: NonFiniteValue, info: RoundInfo, action: Action) -> str:
        """Nothing: rank 0 writes it."""
        return ""

    def on_end(self, info: RoundInfo, ending: Ending, **fields: Any) -> None:
        """Nothing is left to do."""

    def on_failure(self, info: RoundInfo, reason: str) -> None:
        """Nothing is left to do."""


def open_run(group: SingleProcess, name: str | Path | Run) -> Run:
    """The run as rank 0 opens it; other ranks may have no access to its disk."""
    if group.size == 1:
        return name if isinstance(name, Run) else Run.open(name)
    return from_json(group.on_rank0(lambda: to_json(name if isinstance(name, Run) else Run.open(name))))


def make_recorder(
    engine: Engine, test: Dataset, begin: Callable[[], tuple[Recorder, RoundInfo]]
) -> tuple[Recorder | FollowerRank, RoundInfo]:
    """The recorder that `begin` makes in rank 0, a `FollowerRank` in the others, and the round to start from.

    All ranks then have rank 0's state. Raises InputError in all ranks where `begin` does, and where one has other data.
    """
    group, made = engine.group, []
    if group.size == 1:
        return begin()

    def describe() -> dict[str, Any]:
        recorder, start = begin()
        made.append(recorder)
        return to_json(recorder.run) | {"scored": recorder.reference is not None, "start": asdict(start)}

    said = group.on_rank0(describe)
    recorder = made[0] if made else FollowerRank(from_json(said), engine, test, said["scored"])
    group.raise_together(lambda: _check_same_data(recorder))
    _broadcast_state(engine)
    return recorder, RoundInfo(**said["start"])


def to_json(run: Run) -> dict[str, Any]:
    return {"path": str(run.path), "recipe": codec.encode(run.recipe), "seed": run.seed, "facts": run.facts}


def from_json(said: dict[str, Any]) -> Run:
    return Run(Path(said["path"]), codec.decode(Recipe, said["recipe"], "recipe"), said["seed"], said["facts"])


def _check_same_data(recorder: Recorder | FollowerRank) -> None:
    data, rank = recorder.engine.data, recorder.engine.group.rank
    if data.fingerprint() != recorder.run.facts.get("data_fingerprint"):
        raise InputError(f"rank {rank} has other data than rank 0; all processes have to train on the same")


def _broadcast_state(engine: Engine) -> None:
    """Give every rank the weights, statistics, moments and step clocks of rank 0."""
    clocks = [player.optimizer.clock for player in (engine.gan.generator, engine.gan.discriminator)]
    counts = torch.tensor([clock.count for clock in clocks])
    engine.group.broadcast([*checkpoint.state_tensors(engine.gan).values(), counts])
    for clock, count in zip(clocks, counts.tolist(), strict=True):
        clock.count = count
