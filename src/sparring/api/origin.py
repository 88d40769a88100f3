"""Where a run starts from: the weights of another run, its parent, or of a generator that comes with the package."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from torch import Tensor

from sparring.config.registry import name_of
from sparring.data import PictureFolder
from sparring.errors import InputError
from sparring.networks import ModuleDiscriminator
from sparring.recipe import Recipe
from sparring.runs import checkpoint, shipped, snapshots
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.family import started
from sparring.runs.generator import CONFIG, SavedGenerator
from sparring.runs.run import Run
from sparring.training.clustering import with_shares
from sparring.training.engine import Engine
from sparring.training.real_codes import PREFIX

CLUSTERS = f"memory.{PREFIX}"


@dataclass(frozen=True)
class Origin:
    """The recipe and the weights of both networks, named as in a checkpoint; `facts`: what recipe.json says of their origin.

    `place` names a run's folder, which stands for its newest checkpoint, a checkpoint's file, or a generator. `shape`: of its
    samples. `fingerprint`: of its training data, where that is known.
    """

    place: str
    recipe: Recipe
    shape: tuple[int, ...]
    tensors: Mapping[str, Tensor]
    facts: dict[str, Any]
    fingerprint: str | None = None

    @classmethod
    def of(cls, place: str | Path) -> Self:
        """The run in a folder, or "latest", the file of a checkpoint, or a generator with its discriminator beside it, such as
        those that come with the package; InputError where there is none, or it is damaged."""
        path = shipped.resolved(place)
        if snapshots.is_snapshot(path):
            raise InputError(f"{path} is a snapshot, which does not have all weights of a training; name a checkpoint")
        if path.suffix == ".safetensors" and path.is_file():
            return cls._of_run(str(path), Run.of_checkpoint(path), checkpoint.read(path))
        if (path / CONFIG).is_file():
            return cls._of_generator(path.name if shipped.is_shipped(path) else str(path), SavedGenerator.open(path))
        run = Run.open(place)
        return cls._of_run(str(run.path), run, run.newest_checkpoint()[0])

    @classmethod
    def _of_run(cls, place: str, run: Run, saved: Checkpoint) -> Self:
        parent = {"run": str(run.path.absolute()), "round": saved.info.round, "started": started(run.path)}
        facts = {"start_from": place, "parent": parent}
        return cls(place, run.recipe, run.shape, saved.tensors, facts, run.facts.get("data_fingerprint"))

    @classmethod
    def _of_generator(cls, place: str, generator: SavedGenerator) -> Self:
        d, recipe = generator.discriminator, generator.recipe
        assert recipe is not None, "a generator that has its discriminator has its recipe"
        sides = {"generator": generator.network, "discriminator": d}
        tensors = {n: t for side, own in sides.items() for n, t in checkpoint.network_tensors(f"{side}.network", own).items()}
        return cls(place, recipe, generator.shape, tensors, {"start_from": place})

    @classmethod
    def again(cls, run: Run) -> Self | None:
        """Where a run started from, for a replay: None where its weights were drawn.

        Raises InputError where the parent no longer has that checkpoint.
        """
        place, parent = run.facts.get("start_from"), run.facts.get("parent")
        if place is None:
            return None
        if not isinstance(parent, dict):
            if own := shipped.folder_of(str(place)):
                return cls.of(own)
            raise InputError(f"{run.path} does not say from which round of {place} it started, so it cannot be played again")
        folder, round_ = Path(str(parent.get("run"))), parent.get("round")
        for path in checkpoint.all_paths(folder / "checkpoints"):
            saved = checkpoint.read(path)
            if saved.info.round == round_:
                return cls._of_run(str(place), Run.open(folder), saved)
        raise InputError(f"{run.path} started from round {round_} of {folder}, which has no checkpoint of it any more")

    def load_into(self, engine: Engine) -> None:
        """Give the networks of an engine these weights, and the clusters that they know; optimisers start anew.

        Raises InputError, with a command that fits, for data of another shape or other networks.
        """
        self._check_shape(engine)
        try:
            for side, network in zip(("generator", "discriminator"), engine.gan.networks, strict=True):
                prefix = f"{side}.network"
                given = {name: tensor for name, tensor in self.tensors.items() if name.startswith(prefix)}
                checkpoint.copy_tensors(checkpoint.network_tensors(prefix, network), given)
        except InputError as error:
            raise InputError(f"{error}; a run from {self.place} keeps its networks: {self._command(engine)}") from None
        self._load_clusters(engine)
        if engine.gan.g_ema:
            checkpoint.copy_tensors(engine.gan.g_ema.state_dict(), engine.gan.generator.network.state_dict())
        if engine.gan.constraint:
            engine.gan.constraint.enforce(engine.gan.discriminator.network)

    def told(self, engine: Engine) -> str:
        """A sentence for the first lines of a run that starts from here: on other data it is fine-tuning."""
        recipe, is_same = engine.recipe, engine.data.fingerprint() == self.fingerprint
        rates = f"learning rates {recipe.g_optim.lr:g} of G and {recipe.d_optim.lr:g} of D"
        frozen = f", and {recipe.freeze_d} of D's layers frozen" if recipe.freeze_d else ""
        return f"{'starting' if is_same else 'fine-tuning'} from {self.place}, with {rates}{frozen}"

    def _check_shape(self, engine: Engine) -> None:
        if engine.data.shape != self.shape:
            mine, given = (" x ".join(map(str, shape)) for shape in (self.shape, engine.data.shape))
            what = f"{self.place} draws samples of {mine}, and the data's are {given}"
            if not isinstance(engine.recipe.data, PictureFolder):
                raise InputError(f"{what}; name data of that shape with --data (in Python: data=)")
            channels, height, width = self.shape
            size = height if height == width else f"[{height},{width}]"
            fitting = "--set", f"data.size={size}", "--set", f"data.channels={channels}"
            raise InputError(f"{what}; this fits: {self._command(engine, *fitting)}")

    def _load_clusters(self, engine: Engine) -> None:
        """The clusters of a self-conditioned run, whose numbers mean something to its weights, with their shares in these data.

        New ones stay where the weights come from a run under another condition.
        """
        if engine.codes.clusters is None or not any(name.startswith(CLUSTERS) for name in self.tensors):
            return
        own = {name: t for name, t in checkpoint.state_tensors(engine.gan).items() if name.startswith(CLUSTERS)}
        checkpoint.copy_tensors(own, {name: self.tensors[name] for name in own})
        engine.recipe = with_shares(engine.recipe, engine.codes.clusters, engine.data)

    def _command(self, engine: Engine, *more: str) -> str:
        """The command that trains on an engine's data from here."""
        data = getattr(engine.recipe.data, "path", None) or name_of(engine.recipe.data)
        return f"`{shlex.join(('sparring', 'train', '--from', self.place, '--data', data, *more))}`"


def require_trained(recipe: Recipe, start_from: str | Path | None) -> None:
    """InputError where layers of D are frozen that no training has given their weights."""
    if recipe.freeze_d and start_from is None and not isinstance(recipe.discriminator, ModuleDiscriminator):
        raise InputError(f"freeze_d is {recipe.freeze_d}, and D has no trained weights; start from some, as with --from emoji")


def recipe_of(start_from: str | Path | None) -> Recipe:
    """The recipe of what a run starts from, which it has unless another one is named."""
    if start_from is None:
        raise InputError("there is no recipe; name one, or a run to start from or to play again")
    return Origin.of(start_from).recipe
