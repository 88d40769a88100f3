"""Train and resume: here the loop meets the disk, the screen and the signals."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from sparring import codec, data, devices, recipes, recovery, scores
from sparring.cadence import Length, Moment
from sparring.data.sets import Dataset
from sparring.engine import Engine, own_torch_state
from sparring.engine.ranks import joined
from sparring.engine.solo import Solo
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.files import sweep
from sparring.launch import Launch
from sparring.progress import Progress
from sparring.recipe import Recipe
from sparring.remedies import DivergenceError
from sparring.run import checkpoint, lock, sums
from sparring.run import run as runs
from sparring.run.attendant import Attendant, opened, seated
from sparring.run.recorder import Ending, OnWriteError, Recorder
from sparring.run.run import Run
from sparring.scores import Standard
from sparring.signals import Stop

TIMEOUT = 600.0  # seconds
START = Moment(round=0, images=0, epoch=1, seconds=0.0)


class Stopped(KeyboardInterrupt):
    """Training was stopped from outside; the run is saved. `exit_status` is the shell's convention for the signal."""

    def __init__(self, run: Run, number: signal.Signals):
        super().__init__(f"stopped; go on with `sparring resume {run.path}`")
        self.run, self.exit_status = run, 128 + number


def resolve(
    recipe: str | Recipe,
    settings: Mapping[str, str] | None = None,
    data_name: str | None = None,
    **lengths: float | None,
) -> Recipe:
    """A recipe, on another data set, with overrides by dotted name, and of another length."""
    resolved = recipes.get(recipe) if isinstance(recipe, str) else recipe
    if data_name is not None:
        resolved = replace(resolved, data=data.resolve(data_name, resolved.data))
    return with_length(codec.override(resolved, settings or {}), **lengths)


def with_length(recipe: Recipe, **lengths: float | None) -> Recipe:
    """The recipe with the length that is given, if one is; InputError for two or for one that is not above 0."""
    given: dict[str, Any] = {name: number for name, number in lengths.items() if number is not None}
    return replace(recipe, length=Length(**given)) if given else recipe


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
    with _company(launch, timeout, device, quiet) as (ranks, place, progress), ExitStack() as held:
        if folder is not None and launch.attempt and ranks.first(lambda: runs.has_begun(folder, launch.group)):
            return _go_on(opened(ranks, folder), {}, on_write_error, ranks, place, progress)
        if folder is not None:
            ranks.first(lambda: runs.refuse_used(folder))
        engine, test = ranks.agree(lambda: build(resolved, seed, place, progress, ranks))

        def begin() -> tuple[Recorder, Moment]:
            if start_from is not None:
                take_weights(engine, Run.open(start_from))
            facts = devices.describe(place) | {
                "processes": ranks.size,
                "launch": launch.group,
                "data_name": codec.encode(resolved.data)["name"],
                "data_fingerprint": engine.data.fingerprint(),
                "num_images": len(engine.data),
                "shape": list(engine.data.shape),
                "start_from": str(Run.open(start_from).path) if start_from is not None else None,
            }
            standard, path = judge(resolved, place, progress), runs.place(folder, resolved, seed)
            held.enter_context(lock.held(path))
            sweep(path)
            recorder = Recorder(Run.create(path, resolved, seed, facts), engine, test, standard, progress.say, on_write_error)
            recorder.start()
            return recorder, START

        return _play(*seated(engine, test, begin), progress)


def resume(
    run: str | Path | Run,
    *,
    epochs: int | None = None,
    images: int | None = None,
    rounds: int | None = None,
    minutes: float | None = None,
    device: str = "auto",
    on_write_error: OnWriteError = "stop",
    quiet: bool = False,
    timeout: float = TIMEOUT,
) -> Run:
    """Go on where a run stopped, bit for bit on the CPU; a new length extends (or ends) it.

    A run that was killed before its first checkpoint begins anew; with another number of processes than before it goes on
    within rounding. Raises as `train`; InputError where no intact checkpoint is left, the data are not those that it was
    trained on, or another process trains it.
    """
    lengths = {"epochs": epochs, "images": images, "rounds": rounds, "minutes": minutes}
    with _company(Launch.of(), timeout, device, quiet) as (ranks, place, progress):
        return _go_on(opened(ranks, run), lengths, on_write_error, ranks, place, progress)


def _go_on(
    run: Run,
    lengths: Mapping[str, float | None],
    on_write_error: OnWriteError,
    ranks: Solo,
    place: torch.device,
    progress: Progress,
) -> Run:
    """As `resume`, in company."""
    recipe = with_length(run.recipe, **lengths)
    found: list[checkpoint.Checkpoint | None] = []
    problems: list[str] = []
    with ExitStack() as held:

        def claim() -> None:
            held.enter_context(lock.held(run.path))
            sweep(run.path)
            for folder in (run.path, run.path / "generator"):
                sums.mend(folder)
            saved, damaged = run.resumption()
            if saved:
                checkpoint.check_fits(saved, run.recipe, run.shape, str(run.path))  # before memory is taken for it
            found.append(saved)
            problems.extend(damaged)

        ranks.first(claim)
        engine, test = ranks.agree(lambda: build(recipe, run.seed, place, progress, ranks))

        def begin() -> tuple[Recorder, Moment]:
            saved = found.pop()
            start = saved.moment if saved else START
            for problem in problems:
                progress.say(f"{problem}; going on from round {start.round}")
            if engine.data.fingerprint() != run.facts.get("data_fingerprint"):
                raise InputError(f"{run.path} was trained on other data than {run.recipe.data} now holds; train anew instead")
            standard = judge(recipe, place, progress)
            recovery.rewind(run, engine.match, saved)
            recorder = Recorder(run.with_recipe(recipe), engine, test, standard, progress.say, on_write_error)
            if saved:
                recorder.saved_round = start.round
            else:
                recorder.start()
            now = devices.describe(place) | {"processes": ranks.size}
            doubts = [*run.damage(), *_changes({"processes": 1} | run.facts, now), *_stretched(run.recipe, recipe)]
            for doubt in doubts:
                progress.say(doubt)
            for text in (*problems, *doubts):
                recorder.journal.write("warning", round=start.round, text=text)
            recorder.journal.write("resume", round=start.round, length=str(recipe.length), **now)
            if saved:
                recorder.publish(start)  # a kill may have come between
            return recorder, start

        return _play(*seated(engine, test, begin), progress)


