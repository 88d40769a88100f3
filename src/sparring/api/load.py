"""Runs and generators from their places on disk."""

from pathlib import Path

from sparring.errors import InputError
from sparring.runs import checkpoint
from sparring.runs.generator import SavedGenerator
from sparring.runs.run import Run


def load(path: str | Path | Run) -> Run | SavedGenerator:
    """A run, or the generator in one of its checkpoints or in a hub folder (such as a run's `generator/`).

    All have `sample(num, seed)`.
    """
    if isinstance(path, Run):
        return path
    if Path(path).suffix == ".safetensors":
        return Run.of_checkpoint(Path(path)).generator_of(checkpoint.read(Path(path)))
    if (Path(path) / "config.json").is_file():
        return SavedGenerator.open(Path(path))
    return Run.open(path)


def load_generator(path: str | Path | Run, raw: bool = False) -> SavedGenerator:
    """The generator of a run, of a checkpoint, or in a hub folder.

    `raw`: the weights trained last in place of their moving average; InputError where a folder holds one generator alone.
    """
    found = load(path)
    if isinstance(found, Run):
        return found.raw_generator if raw else found.generator
    if raw:
        raise InputError(f"{path} holds one generator alone; name its run for the weights that were trained last")
    return found
