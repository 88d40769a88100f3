"""Resume: go on where a run stopped."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sparring.api import arguments
from sparring.api.own import Parts, require_parts, require_place
from sparring.api.resolve import with_length
from sparring.api.session import TIMEOUT, Options, Session, joined_processes, run_to_end
from sparring.config import devices
from sparring.config.schedules import START, Duration, RoundInfo
from sparring.data import Data, InMemoryData
from sparring.distributed.launch import Launch
from sparring.errors import InputError
from sparring.losses import LossFunction
from sparring.recipe import Recipe
from sparring.runs import checkpoint, journal, replay, roll_back, steering
from sparring.runs.follower import make_recorder, open_run
from sparring.runs.recorder import OnWriteError, Recorder
from sparring.runs.run import Run
from sparring.storage import checksums, locks
from sparring.storage.files import remove_temporaries
from sparring.training.capture import EngineName


def resume(
    run: str | Path | Run,
    *,
    data: str | Path | Data | None = None,
    generator: nn.Module | None = None,
    discriminator: nn.Module | None = None,
    loss: LossFunction | None = None,
    epochs: int | None = None,
    images: int | None = None,
    rounds: int | None = None,
    minutes: float | None = None,
    device: str | torch.device = "auto",
    engine: EngineName = "auto",
    threads: int | None = None,
    observers: Sequence[object] = (),
    patience: int | None = None,
    on_write_error: OnWriteError = "stop",
    quiet: bool = False,
    timeout: float = TIMEOUT,
    steer: bool = True,
) -> Run:
    """Go on where a run stopped, bit for bit on the CPU; a new length extends (or ends) it.

    run: a run, its folder, or "latest".
    data: the data that the run was trained on, where they have moved, or where they are of your own.
    generator, discriminator, loss: the modules and the function of your own that it was trained with; the weights come from
        the run. A run that is still in memory, as `train` returned it, has them all.
    epochs, images, rounds, minutes: the new length, at most one of them; by default what is left of the run's own.
    device, engine, on_write_error, quiet, timeout: as for `train`.
    threads: to compute with; by default those that it was trained with.
    observers, patience, steer: as for `train`; a run does not remember those that it had, but whether it is deterministic.

    A run that was killed before its first checkpoint and in its first minute begins anew; with another number of processes than
    before it goes on within rounding. Raises as `train`; InputError where no intact checkpoint is left, another process trains
    the run, or data, modules or function are missing or not those that it was trained with.
    """
    options = Options(device, engine, threads, observers, patience, on_write_error, timeout, quiet, steer)
    parts = Parts(data, generator, discriminator, loss)
    lengths = arguments.lengths(epochs=epochs, images=images, rounds=rounds, minutes=minutes)
    if isinstance(run, Run):
        parts = parts.beside(Parts.of(run.recipe))
    with joined_processes(Launch.of(), options) as session:
        return continue_run(session, open_run(session.group, run), parts, lengths)


def continue_run(session: Session, run: Run, parts: Parts, lengths: Mapping[str, float | None]) -> Run:
    """Go on with a run, in all processes of a session."""
    options, group, progress = session.options, session.group, session.progress
    kept = run.recipe.data
    run = replace(run, recipe=parts.return_to(run.recipe, str(run.path)))
    require_parts(run.recipe, f"sparring.resume({str(run.path)!r}, ")
    require_place(run.recipe.data, str(run.path))
    recipe = with_length(run.recipe, **lengths)
    found: list[checkpoint.Checkpoint | None] = []
    problems: list[str] = []
    with ExitStack() as held, devices.deterministic(run.facts.get("deterministic", False), session.device):

        def claim() -> None:
            held.enter_context(locks.run_lock(run.path))
            remove_temporaries(run.path)
            for folder in (run.path, run.path / "generator"):
                checksums.repair(folder)
            saved, damaged = run.resume_point()
            if saved:
                checkpoint.check_fits(saved, run.recipe, run.shape, str(run.path))  # before memory is taken for it
            found.append(saved)
            problems.extend(damaged)

        group.on_rank0(claim)
        built, test = session.build(recipe, run.seed, run.facts.get("threads"))

        def begin() -> tuple[Recorder, RoundInfo]:
            saved = found.pop()
            start = saved.info if saved else START
            for problem in problems:
                progress.say(f"{problem}; going on from round {start.round}")
            same_test = not isinstance(kept, InMemoryData) or kept.test_fingerprint == test.fingerprint()
            if built.data.fingerprint() != run.facts.get("data_fingerprint") or not same_test:
                raise InputError(f"{run.path} was trained on other data than {recipe.data} now holds; train anew instead")
            progress.say(f"{run.path} {_how(saved, recipe.length, len(built.data))}")
            reference = session.reference(recipe, run.facts)
            stopped = {"after": "patience"} if _ended_by_patience(run, start.round) else {}
            lengths_before = steering.lengths_in(run)
            cut_orders = roll_back.restore_to(run, built.gan, saved)
            if saved:
                built.recipe = replace(built.recipe, z=run.recipe.z)  # with the shares of clusters that were restored
            if recipe.length != run.recipe.length:  # what the user asks for now counts
                cut_orders = [placed for placed in cut_orders if steering.length_in(placed[1]) is None]
            elif before := steering.length_before(lengths_before, cut_orders):
                built.recipe = replace(built.recipe, length=before)
            recorder = Recorder(run.with_recipe(built.recipe), built, test, reference, progress.say, options.on_write_error)
            recorder.cut_orders = replay.to_come(run, cut_orders)
            is_checkpoint = saved is not None and saved.path in checkpoint.paths(run.path / "checkpoints")
            if is_checkpoint:
                recorder.saved_round = start.round
            if not saved:
                recorder.log_start()
            now = session.describe(built)
            doubts = [*run.damage(), *changes({"processes": 1} | run.facts, now), *_changed_schedules(run.recipe, recipe)]
            for doubt in doubts:
                progress.say(doubt)
            for text in (*problems, *doubts):
                recorder.journal.write("warning", round=start.round, text=text)
            recorder.journal.write("resume", round=start.round, length=str(built.recipe.length), **now, **stopped)
            if is_checkpoint:
                recorder.export_generator(start)  # a kill may have come between
            return recorder, start

        return run_to_end(session, *make_recorder(built, test, begin, bool(options.observers)))


def _how(saved: checkpoint.Checkpoint | None, length: Duration, num_images: int) -> str:
    """How a run goes on, as the rest of a sentence about it."""
    if saved is None:
        return "begins anew, for it was stopped before its first checkpoint"
    if length.fraction_done(saved.info, num_images) >= 1:
        return f"is past {length} already, so nothing is trained; a greater length extends it"
    return f"goes on from round {saved.info.round}"


def changes(facts: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """A sentence on each changed circumstance that keeps the run from being exactly the one that never stopped."""
    return [
        f"{name} was {facts[name]} and is {value} now: what follows equals the run that never stopped within rounding only"
        for name, value in now.items()
        if facts.get(name, value) != value
    ]


def _ended_by_patience(run: Run, round_: int) -> bool:
    """True if --patience stopped the run in this round, and it has been resumed no further than that."""
    lines = journal.read_intact(run.path / "journal.jsonl")
    return any(line.get("ending", line.get("after")) == "patience" and line.get("round") == round_ for line in lines)


def _changed_schedules(before: Recipe, now: Recipe) -> list[str]:
    """A sentence where schedules follow the run's length, and that has changed."""
    ramps = [ramp.of for ramp in now.ramps if ramp.images is None]
    if not ramps or before.length == now.length:
        return []
    return [f"the ramp of {' and '.join(ramps)} follows the new length of {now.length}: from here on it is another schedule"]
