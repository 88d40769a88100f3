"""Going back to a checkpoint: of a run that is resumed, and of one that rolls back."""

from collections.abc import Iterator
from dataclasses import replace

from sparring.config.non_finite import DivergenceError, RollBack
from sparring.config.schedules import Moment
from sparring.errors import InputError
from sparring.runs import checkpoint, journal, rollback_points, scorebook
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.follower import Attendant
from sparring.runs.recorder import Recorder
from sparring.runs.run import Run
from sparring.storage.files import remove
from sparring.training.gan import Match
from sparring.training.loop import play


def rewind(run: Run, match: Match, saved: Checkpoint | None) -> None:
    """Bring a match and its run's files back to a checkpoint, or the files alone to the very beginning.

    What was written after it will be written again.
    """
    if saved:
        checkpoint.restore(saved, match)
    round_ = saved.moment.round if saved else 0
    journal.cut(run.path / "journal.jsonl", saved.journal_bytes if saved else 0)
    scorebook.cut(run.path, round_)
    checkpoint.set_aside(run.path / "checkpoints", round_)


def moments(recorder: Recorder | Attendant, start: Moment) -> Iterator[Moment]:
    """The moments of a run from `start` to its end, those after a roll-back once more.

    Raises DivergenceError where the recipe's remedy does not help, or no more.
    """
    test = recorder.test if recorder.run.recipe.test_traces else None
    while True:
        try:
            return (yield from play(recorder.engine, recorder.run.recipe.length, start, test, recorder.excuse))
        except DivergenceError as error:  # of a round; what the recorder finds is not raised here
            start = _roll_back(recorder, error, error.moment or start)


def _roll_back(recorder: Recorder | Attendant, error: DivergenceError, moment: Moment) -> Moment:
    """Go back to the newest intact checkpoint; the moment to go on from. The error, where the recipe allows that no more.

    The line in the journal stands behind what the checkpoint counts as its own, so the checkpoint is written once more. A run
    that is killed before that resumes without the line, plays the same rounds, meets the same trouble, and comes here again.
    """
    run, remedy = recorder.run, recorder.run.recipe.non_finite
    if isinstance(recorder, Attendant) or not isinstance(remedy, RollBack):
        raise error
    done = recorder.troubles.helped["roll-back"]
    if done >= remedy.at_most:
        raise DivergenceError(error.trouble, moment, f", after {done} roll-back{'s' * (done > 1)}")
    saved, problems = _anchor(recorder)
    if saved is None:
        why = "; ".join(problems)
        raise DivergenceError(error.trouble, moment, f", and there is no intact checkpoint to go back to ({why})")
    _drop_later_stops(recorder, saved.moment.round)
    rewind(run, recorder.engine.match, saved)
    recorder.start_over(saved.moment.round)
    for problem in problems:
        recorder.journal.write("warning", round=saved.moment.round, text=problem)
    see = recorder.note(error.trouble, moment, "roll-back")
    start = replace(saved.moment, seconds=moment.seconds)
    path = checkpoint.path_of(run.path / "checkpoints", start.round)
    checkpoint.write(path, recorder.engine.match, start, recorder.journal.sync())
    done = recorder.troubles.helped["roll-back"]
    rates = f"learning rates times {remedy.lr_factor**done:.3g} (roll-back {done} of at most {remedy.at_most})"
    recorder.say(f"{error}; back to round {start.round} with {rates}{see}")
    return start


def _anchor(recorder: Recorder) -> tuple[Checkpoint | None, list[str]]:
    """The newest intact checkpoint to roll back to, and a sentence on each newer one that is not intact."""
    problems = []
    for path in rollback_points.paths(recorder.run.path / "checkpoints", recorder.engine):
        try:
            return checkpoint.read(path), problems
        except InputError as error:
            problems.append(str(error))
    return None, problems


def _drop_later_stops(recorder: Recorder, round_: int) -> None:
    """Remove what was saved after this round where somebody stopped the run: of rounds that are about to be played anew.

    It counts on more of the journal than will be left, so it goes first; a damaged anchor stays, to be set aside.
    """
    folder = recorder.run.path / "checkpoints"
    kept = rollback_points.paths(folder, recorder.engine)
    for path in checkpoint.paths(folder):
        if path not in kept and path > checkpoint.path_of(folder, round_):
            remove(path)
