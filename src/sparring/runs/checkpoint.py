"""Checkpoints: all that a run needs to go on bit for bit, in one file with a checksum.

Weights, buffers and optimiser moments are tensors; the round, the clocks and the length of the journal are JSON in the file's
metadata. Random states and the place in the epoch need no bytes: they are functions of the seed and the round (`config.rng`).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sparring import networks
from sparring.config import codec
from sparring.config.non_finite import DivergenceError, NetworkName, NonFiniteValue
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, check, naming
from sparring.recipe import Recipe
from sparring.storage import strict_json
from sparring.storage.files import make_folder, remove, write_atomically
from sparring.storage.tensors import encode_tensors, read_tensors
from sparring.training.build import build_discriminator, build_generator
from sparring.training.gan import GAN
from sparring.training.player import Player

FORMAT = "sparring-checkpoint-1"


@dataclass(frozen=True)
class Facts:
    """The facts in a checkpoint's file beside its tensors: the round, the length of the journal, and both step clocks."""

    round: int
    images: int
    epoch: int
    seconds: float
    journal_bytes: int
    clocks: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("round", "images", "epoch", "seconds", "journal_bytes"):
            check(getattr(self, name) >= 0, name, getattr(self, name), "be at least 0")
        good = len(self.clocks) == 2 and 0 <= min(self.clocks) <= max(self.clocks) < 2**63
        check(good, "clocks", list(self.clocks), "be two numbers of steps")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint's contents in memory, and its file."""

    path: Path
    info: RoundInfo
    journal_bytes: int
    clocks: tuple[int, int]
    tensors: dict[str, Tensor]


def best_path(folder: Path) -> Path:
    """The file of the checkpoint with the best quick score so far."""
    return folder / "best.safetensors"


def recovery_path(folder: Path) -> Path:
    """The file that `runs.recovery` writes between two checkpoints."""
    return folder / "recovery.safetensors"


def all_paths(folder: Path) -> list[Path]:
    """All checkpoints in a folder, including the best one and the recovery file."""
    return sorted(folder.glob("*.safetensors"))


def path_of(folder: Path, round_: int) -> Path:
    """The file of the checkpoint after this many rounds."""
    return folder / f"round_{round_:08d}.safetensors"


def paths(folder: Path) -> list[Path]:
    """All checkpoints in a folder, newest first."""
    return sorted(folder.glob("round_*.safetensors"), reverse=True)


def quarantine(folder: Path, newest_good: int) -> None:
    """Rename the files that are newer than the newest intact checkpoint, so that they are kept but not read."""
    for path in paths(folder):
        if path > path_of(folder, newest_good):
            path.replace(path.with_suffix(".damaged"))


def check_finite(gan: GAN) -> None:
    """DivergenceError, naming the tensor, where one of the GAN's state is not finite."""
    sides: tuple[tuple[NetworkName, Player], ...] = (("generator", gan.generator), ("discriminator", gan.discriminator))
    for side, player in sides:
        for name, tensor in _player_tensors(side, player).items():
            if not tensor.isfinite().all():
                term = name.removeprefix(f"{side}.").removeprefix("network.")
                raise DivergenceError(NonFiniteValue.of(term, side, tensor))
    for name, tensor in _ema_and_memory_tensors(gan).items():
        if not tensor.isfinite().all():
            side = "generator" if name.startswith("average.") else "discriminator"
            raise DivergenceError(NonFiniteValue.of(name, side, tensor))


def write(path: Path, gan: GAN, info: RoundInfo, journal_bytes: int) -> None:
    """Save the state of a GAN after this round."""
    facts = {
        **info.position,
        "journal_bytes": journal_bytes,
        "clocks": [gan.generator.optimizer.clock.count, gan.discriminator.optimizer.clock.count],
    }
    data = encode_tensors(FORMAT, facts, state_tensors(gan))[0]
    make_folder(path.parent)
    write_atomically(path, data)


def keep_newest(folder: Path, keep: int, spare: Sequence[Path] = ()) -> None:
    """Remove all but the newest checkpoints and those to spare; the best one has another name and stays."""
    for old in paths(folder)[keep:]:
        if old not in spare:
            remove(old)


def read(path: Path) -> Checkpoint:
    """Read and verify one checkpoint; InputError where it is truncated, altered, or of another format."""
    data, tensors, _ = read_tensors(path, FORMAT, "checkpoint")
    with naming(str(path)):
        facts = codec.decode(Facts, data, "facts")
    info = RoundInfo(facts.round, facts.images, facts.epoch, facts.seconds)
    return Checkpoint(path, info, facts.journal_bytes, (facts.clocks[0], facts.clocks[1]), tensors)


