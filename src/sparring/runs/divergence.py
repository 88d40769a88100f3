"""What a run keeps of values that were not finite: lines in the journal, the batches that led there, and counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sparring.config.non_finite import Trouble
from sparring.config.schedules import Moment
from sparring.runs.run import Run
from sparring.storage.tensors import seal

EVENT = "non-finite"
FORMAT = "sparring-batch-1"
Deed = Literal["stop", "skip", "roll-back"]


@dataclass
class Troubles:
    """How often a run was helped on so far, told by its journal alone."""

    helped: dict[Deed, int] = field(default_factory=lambda: {"stop": 0, "skip": 0, "roll-back": 0})

    def hear(self, event: Mapping[str, Any]) -> None:
        if event["event"] == EVENT:
            self.helped[event["remedy"]] += 1


def event_of(trouble: Trouble, moment: Moment, deed: Deed, batch: str | None) -> dict[str, Any]:
    """The fields of the journal's line: where in the run, what became non-finite, what was done, and the file of the batch."""
    place = {"round": moment.round, "epoch": moment.epoch, "images": moment.images, "seconds": moment.seconds}
    facts = {"term": trouble.term, "network": trouble.network, "value": trouble.value}
    return place | facts | {"remedy": deed, "batch": batch}


def save_batch(run: Run, trouble: Trouble, moment: Moment) -> str | None:
    """Write the batch that led to a trouble; the file's name within the run, None where no batch is known.

    Trouble in the same round after a roll-back takes the place of what was written of it before.
    """
    if not trouble.batch:
        return None
    name = f"non_finite/round_{moment.round:08d}.safetensors"
    facts = {"term": trouble.term, "network": trouble.network, "value": trouble.value, "round": moment.round}
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in trouble.batch.items()}  # some are parts of others
    run.put(name, seal(FORMAT, facts, tensors)[0])
    return name
