"""Train: a recipe from its start to a run on disk."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from sparring.api.resolve import resolve
from sparring.api.resume import continue_run
from sparring.api.session import TIMEOUT, build, joined_processes, quick_reference, run_to_end, take_weights
from sparring.config import codec, devices
from sparring.config.schedules import START, RoundInfo
from sparring.distributed.launch import Launch
from sparring.errors import InputError
from sparring.recipe import Recipe
from sparring.runs import run as runs
from sparring.runs.follower import make_recorder, open_run
from sparring.runs.recorder import OnWriteError, Recorder
from sparring.runs.run import Run
from sparring.storage import locks
from sparring.storage.files import remove_temporaries


def train(
    recipe: str | Recipe,
    *,
    data: str | None = None,
    epochs: int | None = None,
    images: int | None = None,
    rounds: int | None = None,
    minutes: float | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    settings: Mapping[str, str] | None = None,
    start_from: str | Path | None = None,
    on_write_error: OnWriteError = "stop",
    quiet: bool = False,
    timeout: float = TIMEOUT,
) -> Run:
    """Train a recipe from its start; returns the run, saved on disk.

    `settings` override fields of the recipe by dotted name, as texts: {"optim.lr": "1e-4"}. `start_from` names a run whose
    weights are taken over. At most one of epochs, images, rounds and minutes; without any, the recipe's own length.
    `on_write_error` says what a full disk does: "stop" the training, or let it "continue" with what can be written.
    In processes that torchrun started all of them train one run, which rank 0 writes; `timeout`: seconds that they wait for one
    that does not come. Restarted by torchrun, they go on with the run that they had begun in `out`.
    Raises InputError for unusable input, NonFiniteError where training diverges, MachineError where the disk or the memory
    fails or a process is lost, Stopped (a KeyboardInterrupt) on Ctrl-C or SIGTERM; with the last one the run is saved, with the
    two before it its newest checkpoint is kept.
    """
    resolved = resolve(recipe, settings, data, epochs=epochs, images=images, rounds=rounds, minutes=minutes)
    launch, folder = Launch.of(), Path(out) if out is not None else None
    if launch.max_restarts and folder is None:
        raise InputError("torchrun --max-restarts needs --out DIR, where the restarted processes find their run")
    with joined_processes(launch, timeout, device, quiet) as (group, place, progress), ExitStack() as held:
        if folder is not None and launch.attempt and group.on_rank0(lambda: runs.has_begun(folder, launch.group)):
            return continue_run(open_run(group, folder), {}, on_write_error, group, place, progress)
        if folder is not None:
            group.on_rank0(lambda: runs.refuse_used(folder))
        engine, test = group.raise_together(lambda: build(resolved, seed, place, progress, group))

        def begin() -> tuple[Recorder, RoundInfo]:
            if start_from is not None:
                take_weights(engine, Run.open(start_from))
            facts = devices.describe(place) | {
                "processes": group.size,
                "launch": launch.group,
                "data_name": codec.encode(resolved.data)["name"],
                "data_fingerprint": engine.data.fingerprint(),
                "num_images": len(engine.data),
                "shape": list(engine.data.shape),
                "start_from": str(Run.open(start_from).path) if start_from is not None else None,
            }
            standard, path = quick_reference(resolved, place, progress), runs.place(folder, resolved, seed)
            held.enter_context(locks.held(path))
            remove_temporaries(path)
            recorder = Recorder(Run.create(path, resolved, seed, facts), engine, test, standard, progress.say, on_write_error)
            recorder.on_start()
            return recorder, START

        return run_to_end(*make_recorder(engine, test, begin), progress)
