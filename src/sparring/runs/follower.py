"""The ranks other than 0, which write nothing, and the start of a run in all ranks."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import InitVar, asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from sparring import evaluation
from sparring.config import codec
from sparring.config.non_finite import DivergenceError, NonFiniteValue
from sparring.config.schedules import Duration, RoundInfo
from sparring.data.sets import Dataset
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs import checkpoint
from sparring.runs.divergence import Action
from sparring.runs.recorder import STOPPED, Recorder
from sparring.runs.run import Run
from sparring.runs.steering import GivenOrder, PlacedOrder, followed, give, orders_in
from sparring.training.engine import Engine
from sparring.training.observers import Event, Observer, Request
from sparring.training.sampler import EngineSampler


@dataclass
class FollowerRank(Observer):
    """A rank that writes nothing and takes part in rank 0's collectives.

    `scored`: the recorder takes quick scores. `watched`: rank 0 has observers of the user's, which may ask for something.
    `orders`: those in the journal. `cut_orders`: those of rounds that are still to come.
    """

    run: Run
    engine: Engine
    test: Dataset
    scored: bool
    watched: bool = False
    orders: InitVar[Sequence[PlacedOrder]] = ()
    cut_orders: list[PlacedOrder] = field(default_factory=list)
    saved_round: int = -1

    def __post_init__(self, orders: Sequence[PlacedOrder]) -> None:
        self.engine.orders = followed(orders)

    def steer(self, order: GivenOrder, info: RoundInfo) -> None:
        """Follow an order from the next round on."""
        give(self.engine.orders, info.round, order)

    def extend(self, length: Duration, info: RoundInfo) -> None:
        """Give the run another length."""
        self.engine.recipe = replace(self.engine.recipe, length=length)
        self.run = replace(self.run, recipe=replace(self.run.recipe, length=length))

    def on_round(self, event: Event) -> None:
        """Do this rank's share of the work that is due; DivergenceError as from the recorder."""
        info, review = event.info, self.run.recipe.review
        if review is not None and (info.last or review.due(info)):
            checkpoint.check_finite(self.engine.gan)
            if self.scored:
                self._share_score(info)

    def serve(self, asked: Collection[Request], info: RoundInfo) -> None:
        """Do this rank's share of what observers have asked for; DivergenceError as from the recorder."""
        if "score" in asked:
            checkpoint.check_finite(self.engine.gan)
            self._share_score(info)
        if "checkpoint" in asked:
            self.save(info)

    def _share_score(self, info: RoundInfo) -> None:
        EngineSampler(self.engine, self.test).samples_across_processes(evaluation.QUICK, "quick score", info.round)

    def log_last(self, info: RoundInfo) -> None:
        """Take part in the reading of the last numbers; DivergenceError as from the recorder."""
        if info.numbers is None and info.read is not None:
            info.read()

    def on_end(self, event: Event) -> None:
        """DivergenceError as from the recorder."""
        if event.ending in STOPPED:
            self.save(event.info)

    def save(self, info: RoundInfo) -> None:
        """DivergenceError as from the recorder."""
        checkpoint.check_finite(self.engine.gan)

    def on_divergence(self, found: NonFiniteValue, info: RoundInfo) -> None:
        """DivergenceError: several processes skip no round."""
        raise DivergenceError(found, info)

    def log_divergence(self, found: NonFiniteValue, info: RoundInfo, action: Action) -> str:
        """Nothing: rank 0 writes it."""
        return ""


def open_run(group: SingleProcess, name: str | Path | Run) -> Run:
    """The run as rank 0 opens it; other ranks may have no access to its disk."""
    if group.size == 1:
        return name if isinstance(name, Run) else Run.open(name)
    return from_json(group.on_rank0(lambda: to_json(name if isinstance(name, Run) else Run.open(name))))


def make_recorder(
    engine: Engine, test: Dataset, begin: Callable[[], tuple[Recorder, RoundInfo]], watched: bool
) -> tuple[Recorder | FollowerRank, RoundInfo]:
    """The recorder that `begin` makes in rank 0, a `FollowerRank` in the others, and the round to start from.

    `watched`: in rank 0, whether there are observers of the user's.

    All ranks then have rank 0's state. Raises InputError in all ranks where `begin` does, and where one has other data.
    """
    group, made = engine.group, []
    if group.size == 1:
        return begin()

    def describe() -> dict[str, Any]:
        recorder, start = begin()
        made.append(recorder)
        return to_json(recorder.run) | {
            "scored": recorder.reference is not None,
            "watched": watched,
            "orders": orders_in(recorder.run),
            "cut_orders": recorder.cut_orders,
            "start": asdict(replace(start, read=None)),
        }

    said = group.on_rank0(describe)
    theirs = from_json(said)
    engine.recipe = replace(engine.recipe, length=theirs.recipe.length, z=theirs.recipe.z)
    run = replace(theirs, recipe=engine.recipe)  # which has what no JSON holds
    facts = {name: said[name] for name in ("scored", "watched", "orders", "cut_orders")}
    recorder = made[0] if made else FollowerRank(run, engine, test, **facts)
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