def first_intact(paths: Sequence[Path]) -> tuple[Checkpoint | None, list[str]]:
    """The first intact checkpoint of these files, None if there is none, and a sentence about each damaged one before it."""
    problems = []
    for path in paths:
        try:
            return read(path), problems
        except InputError as error:
            problems.append(str(error))
    return None, problems


def check_fits(checkpoint: Checkpoint, recipe: Recipe, shape: tuple[int, ...], where: str) -> None:
    """InputError, naming `where`, unless the networks of this recipe have the checkpoint's weights; takes no memory."""
    builds: dict[NetworkName, Callable[[], nn.Module]] = {
        "generator": lambda: build_generator(recipe, shape, seed=0),
        "discriminator": lambda: build_discriminator(recipe, shape, seed=0),
    }
    for side, build in builds.items():
        networks.check_fits(build, _weights(checkpoint, side), f"{where}, {side}")


def discriminator_of(checkpoint: Checkpoint, recipe: Recipe, shape: tuple[int, ...], where: str) -> nn.Module:
    """The discriminator in a checkpoint, in inference mode; InputError, naming `where`, unless it is the recipe's."""
    return fitted_discriminator(_weights(checkpoint, "discriminator"), recipe, shape, where)


def fitted_discriminator(weights: dict[str, Tensor], recipe: Recipe, shape: tuple[int, ...], where: str) -> nn.Module:
    """The recipe's discriminator with these weights, in inference mode; InputError, naming `where`, unless they fit."""
    networks.check_fits(lambda: build_discriminator(recipe, shape, seed=0), weights, f"{where}, discriminator")
    network = build_discriminator(recipe, shape, seed=0).eval()
    copy_tensors(network.state_dict(), weights)
    return network


def _weights(checkpoint: Checkpoint, side: NetworkName) -> dict[str, Tensor]:
    """A network's weights and buffers, named as in its state_dict."""
    prefix = f"{side}.network."
    return {name.removeprefix(prefix): t for name, t in checkpoint.tensors.items() if name.startswith(prefix)}


def restore(checkpoint: Checkpoint, gan: GAN) -> None:
    """Put a checkpoint's state into a GAN of the same recipe."""
    own = state_tensors(gan)
    copy_tensors(own, _moments_by_name(checkpoint.tensors, own))
    for player, count in zip((gan.generator, gan.discriminator), checkpoint.clocks, strict=True):
        player.optimizer.clock.count = count


def copy_tensors(own: dict[str, Tensor], given: dict[str, Tensor]) -> None:
    """Copy tensors into those of the same names; InputError unless names and shapes agree."""
    if own.keys() != given.keys():
        name = strict_json.one_line(sorted(own.keys() ^ given.keys())[0])
        raise InputError(f"the weights do not fit this recipe: {name} is on one side only")
    for name, tensor in own.items():
        mine, theirs = ((t.dtype, tuple(t.shape)) for t in (tensor, given[name]))
        if mine != theirs:
            found, wanted = (f"{str(dtype).removeprefix('torch.')} {list(shape)}" for dtype, shape in (theirs, mine))
            raise InputError(f"the weights do not fit this recipe: {name} is {found}, not {wanted}")
        with torch.no_grad():
            tensor.copy_(given[name])


def state_tensors(gan: GAN) -> dict[str, Tensor]:
    """All tensors of a GAN's state, by name."""
    both = _player_tensors("generator", gan.generator) | _player_tensors("discriminator", gan.discriminator)
    return both | _ema_and_memory_tensors(gan)


def _ema_and_memory_tensors(gan: GAN) -> dict[str, Tensor]:
    """The moving average of G, and the tensors that persist from step to step."""
    averaged = network_tensors("average", gan.g_ema) if gan.g_ema else {}
    return averaged | {f"memory.{name}": tensor for name, tensor in gan.memory.items()}


def network_tensors(prefix: str, network: nn.Module) -> dict[str, Tensor]:
    """Weights and buffers of a network, by name."""
    return {f"{prefix}.{name}": tensor for name, tensor in network.state_dict().items()}


def _player_tensors(side: str, player: Player) -> dict[str, Tensor]:
    moments = {
        f"{side}.optimizer.{moment}.{name}": tensor
        for moment, tensors in player.optimizer.moments().items()
        for name, tensor in zip(player.trained_names, tensors, strict=True)
    }
    return network_tensors(f"{side}.network", player.network) | moments


def _moments_by_name(given: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors; Adam's moments, which version 0.1 numbered, under the names of their parameters."""
    numbered, count = {}, Counter[str]()
    for name in own:
        side, dot, rest = name.partition(".optimizer.")
        if dot:
            prefix = f"{side}.optimizer.{rest.partition('.')[0]}"
            numbered[f"{prefix}.{count[prefix]}"] = name
            count[prefix] += 1
    if not numbered.keys() <= given.keys():
        return given
    return {numbered.get(name, name): tensor for name, tensor in given.items()}
