"""A training session: the process group, the recipe's engine, and the training loop, with the run saved at its end."""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch

from sparring import evaluation
from sparring.api.own import require_parts
from sparring.config import devices
from sparring.config.non_finite import DivergenceError
from sparring.config.rng import own_torch_state
from sparring.config.schedules import RoundInfo
from sparring.data.sets import Dataset
from sparring.distributed.launch import Launch
from sparring.distributed.process_group import process_group
from sparring.distributed.single_process import SingleProcess
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.evaluation import Reference
from sparring.recipe import Recipe
from sparring.runs import checkpoint, roll_back
from sparring.runs.follower import FollowerRank
from sparring.runs.patience import Patience
from sparring.runs.progress import Progress
from sparring.runs.recorder import Ending, Recorder
from sparring.runs.run import Run
from sparring.runs.signals import StopSignals
from sparring.runs.watch import Watch
from sparring.training.build import check_outputs
from sparring.training.capture import EngineName, GraphedSteps
from sparring.training.engine import Engine
from sparring.training.observers import check_observers

TIMEOUT = 600.0  # seconds


class TrainingStopped(KeyboardInterrupt):
    """Training was stopped from outside; the run is saved. `exit_status` is the shell's convention for the signal."""

    def __init__(self, run: Run, number: signal.Signals):
        super().__init__(f"stopped; go on with `sparring resume {run.path}`")
        self.run: Run = run
        self.exit_status: int = 128 + number


@contextmanager
def joined_processes(
    launch: Launch, timeout: float, device: str, quiet: bool
) -> Iterator[tuple[SingleProcess, torch.device, Progress]]:
    """Within the block the processes of a launch form a group; each has its device, and rank 0 shows the progress."""
    with process_group(launch, timeout) as group, Progress(quiet or not group.is_rank0) as progress:
        torch_device = group.assign_device(lambda: devices.resolve(device))
        with own_torch_state(torch_device):
            yield group, torch_device, progress


def build(
    recipe: Recipe,
    seed: int,
    device: torch.device,
    progress: Progress,
    group: SingleProcess | None = None,
    engine: EngineName = "auto",
) -> tuple[Engine, Dataset]:
    """The engine of a recipe, and its test images. `group`: by default this process alone.

    `engine`: "eager" takes the plain steps of `training.step`; "capture" records rounds as CUDA graphs; "auto" captures on
    CUDA, and else takes the fast steps of `training.fast`.
    Raises InputError for "capture" on another device or in several processes, and where a part of the user's is not here or
    does not fit; MachineError for data too large for a GPU.
    """
    if engine == "capture" and (device.type != "cuda" or (group and group.size > 1)):
        where = f"on {device.type}" if device.type != "cuda" else f"in {group.size} processes" if group else ""
        raise InputError(f"--engine capture records rounds on CUDA in a single process, not {where}; use --engine auto")
    require_parts(recipe, "sparring.train(..., ")
    train_set, test = recipe.data.train(progress.transfer), recipe.data.test(progress.transfer)
    check_outputs(recipe, train_set.shape)
    devices.check_room(train_set.num_bytes(), device)
    return Engine.build(recipe, train_set, seed, device, group, fast=engine != "eager"), test


def engine_name(engine: Engine) -> str:
    """How an engine computes: "capture" (CUDA graphs), or else "fast" steps, or the plain, "eager" ones."""
    return "capture" if isinstance(engine.steps, GraphedSteps) else "fast" if engine.fast else "eager"


def user_observers(given: Sequence[object], patience: int | None) -> list[object]:
    """The observers that were given, and that of `patience`; InputError for what is none."""
    check_observers(given)
    return [*given, *([] if patience is None else [Patience(patience)])]


def quick_reference(recipe: Recipe, device: torch.device, progress: Progress, patience: int | None = None) -> Reference | None:
    """The real side of a run's quick scores; None where the recipe wants none, or no extractor was trained on the data.

    Raises InputError where there is none and `patience` counts on it.
    """
    if recipe.review is None:
        if patience is not None:
            raise InputError('--patience counts quick scores, and the recipe takes none; set review to {"epochs": 1}, say')
        return None
    reference = evaluation.reference_for(recipe.data, device, progress=progress.step)
    if reference:
        evaluation.floor(reference, evaluation.QUICK, quick=True)  # now, so that no review waits for the real side
        return reference
    why = "no extractor was trained on these data; `sparring extractor train` makes one from labels"
    if patience is not None:
        raise InputError(f"--patience counts quick scores, and {why}")
    progress.say(f"there are no scores, for {why}")
    return None


def load_weights(engine: Engine, run: Run) -> None:
    """Take over the weights of another run of the same networks; optimisers start anew."""
    tensors = run.newest_checkpoint()[0].tensors
    for side, network in zip(("generator", "discriminator"), engine.gan.networks, strict=True):
        prefix = f"{side}.network"
        given = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        checkpoint.copy_tensors(checkpoint.network_tensors(prefix, network), given)
    if engine.gan.g_ema:
        checkpoint.copy_tensors(engine.gan.g_ema.state_dict(), engine.gan.generator.network.state_dict())
    if engine.gan.constraint:
        engine.gan.constraint.enforce(engine.gan.discriminator.network)


def run_to_end(
    recorder: Recorder | FollowerRank, start: RoundInfo, progress: Progress, observers: Sequence[object] = ()
) -> Run:
    """Train to the end, or until a signal or an observer stops it; the run is saved either way."""
    run, group = recorder.run, recorder.engine.group
    watch = Watch(recorder, progress, observers)
    with StopSignals(patient=group.size > 1) as stop:
        group.stop_request = lambda: stop.requested or 0
        try:
            watch.on_start(start)
            for info in () if watch.is_stopping else roll_back.rounds(recorder, start):
                watch.on_round(info)
                if group.stop_signal or watch.is_stopping:
                    break
            group.barrier()  # the last collective: from here on only rank 0 works
            stopped = signal.Signals(group.stop_signal) if group.stop_signal and not watch.info.last else None
            if stopped:
                stop.requested = stopped  # whichever process it came to
            watch.on_end(_ENDINGS[stopped] if stopped else watch.ending, watch.reason)
        except DivergenceError as error:
            recorder.log_divergence(error.non_finite, error.info or watch.info, "stop")
            watch.on_end("non-finite", str(error))
            raise NonFiniteError(f"{error}; {_kept(run)}") from None
        except (MachineError, InputError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not devices.is_out_of_memory(error):
                raise
            reason = str(error) if isinstance(error, SparringError) else devices.out_of_memory(error)
            watch.on_end("machine", reason)
            kind = InputError if isinstance(error, InputError) else MachineError
            raise kind(f"{reason}; {_kept(run)}") from error
        watch.raise_failure()
        if stopped:
            raise TrainingStopped(run, stopped)
    return replace(run)  # a copy without cached properties


_ENDINGS: Mapping[signal.Signals, Ending] = {
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
}


def _kept(run: Run) -> str:
    saved = checkpoint.paths(run.path / "checkpoints")
    return f"the last good checkpoint is kept: {saved[0]}" if saved else "no checkpoint had been saved yet"
