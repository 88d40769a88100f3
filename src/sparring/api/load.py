"""Runs and generators from their places on disk."""

import os
from dataclasses import replace
from pathlib import Path

from torch import nn

from sparring.api import hub
from sparring.api.own import Parts
from sparring.data import Data
from sparring.errors import InputError, check
from sparring.losses import LossFunction
from sparring.runs import shipped, snapshots
from sparring.runs.generator import CONFIG, SavedGenerator
from sparring.runs.run import Run


def load(
    path: str | Path | Run,
    *,
    data: str | Path | Data | None = None,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    loss: LossFunction | None = None,
) -> Run | SavedGenerator:
    """A run, or the generator in one of its checkpoints, in a hub folder (such as a run's `generator/`) or on the Hub.

    path: the folder of a run or of a generator, the file of a checkpoint or of a snapshot, "latest",
        "hf://user/name@revision" on the Hugging Face Hub, or else the name of a generator that comes with the package, such as
        "digits". Both have `sample(num, seed)`.
    data, generator, discriminator, loss: those of your own that it was trained with, where what follows needs them: samples
        need the generator. They are compared by their fingerprints.
    Raises InputError where there is nothing to open, or it is damaged, or a part is not the one that it was trained with, and
    MachineError where the Hub cannot be reached.
    """
    parts = Parts(data, generator, discriminator, loss)
    if isinstance(path, Run):
        return _with_parts(path, parts)
    check(isinstance(path, str | os.PathLike), "what to load", repr(path), "be a path, a run, or a name")
    if hub.is_name(path):
        return hub.open_generator(hub.HubName.parse(str(path)))
    place = shipped.resolved(path)
    if place.suffix == ".safetensors":
        run = _with_parts(Run.of_checkpoint(place), parts)
        return run.generator_of(snapshots.read(place))
    if (place / CONFIG).is_file():
        return SavedGenerator.open(place, generator)
    return _with_parts(Run.open(path), parts)


def _with_parts(run: Run, parts: Parts) -> Run:
    return run if parts == Parts() else replace(run, recipe=parts.return_to(run.recipe, str(run.path)))


def load_generator(path: str | Path | Run, raw: bool = False) -> SavedGenerator:
    """The generator of a run, of a checkpoint, in a hub folder, on the Hub, or one that comes with the package.

    `raw`: the weights trained last in place of their moving average; InputError where a folder holds one generator alone.
    Raises InputError and MachineError as `load`.
    """
    found = load(path)
    if isinstance(found, Run):
        return found.raw_generator if raw else found.generator
    if raw:
        raise InputError(f"{path} holds one generator alone; name its run for the weights that were trained last")
    return found
