"""What users call: train, resume, load. Here the loop meets the disk, the screen and the signals."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sparring import codec, data, devices, recipes, recovery, scores
from sparring.cadence import Every, Length, Moment
from sparring.data.sets import Dataset
from sparring.engine import Engine, own_torch_state
from sparring.errors import InputError, MachineError, NonFiniteError, SparringError
from sparring.files import sweep
from sparring.loop import play
from sparring.progress import Progress
from sparring.recipe import Recipe
from sparring.remedies import DivergenceError
from sparring.run import checkpoint, lock, sums
from sparring.run import run as runs
from sparring.run.generator import Generator
from sparring.run.recorder import Ending, OnWriteError, Recorder
from sparring.run.run import Run
from sparring.scores import Score, Standard
from sparring.signals import Stop

START = Moment(round=0, images=0, epoch=1, seconds=0.0)


class Stopped(KeyboardInterrupt):
    """Training was stopped from outside; the run is saved. `exit_status` is the shell's convention for the signal."""

    def __init__(self, run: Run, number: signal.Signals):
        super().__init__(f"stopped; go on with `sparring resume {run.path}`")
        self.run, self.exit_status = run, 128 + number


@dataclass(frozen=True)
class Result:
    """What `sparring train --json` prints."""

    run: str
    recipe: str
    rounds: int
    images: int
    epochs: float
    seconds: float
    images_per_second: float
    g_loss: float
    d_loss: float
    grid: str | None
    animation: str | None
    quick_score: Score | None


def resolve(
    recipe: str | Recipe,
    settings: Mapping[str, str] | None = None,
    data_name: str | None = None,
    **lengths: float | None,
) -> Recipe:
    """A recipe, on another data set, with overrides by dotted name, and of another length."""
    resolved = recipes.get(recipe) if isinstance(recipe, str) else recipe
    if data_name is not None:
        resolved = replace(resolved, data=data.resolve(data_name))
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
) -> Run:
    """Train a recipe from its start; returns the run, saved on disk.

    `settings` override fields of the recipe by dotted name, as texts: {"optim.lr": "1e-4"}. `start_from` names a run whose
    weights are taken over. At most one of epochs, images, rounds and minutes; without any, the recipe's own length.
    `on_write_error` says what a full disk does: "stop" the training, or let it "continue" with what can be written.
    Raises InputError for unusable input, NonFiniteError where training diverges, MachineError where the disk or the memory
    fails, Stopped (a KeyboardInterrupt) on Ctrl-C or SIGTERM; with the last one the run is saved, with the two before it its
    newest checkpoint is kept.
    """
    resolved = resolve(recipe, settings, data, epochs=epochs, images=images, rounds=rounds, minutes=minutes)
    place, path = devices.resolve(device), runs.place(out, resolved, seed)
    with Progress(quiet) as progress, own_torch_state(place):
        engine, test = build(resolved, seed, place, progress)
        if start_from is not None:
            take_weights(engine, Run.open(start_from))
        facts = devices.describe(place) | {
            "data_name": codec.encode(resolved.data)["name"],
            "data_fingerprint": engine.data.fingerprint(),
            "num_images": len(engine.data),
            "shape": list(engine.data.shape),
            "start_from": str(Run.open(start_from).path) if start_from is not None else None,
        }
        standard = judge(resolved, place, progress)
        with lock.held(path):
            sweep(path)
            run = Run.create(path, resolved, seed, facts)
            recorder = Recorder(run, engine, test, standard, progress.say, on_write_error)
            recorder.start()
            return _play(recorder, START, progress)


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
) -> Run:
    """Go on where a run stopped, bit for bit on the CPU; a new length extends (or ends) it.

    A run that was killed before its first checkpoint begins anew. Raises as `train`; InputError where no intact checkpoint is
    left, the data are not those that it was trained on, or another process trains it.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    recipe = with_length(run.recipe, epochs=epochs, images=images, rounds=rounds, minutes=minutes)
    with lock.held(run.path):
        return _resume(run, recipe, devices.resolve(device), on_write_error, quiet)


def _resume(run: Run, recipe: Recipe, place: torch.device, on_write_error: OnWriteError, quiet: bool) -> Run:
    """As `resume`, in a folder that is this process's own."""
    sweep(run.path)
    for folder in (run.path, run.path / "generator"):
        sums.mend(folder)
    with Progress(quiet) as progress, own_torch_state(place):
        saved, problems = run.resumption()
        start = saved.moment if saved else START
        for problem in problems:
            progress.say(f"{problem}; going on from round {start.round}")
        if saved:
            checkpoint.check_fits(
                saved, run.recipe, run.shape, str(run.path)
            )  # before memory is taken for what the recipe says
        engine, test = build(run.recipe, run.seed, place, progress)
        if engine.data.fingerprint() != run.facts.get("data_fingerprint"):
            raise InputError(f"{run.path} was trained on other data than {run.recipe.data} now holds; train anew instead")
        standard = judge(recipe, place, progress)
        recovery.rewind(run, engine.match, saved)
        recorder = Recorder(
            run.with_recipe(recipe), engine, test, standard, progress.say, on_write_error, start.round if saved else -1
        )
        if not saved:
            recorder.start()
        del saved  # a second copy of the whole state
        now = devices.describe(place)
        doubts = [*run.damage(), *_changes(run.facts, now)]
        for doubt in doubts:
            progress.say(doubt)
        for text in (*problems, *doubts):
            recorder.journal.write("warning", round=start.round, text=text)
        recorder.journal.write("resume", round=start.round, length=str(recipe.length), **now)
        if recorder.saved_round == start.round:
            recorder.publish(start)  # a kill may have come between
        return _play(recorder, start, progress)


