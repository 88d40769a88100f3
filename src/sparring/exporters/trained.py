"""A trained generator with all that an export says of it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.api.load import load, load_generator
from sparring.config import codec
from sparring.data import Data
from sparring.recipe import Recipe
from sparring.runs import shipped, snapshots
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.generator import CONFIG, SavedGenerator
from sparring.runs.model_card import training_facts
from sparring.runs.run import Run
from sparring.storage.files import read_json


@dataclass(frozen=True)
class Trained:
    """A generator to export: float32, in inference mode, on the CPU.

    name: such as "flash, seed 0". facts: JSON values, all of which only a run has; see `facts_of`. data: what it was trained
    on, None where that is not known. licence: of the weights, where it is stated, as Hugging Face names it.
    """

    generator: SavedGenerator
    name: str
    facts: Mapping[str, Any]
    data: Data | None = None
    licence: str | None = None

    @classmethod
    def of(cls, source: str | Path | Run | SavedGenerator, raw: bool = False) -> "Trained":
        """The generator of a run, of a checkpoint's file, in a generator's folder, or as it is.

        raw: the weights trained last in place of their moving average. Raises InputError as `load`.
        """
        if isinstance(source, SavedGenerator):
            return cls._of_generator(source, "a generator")
        if isinstance(source, Run):
            return cls._of_run(source, source.newest_checkpoint()[0], raw)
        if isinstance(source, str | Path) and Path(source).suffix == ".safetensors":
            return cls._of_run(Run.of_checkpoint(Path(source)), snapshots.read(Path(source)), raw)
        found = load(source)
        if isinstance(found, Run):
            return cls._of_run(found, found.newest_checkpoint()[0], raw)
        if raw:
            found = load_generator(source, raw)  # which refuses it
        return cls._of_generator(found, Path(source).name)

    @classmethod
    def _of_generator(cls, generator: SavedGenerator, name: str) -> "Trained":
        """One without its run; what its folder says of the training, where it comes with the package."""
        facts = _facts_of_generator(generator)
        if generator.path is None or generator.recipe is None or not shipped.is_shipped(generator.path):
            return cls(_at_rest(generator), generator.origin or name, facts)
        own = shipped.ShippedGenerator(generator.path, read_json(generator.path / CONFIG))
        facts |= _facts_of_shipped(own, generator.recipe)
        return cls(_at_rest(generator), own.name, facts, generator.recipe.data, own.facts["license"].lower())

    @classmethod
    def _of_run(cls, run: Run, saved: Checkpoint, raw: bool) -> "Trained":
        generator = run.generator_of(saved, raw)
        facts = facts_of(run, saved, raw) | _facts_of_generator(generator)
        return cls(_at_rest(generator), f"{run.recipe.name}, seed {run.seed}", facts, run.recipe.data)


def _at_rest(generator: SavedGenerator) -> SavedGenerator:
    """A copy that no training changes."""
    return deepcopy(generator).cpu().float().eval().requires_grad_(False)


def _facts_of_generator(generator: SavedGenerator) -> dict[str, Any]:
    """What a generator's folder alone tells: the network, z, the shape of a sample, the classes' names."""
    return {
        "generator": codec.encode(generator.config),
        "z": codec.encode(generator.noise),
        "shape": list(generator.shape),
        "classes": list(generator.classes),
    }


def _facts_of_shipped(own: shipped.ShippedGenerator, recipe: Recipe) -> dict[str, Any]:
    """What the folder of a generator that comes with the package tells of its training, by the names of `facts_of`."""
    made, scores = own.facts["made"], own.facts["scores"]
    return {
        "recipe": recipe.name,
        "source": recipe.source,
        "rounds": made["round"],
        "seconds": made["seconds"],
        "data": scores[0]["protocol"]["data"],
        **{name: made[name] for name in ("sparring", "torch", "threads")},
        "device": f"cpu ({made['processor']})",
        "weights": "raw" if recipe.average is None else "averaged",
        "scores": [score for score in scores if _is_told(score["metric"])],
    }


def facts_of(run: Run, saved: Checkpoint, raw: bool) -> dict[str, Any]:
    """What a run tells of the generator in one of its checkpoints.

    Those of `training_facts`; weights ("averaged" or "raw"); scores: those of this round with protocol and interval, the full
    ones if there are any. Scores are taken of averaged weights, so raw ones beside an average have none.
    """
    averaged = run.recipe.average is not None and not raw
    return {
        **training_facts(run, saved.info),
        "weights": "averaged" if averaged else "raw",
        "scores": _scores(run, saved.info.round) if averaged or run.recipe.average is None else [],
    }


def _scores(run: Run, round_: int) -> list[dict[str, Any]]:
    taken = [evaluation for evaluation in run.scores() if evaluation.round == round_]
    full = [evaluation for evaluation in taken if not evaluation.quick]
    newest = (full or taken)[-1:]
    return [codec.encode(score) for evaluation in newest for score in evaluation.scores if _is_told(score.metric)]


def _is_told(metric: str) -> bool:
    """False for the share of a single class."""
    return not metric.startswith("share_")
