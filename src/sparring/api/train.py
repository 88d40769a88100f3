"""Train: a recipe from its start to a run on disk."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring.api import arguments
from sparring.api.origin import Origin, recipe_of, require_trained
from sparring.api.own import Parts
from sparring.api.replay import play_again
from sparring.api.resolve import lost_ratio, resolve
from sparring.api.resume import continue_run
from sparring.api.session import TIMEOUT, Options, joined_processes, run_to_end
from sparring.config import devices
from sparring.config.schedules import START, RoundInfo
from sparring.data import Data
from sparring.distributed.launch import Launch
from sparring.errors import InputError
from sparring.losses import Loss, LossFunction, RelativisticLoss
from sparring.networks import DiscriminatorConfig, GeneratorConfig
from sparring.recipe import Recipe
from sparring.runs import run as runs
from sparring.runs.folders import default_folder
from sparring.runs.follower import make_recorder, open_run
from sparring.runs.recorder import OnWriteError, Recorder
from sparring.runs.run import Run
from sparring.storage import locks
from sparring.training.capture import EngineName


def train(
    recipe: str | Recipe | None = None,
    *,
    data: str | Path | Data | None = None,
    generator: nn.Module | GeneratorConfig | None = None,
    discriminator: nn.Module | DiscriminatorConfig | None = None,
    loss: LossFunction | Loss | RelativisticLoss | None = None,
    epochs: int | None = None,
    images: int | None = None,
    rounds: int | None = None,
    minutes: float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    engine: EngineName = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    settings: Mapping[str, Any] | None = None,
    start_from: str | Path | None = None,
    replay: str | Path | None = None,
    observers: Sequence[object] = (),
    patience: int | None = None,
    on_write_error: OnWriteError = "stop",
    quiet: bool = False,
    timeout: float = TIMEOUT,
    steer: bool = True,
) -> Run:
    """Train a recipe from its start; returns the run, saved on disk.

    recipe: a registered name, or a `Recipe`; by default that of the run that it starts from or plays again.
    data: the name of a data set, a path, or a data set as `sparring.data.of(...)` makes one; by default the recipe's own.
    generator: a module that makes images [B, C, H, W] in [-1, 1] (points [B, D]) of z [B, num_z], float32 both, or a
        configuration from `sparring.networks`. discriminator: one that makes logits [B] of such images. The weights of a
        module are the initial ones, whatever the seed; it is copied, and stays as it is.
    loss: a function (real_logits [N], fake_logits [M]) -> (D's values, G's values), see `sparring.losses.own_loss`, or a loss
        from `sparring.losses`.
    epochs, images, rounds, minutes: the length, at most one of them; without any, the recipe's own.
    out: a new or an empty folder; by default one under runs/, named after the time and the recipe.
    seed: of every random draw, at least 0.
    device: "auto", "cpu", "cuda", "cuda:1" or "mps", or a `torch.device`.
    engine: the plain steps ("eager"), or rounds recorded as CUDA graphs ("capture"); "auto" is "capture" on CUDA, elsewhere the
        fast steps.
    threads: to compute with on a CPU; by default one for every core that other programs leave free, and at most PyTorch's
        number; a single one for perceptrons as small as those of `gaussian`. Convolutional networks trained with another number
        are equal within rounding.
    deterministic: a GPU gives the same bits each time; an operation that cannot is an InputError. The CPU does in any case.
    observers: objects with some of the methods of `sparring.Observer`, called in rank 0.
    patience: the run ends once so many quick scores in a row have not improved; `resume` goes on.
    settings: override fields of the recipe by dotted name: {"optim.lr": 1e-4}. Values are numbers, texts, True, False, None,
        lists and dicts, or the texts that `--set` takes.
    start_from: a run, the file of a checkpoint, or a generator that comes with the package, whose weights training starts from;
        optimisers start anew. On other data this is fine-tuning.
    replay: a run that is played again with its recipe, seed and orders, as a run of its own; `rounds` are the first ones of it.
    on_write_error: a file that cannot be written "stop"s the training, or lets it "continue" without the file.
    quiet: shows no progress.
    timeout: the seconds that processes wait for each other. Those that torchrun started train one run together, which rank 0
        writes. Restarted by torchrun, they go on with the run that they began in `out`.
    steer: orders that come from outside while it trains are followed, in a single process; see `sparring.runs.orders`.

    Of data, modules and functions of your own the run keeps fingerprints; `resume` and `load` ask for them.
    Raises InputError for unusable input; NonFiniteError where training diverges, and MachineError where the disk or the memory
    fails or a process is lost, both with the newest checkpoint kept; TrainingStopped (a KeyboardInterrupt) on Ctrl-C,
    SIGTERM or SIGHUP, with the run saved; and what an observer raised, with the run saved.
    """
    parts, changes = Parts(data, generator, discriminator, loss), arguments.texts(settings)
    length = arguments.lengths(epochs=epochs, images=images, rounds=rounds, minutes=minutes)
    options = Options(device, engine, threads, observers, patience, on_write_error, timeout, quiet, steer)
    seed = arguments.whole("seed", seed, 0)
    launch, folder = Launch.of(), arguments.path("out", out)
    if replay is not None:
        other = {"settings": changes, "start_from": start_from, "seed": seed, "deterministic": deterministic} | length
        if given := [name for name, value in other.items() if value and name != "rounds"]:
            raise InputError(f"{replay} is played again as it was, so leave out {', '.join(given)}; only rounds may be fewer")
        name = recipe.name if isinstance(recipe, Recipe) else recipe
        return play_again(replay, name, rounds, folder, parts, options)
    recipe = recipe_of(start_from) if recipe is None else recipe
    resolved = resolve(recipe, changes, parts, **length)
    require_trained(resolved, start_from)
    remark = lost_ratio(recipe, changes)
    if launch.max_restarts and folder is None:
        raise InputError("torchrun --max-restarts needs --out DIR (in Python: out=), in which restarted processes go on")
    with joined_processes(launch, options) as session, ExitStack() as held:
        group, progress = session.group, session.progress
        held.enter_context(devices.deterministic(deterministic, session.device))
        if remark:
            progress.say(remark)
        if folder is not None and launch.attempt and group.on_rank0(lambda: runs.has_begun(folder, launch.group)):
            return continue_run(session, open_run(group, folder), Parts.of(resolved), {})
        if folder is not None:
            group.on_rank0(lambda: runs.require_empty(folder))
        built, test = session.build(resolved, seed)

        def begin() -> tuple[Recorder, RoundInfo]:
            origin = Origin.of(start_from) if start_from is not None else None
            if origin is not None:
                origin.load_into(built)
                progress.say(origin.told(built))
            facts = session.facts(built, origin, launch.group) | {"settings": changes}
            facts |= {"deterministic": True} if deterministic else {}
            reference = session.reference(resolved)
            default = default_folder(f"{resolved.name}-seed{seed}")
            path = held.enter_context(locks.run_lock(folder) if folder is not None else locks.new_run_lock(default))
            return session.begin_run(path, built, test, reference, facts, progress.say), START

        return run_to_end(session, *make_recorder(built, test, begin, bool(options.observers)))
