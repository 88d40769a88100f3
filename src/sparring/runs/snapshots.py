"""Snapshots: what G was at rounds spaced evenly in their logarithm, in files that hold weights alone.

They are read like checkpoints, and no run can go on from one. Which of them a run keeps is a function of its round, so that an
interrupted run keeps the same ones; the journal does not mention them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from sparring.config import codec
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, MachineError, check, naming
from sparring.runs import checkpoint
from sparring.runs.checkpoint import Checkpoint
from sparring.storage.files import make_folder, remove, write_atomically
from sparring.storage.tensors import encode_tensors, read_tensors
from sparring.training.gan import GAN
from sparring.training.observers import Event, Observer

FORMAT = "sparring-snapshot-1"
FOLDER = "snapshots"
FIRST = 64  # rounds
TO_DOUBLE = 4  # steps from one round to twice it
MOST = 16  # files of a run


@dataclass(frozen=True)
class _Facts:
    round: int
    images: int
    epoch: int

    def __post_init__(self) -> None:
        for name in ("round", "images", "epoch"):
            check(getattr(self, name) >= 0, name, getattr(self, name), "be at least 0")


class Snapshots(Observer):
    """Keeps snapshots of a GAN within its recipe's budget. Where one cannot be written, `say` gets a sentence, once."""

    def __init__(self, gan: GAN, say: Callable[[str], None]):
        self._gan, self._say, self._has_failed = gan, say, False

    def on_round(self, event: Event) -> None:
        """Write a snapshot if one is due after this round, unless a weight is not finite."""
        budget = event.run.recipe.snapshot_mib << 20
        if not budget or not _is_due(event.round):
            return
        tensors = _weights(self._gan, with_d=len(event.run.shape) == 1)
        most = min(MOST, budget // sum(tensor.nbytes for tensor in tensors.values()))
        if not most or not all(tensor.isfinite().all() for tensor in tensors.values()):
            return
        try:
            _write(event.run.path / FOLDER, event.info, tensors, most)
        except (InputError, MachineError) as error:  # the first where another file has the folder's name
            if not self._has_failed:
                self._say(f"a snapshot could not be written, and training goes on without it: {error}")
            self._has_failed = True


def kept_rounds(last: int, most: int) -> list[int]:
    """The rounds up to `last` whose snapshots a run keeps, at most so many.

    Where there are too many, the one goes whose neighbours are relatively the nearest.
    """
    found, step = list[int](), 0
    while (round_ := _spaced(step)) <= last:
        found.append(round_)
        if len(found) > most:
            apart = [after / before for before, after in zip(found, found[2:], strict=False)]
            del found[1 + apart.index(min(apart)) if apart else 0]
        step += 1
    return found


def path_of(folder: Path, round_: int) -> Path:
    """The file of the snapshot of this round."""
    return checkpoint.path_of(folder, round_)


def is_snapshot(file: Path) -> bool:
    """True for the file of a snapshot, by the folder that it lies in."""
    return file.suffix == ".safetensors" and file.absolute().parent.name == FOLDER


def read(file: Path) -> Checkpoint:
    """Read and verify a checkpoint or a snapshot, which has the weights of G alone, of a toy those of D as well.

    Raises InputError where it is truncated, altered, or of another format.
    """
    if not is_snapshot(file):
        return checkpoint.read(file)
    data, tensors, _ = read_tensors(file, FORMAT, "snapshot")
    with naming(str(file)):
        facts = codec.decode(_Facts, data, "facts")
    return Checkpoint(file, RoundInfo(facts.round, facts.images, facts.epoch, 0.0), 0, (0, 0), tensors)


def remove_after(folder: Path, round_: int) -> None:
    """Remove the snapshots after this round, which a run that goes on from there writes again."""
    for path in checkpoint.paths(folder):
        if path > path_of(folder, round_):
            remove(path)


def _spaced(step: int) -> int:
    return round(FIRST * 2 ** (step / TO_DOUBLE))


def _is_due(round_: int) -> bool:
    return round_ >= FIRST and round_ == _spaced(round(TO_DOUBLE * math.log2(round_ / FIRST)))


def _weights(gan: GAN, with_d: bool) -> dict[str, Tensor]:
    """The generator that samples are drawn from, named as in a checkpoint, and where wanted D."""
    found = checkpoint.network_tensors("average" if gan.g_ema else "generator.network", gan.g_eval)
    return found | (checkpoint.network_tensors("discriminator.network", gan.discriminator.network) if with_d else {})


def _write(folder: Path, info: RoundInfo, tensors: dict[str, Tensor], most: int) -> None:
    """Write the snapshot of this round, and remove those that it displaces."""
    make_folder(folder)
    facts = {"round": info.round, "images": info.images, "epoch": info.epoch}
    write_atomically(path_of(folder, info.round), encode_tensors(FORMAT, facts, tensors)[0])
    kept = {path_of(folder, round_) for round_ in kept_rounds(info.round, most)}
    for path in checkpoint.paths(folder):
        if path not in kept:
            remove(path)
