"""Restoring a run to a checkpoint, on resume and on roll-back."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from sparring.config.non_finite import DivergenceError, RollBack
from sparring.config.schedules import RoundInfo
from sparring.runs import checkpoint, journal, rollback_points, scorebook, snapshots
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.follower import FollowerRank
from sparring.runs.recorder import Recorder
from sparring.runs.run import Run
from sparring.runs.steering import PlacedOrder, orders_in, pop_orders
from sparring.storage.files import remove
from sparring.training.gan import GAN
from sparring.training.loop import run_rounds


def restore_to(run: Run, gan: GAN, saved: Checkpoint | None) -> list[PlacedOrder]:
    """Restore a GAN and its run's files to a checkpoint, or the files alone to the start; returns the orders of the rounds that
    are played again, each with its round.

    Files written after the checkpoint will be written again.
    """
    orders = orders_in(run)
    recovery = checkpoint.recovery_path(run.path / "checkpoints")
    if recovery.exists() and not (saved and saved.path == recovery):
        remove(recovery)  # before the journal is truncated, to whose end it refers
    if saved:
        checkpoint.restore(saved, gan)
    round_ = saved.info.round if saved else 0
    journal.truncate_after(run.path / "journal.jsonl", saved.journal_bytes if saved else 0)
    scorebook.truncate_after(run.path, round_)
    checkpoint.quarantine(run.path / "checkpoints", round_)
    snapshots.remove_after(run.path / snapshots.FOLDER, round_)
    return orders[len(orders_in(run)) :]


def rounds(recorder: Recorder | FollowerRank, start: RoundInfo) -> Iterator[RoundInfo]:
    """The rounds of a run from `start` to its end; those after a roll-back are repeated.

    Raises DivergenceError where the recipe allows no roll-back, or no further one.
    """
    test = recorder.test if recorder.run.recipe.test_traces else None
    recover = partial(_roll_back, recorder)
    return run_rounds(recorder.engine, lambda: recorder.run.recipe.length, start, test, recorder.on_divergence, recover)


def _roll_back(recorder: Recorder | FollowerRank, error: DivergenceError, info: RoundInfo) -> RoundInfo:
    """Go back to the newest intact checkpoint; returns the round to go on from. Raises the error where the recipe allows none.

    The event is written after the checkpoint's length of the journal, so the checkpoint is written again to include it. A run
    that is killed before that resumes without the event, repeats the same rounds and diverges again.
    """
    run, policy = recorder.run, recorder.run.recipe.non_finite
    if isinstance(recorder, FollowerRank) or not isinstance(policy, RollBack):
        raise error
    done = recorder.divergences.actions["roll-back"]
    if done >= policy.at_most:
        raise DivergenceError(error.non_finite, info, f", after {done} roll-back{'s' * (done > 1)}")
    saved, problems = checkpoint.first_intact(rollback_points.paths(run.path / "checkpoints", recorder.engine))
    if saved is None:
        why = "; ".join(problems)
        raise DivergenceError(error.non_finite, info, f", and there is no intact checkpoint to go back to ({why})")
    _drop_later_stops(recorder, saved.info.round)
    recorder.cut_orders = [*restore_to(run, recorder.engine.gan, saved), *recorder.cut_orders]
    recorder.reset_from_journal(saved.info.round)
    for order in pop_orders(recorder.cut_orders, saved.info.round):
        recorder.steer(order, saved.info)
    for problem in problems:
        recorder.write("warning", round=saved.info.round, text=problem)
    see = recorder.log_divergence(error.non_finite, info, "roll-back")
    start = replace(saved.info, seconds=info.seconds)
    path = checkpoint.path_of(run.path / "checkpoints", start.round)
    checkpoint.write(path, recorder.engine.gan, start, recorder.journal.sync())
    done = recorder.divergences.actions["roll-back"]
    rates = f"learning rates times {policy.lr_factor**done:.3g} (roll-back {done} of at most {policy.at_most})"
    recorder.say(f"{error}; back to round {start.round} with {rates}{see}")
    return start


def _drop_later_stops(recorder: Recorder, round_: int) -> None:
    """Remove checkpoints after this round that were saved when the run was stopped; their rounds will be trained again.

    They are removed before the journal is truncated, whose end they refer to. A damaged roll-back point is quarantined later.
    """
    folder = recorder.run.path / "checkpoints"
    kept = rollback_points.paths(folder, recorder.engine)
    for path in checkpoint.paths(folder):
        if path not in kept and path > checkpoint.path_of(folder, round_):
            remove(path)
