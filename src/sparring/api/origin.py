"""Where a run starts from: the weights of another run, its parent."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sparring.errors import InputError
from sparring.runs import checkpoint
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.family import started
from sparring.runs.run import Run
from sparring.training.engine import Engine


@dataclass(frozen=True)
class Origin:
    """A run and one of its checkpoints; `place` names them, a run's folder standing for its newest checkpoint."""

    place: str
    run: Run
    saved: Checkpoint

    @classmethod
    def of(cls, place: str | Path) -> Self:
        """The run in a folder, or "latest", or the file of a checkpoint; InputError where there is none, or it is damaged."""
        path = Path(place)
        if path.suffix == ".safetensors" and path.is_file():
            return cls(str(path), Run.of_checkpoint(path), checkpoint.read(path))
        run = Run.open(place)
        return cls(str(run.path), run, run.newest_checkpoint()[0])

    @classmethod
    def again(cls, run: Run) -> Self | None:
        """Where a run started from, for a replay: None where its weights were drawn.

        Raises InputError where the parent no longer has that checkpoint.
        """
        place, parent = run.facts.get("start_from"), run.facts.get("parent")
        if place is None:
            return None
        if not isinstance(parent, dict):
            raise InputError(f"{run.path} does not say from which round of {place} it started, so it cannot be played again")
        folder, round_ = Path(str(parent.get("run"))), parent.get("round")
        for path in checkpoint.all_paths(folder / "checkpoints"):
            saved = checkpoint.read(path)
            if saved.info.round == round_:
                return cls(str(place), Run.open(folder), saved)
        raise InputError(f"{run.path} started from round {round_} of {folder}, which has no checkpoint of it any more")

    @property
    def facts(self) -> dict[str, Any]:
        """What the recipe.json of a run that starts here says of it."""
        parent = {"run": str(self.run.path.absolute()), "round": self.saved.info.round, "started": started(self.run.path)}
        return {"start_from": self.place, "parent": parent}

    def load_into(self, engine: Engine) -> None:
        """Give the networks of an engine these weights; optimisers start anew. InputError for networks of other shapes."""
        for side, network in zip(("generator", "discriminator"), engine.gan.networks, strict=True):
            prefix = f"{side}.network"
            given = {name: tensor for name, tensor in self.saved.tensors.items() if name.startswith(prefix)}
            checkpoint.copy_tensors(checkpoint.network_tensors(prefix, network), given)
        if engine.gan.g_ema:
            checkpoint.copy_tensors(engine.gan.g_ema.state_dict(), engine.gan.generator.network.state_dict())
        if engine.gan.constraint:
            engine.gan.constraint.enforce(engine.gan.discriminator.network)
