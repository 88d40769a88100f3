"""Records of non-finite values in a run: journal events, the batches that caused them, and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sparring.config.non_finite import NonFiniteValue
from sparring.config.schedules import RoundInfo
from sparring.runs.run import Run
from sparring.storage.tensors import encode_tensors

EVENT = "non-finite"
FORMAT = "sparring-batch-1"
Action = Literal["stop", "skip", "roll-back"]


@dataclass
class DivergenceCounts:
    """Counts of the actions taken on non-finite values so far, from the journal alone."""

    actions: dict[Action, int] = field(default_factory=lambda: {"stop": 0, "skip": 0, "roll-back": 0})

    def add(self, event: Mapping[str, Any]) -> None:
        if event["event"] == EVENT:
            self.actions[event["remedy"]] += 1


def divergence_event(found: NonFiniteValue, info: RoundInfo, action: Action, batch: str | None) -> dict[str, Any]:
    """The fields of the journal event: place in the run, non-finite term, action taken, and file of the batch."""
    facts = {"term": found.term, "network": found.network, "value": found.value}
    return info.position | facts | {"remedy": action, "batch": batch}


def save_batch(run: Run, found: NonFiniteValue, info: RoundInfo) -> str | None:
    """Write the batch that led to a non-finite value; returns the file's name within the run, None if there is no batch.

    A second non-finite value in the same round, after a roll-back, overwrites the file of the first.
    """
    if not found.batch:
        return None
    name = f"non_finite/round_{info.round:08d}.safetensors"
    facts = {"term": found.term, "network": found.network, "value": found.value, "round": info.round}
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in found.batch.items()}  # some are views of others
    run.write_file(name, encode_tensors(FORMAT, facts, tensors)[0])
    return name