@contextmanager
def _company(launch: Launch, timeout: float, device: str, quiet: bool) -> Iterator[tuple[Solo, torch.device, Progress]]:
    """Within the block the processes of a launch are together; each has its device, and the first shows the progress."""
    with joined(launch, timeout) as ranks, Progress(quiet or not ranks.is_first) as progress:
        place = ranks.place(lambda: devices.resolve(device))
        with own_torch_state(place):
            yield ranks, place, progress


def _changes(facts: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is no longer as it was when the run began, and keeps it from being exactly the run that never stopped."""
    return [
        f"{name} was {facts[name]} and is {value} now: what follows equals the run that never stopped within rounding only"
        for name, value in now.items()
        if facts.get(name, value) != value
    ]


def _stretched(before: Recipe, now: Recipe) -> list[str]:
    """What another length does to ramps that follow it."""
    ramps = [ramp.of for ramp in now.ramps if ramp.images is None]
    if not ramps or before.length == now.length:
        return []
    return [f"the ramp of {' and '.join(ramps)} follows the new length of {now.length}: from here on it is another schedule"]


def build(
    recipe: Recipe, seed: int, device: torch.device, progress: Progress, ranks: Solo | None = None
) -> tuple[Engine, Dataset]:
    """The engine of a recipe, and its test images. `ranks`: who trains, this process alone by default."""
    train_set, test = recipe.data.train(progress.transfer), recipe.data.test(progress.transfer)
    return Engine.build(recipe, train_set, seed, device, ranks), test


def judge(recipe: Recipe, device: torch.device, progress: Progress) -> Standard | None:
    """What the quick scores of a run are taken against; None where the recipe wants none, or no yardstick knows the data."""
    if recipe.review is None:
        return None
    standard = scores.standard_for(recipe.data, device, progress=progress.step)
    if standard:
        scores.floor(standard, scores.QUICK, quick=True)  # now, so that no review waits for the real side
    else:
        progress.say(
            "there are no scores, for no yardstick was trained on these data; `sparring extractor train` makes one from labels"
        )
    return standard


def take_weights(engine: Engine, run: Run) -> None:
    """Start from the weights of another run of the same networks; optimisers start anew."""
    tensors = run.newest_checkpoint()[0].tensors
    for side, network in zip(("generator", "discriminator"), engine.match.networks, strict=True):
        prefix = f"{side}.network"
        given = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        checkpoint.load(checkpoint.network_tensors(prefix, network), given)
    if engine.match.averaged:
        checkpoint.load(engine.match.averaged.state_dict(), engine.match.generator.network.state_dict())
    if engine.match.constraint:
        engine.match.constraint.enforce(engine.match.discriminator.network)


def _play(recorder: Recorder | Attendant, start: Moment, progress: Progress) -> Run:
    """Play to the end, or until somebody stops it; the run is saved either way."""
    run, engine, moment = recorder.run, recorder.engine, start
    ranks = engine.ranks
    with Stop(patient=ranks.size > 1) as stop:
        ranks.wish = lambda: stop.requested or 0
        progress.begin(run, start, len(engine.data))
        try:
            if start.round == 0 and recorder.saved_round < 0:
                recorder.see(start)
            for moment in recovery.moments(recorder, start):
                recorder.see(moment)
                progress.see(moment)
                if ranks.stop:
                    break
            ranks.meet()  # for the last time: what comes now is the first one's alone
            stopped = signal.Signals(ranks.stop) if ranks.stop and not moment.last else None
            if stopped:
                stop.requested = stopped  # whichever process it came to
                recorder.save(moment)
            recorder.end(moment, _ENDINGS[stopped])
        except DivergenceError as error:
            recorder.note(error.trouble, error.moment or moment, "stop")
            recorder.end(moment, "non-finite", reason=str(error))
            raise NonFiniteError(f"{error}; {_kept(run)}") from None
        except (MachineError, InputError, MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not devices.is_out_of_memory(error):
                raise
            reason = str(error) if isinstance(error, SparringError) else devices.TOO_LITTLE_MEMORY
            recorder.fail(moment, reason)
            kind = InputError if isinstance(error, InputError) else MachineError
            raise kind(f"{reason}; {_kept(run)}") from error
        if stopped:
            raise Stopped(run, stopped)
    return replace(run)  # with nothing cached of the time before


_ENDINGS: Mapping[signal.Signals | None, Ending] = {
    None: "finished",
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
}


def _kept(run: Run) -> str:
    saved = checkpoint.paths(run.path / "checkpoints")
    return f"the last good checkpoint is kept: {saved[0]}" if saved else "no checkpoint had been saved yet"