def _changes(facts: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is no longer as it was when the run began, and keeps it from being exactly the run that never stopped."""
    return [
        f"{name} was {facts[name]} and is {value} now: what follows equals the run that never stopped within rounding only"
        for name, value in now.items()
        if facts.get(name, value) != value
    ]


def is_complete(run: Run, length: Length) -> bool:
    """Whether a run has ended, and has reached this length."""
    events, last = list(run.journal()), _last_place(run)
    if last is None or events[-1]["event"] != "end":
        return False
    moment = Moment(last["round"], last["images"], last["epoch"], last["seconds"])
    return length.share(moment, run.num_images) >= 1


def load(path: str | Path | Run) -> Run | Generator:
    """A run, or the generator in one of its checkpoints or in a hub folder (such as a run's `generator/`).

    All have `sample(num, seed)`.
    """
    if isinstance(path, Run):
        return path
    if Path(path).suffix == ".safetensors":
        return Run.of_checkpoint(Path(path)).generator_of(checkpoint.read(Path(path)))
    if (Path(path) / "config.json").is_file():
        return Generator.open(Path(path))
    return Run.open(path)


def build(recipe: Recipe, seed: int, device: torch.device, progress: Progress) -> tuple[Engine, Dataset]:
    """The engine of a recipe, and its test images."""
    train_set, test = recipe.data.train(progress.transfer), recipe.data.test(progress.transfer)
    return Engine.build(recipe, train_set, seed, device), test


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
    for side, player in (("generator", engine.match.generator), ("discriminator", engine.match.discriminator)):
        prefix = f"{side}.network"
        given = {name: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        checkpoint.load(checkpoint.network_tensors(prefix, player.network), given)


def result(run: Run) -> Result:
    """A run in numbers, from its journal."""
    rounds = run.rounds()
    if not rounds:
        raise InputError(f"{run.path} has no rounds in its journal yet")
    last = rounds[-1]
    place = _last_place(run) or last
    frames = run.frames()
    animation = run.path / "training.gif"
    return Result(
        run=str(run.path),
        recipe=run.recipe.name,
        rounds=place["round"],
        images=place["images"],
        epochs=place["images"] / run.num_images,
        seconds=place["seconds"],
        images_per_second=place["images"] / place["seconds"],
        g_loss=last["g_loss"],
        d_loss=last["d_loss"],
        grid=str(frames[-1]) if frames else None,
        animation=str(animation) if animation.exists() else None,
        quick_score=_newest_quick(run),
    )


def _last_place(run: Run) -> Mapping[str, Any] | None:
    """The newest event that tells how far the run has come: a round that was read, or one that was skipped."""
    events = [e for e in run.journal() if e["event"] == "round" or (e["event"] == "non-finite" and e["remedy"] == "skip")]
    return events[-1] if events else None


def _newest_quick(run: Run) -> Score | None:
    """The headline of the quick score taken last."""
    taken = [evaluation for evaluation in run.scores() if evaluation.quick]
    return taken[-1].scores[0] if taken else None


def rehearse(
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    start_from: str | Path | None = None,
    quiet: bool = False,
    rounds: int = 3,
) -> dict[str, Any]:
    """Build everything, play a few rounds, write nothing: parameters, memory, and the time to expect."""
    place = devices.resolve(device)
    read_every_round = replace(recipe, journal=Every(rounds=1))  # a reading waits for the device to be done
    with Progress(quiet) as progress, own_torch_state(place):
        engine, _ = build(read_every_round, seed, place, progress)
        if start_from is not None:
            take_weights(engine, Run.open(start_from))
        *_, before, last = play(engine, Length(rounds=rounds), START)
    seconds_per_round = last.seconds - before.seconds  # the first rounds warm up
    share = recipe.length.share(last, len(engine.data))
    generator, discriminator = engine.match.networks
    return {
        "recipe": recipe.name,
        "device": str(place),
        "generator_parameters": sum(p.numel() for p in generator.parameters()),
        "discriminator_parameters": sum(p.numel() for p in discriminator.parameters()),
        "peak_memory_mib": devices.peak_memory_mib(place),
        "ms_per_round": 1000 * seconds_per_round,
        "length": str(recipe.length),
        "seconds_to_expect": rounds / share * seconds_per_round,
    }


def _play(recorder: Recorder, start: Moment, progress: Progress) -> Run:
    """Play to the end, or until somebody stops it; the run is saved either way."""
    run, engine, moment = recorder.run, recorder.engine, start
    with Stop() as stop:
        progress.begin(run, start, len(engine.data))
        try:
            if start.round == 0 and recorder.saved_round < 0:
                recorder.see(start)
            for moment in recovery.moments(recorder, start):
                recorder.see(moment)
                progress.see(moment)
                if stop.requested:
                    break
            stopped = stop.requested if not moment.last else None
            if stopped:
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
            with suppress(MachineError):
                recorder.journal.write("end", round=moment.round, ending="machine", seconds=moment.seconds, reason=reason)
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
