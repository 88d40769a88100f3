"""Replay: a recorded run, steered or not, from its start, with the same bits."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from sparring.api.origin import Origin
from sparring.api.own import Parts, require_parts, require_place
from sparring.api.resume import changes
from sparring.api.session import Options, joined_processes, run_to_end
from sparring.config import devices
from sparring.config.schedules import START, RoundInfo
from sparring.distributed.launch import Launch
from sparring.errors import InputError
from sparring.runs import run as runs
from sparring.runs.folders import default_folder
from sparring.runs.follower import make_recorder, open_run
from sparring.runs.recorder import Recorder
from sparring.runs.replay import Recording
from sparring.runs.run import Run
from sparring.storage import locks


def play_again(
    place: str | Path, name: str | None, rounds: int | None, out: Path | None, parts: Parts, options: Options
) -> Run:
    """Play the run in this folder again, its first so many rounds or all, as a run of its own; returns that.

    Every order that it followed acts at its round again; pause and slow motion do nothing. `name`: of its recipe, if the user
    gives one. `parts`: data that have moved, and parts of a program's own. Raises as `train`, and InputError for a run of
    another recipe, where other data are there now, and where its parent's checkpoint is no longer there.
    """
    with joined_processes(Launch.of(), options) as session, ExitStack() as held:
        group, progress = session.group, session.progress
        source = open_run(group, place)
        if name not in (None, source.recipe.name):
            raise InputError(f"{source.path} is a run of {source.recipe.name}, not of {name}; leave the recipe out")
        recipe = parts.return_to(source.recipe, str(source.path))
        require_parts(recipe, f"sparring.train(replay={str(source.path)!r}, ")
        require_place(recipe.data, str(source.path))
        said = group.on_rank0(lambda: Recording.of(source).until(rounds).facts)
        recording = Recording.in_facts(said)
        assert recording is not None
        held.enter_context(devices.deterministic(source.facts.get("deterministic", False), session.device))
        if out is not None:
            group.on_rank0(lambda: runs.require_empty(out))
        built, test = session.build(replace(recipe, length=recording.length), source.seed, source.facts.get("threads"))

        def begin() -> tuple[Recorder, RoundInfo]:
            if built.data.fingerprint() != source.facts.get("data_fingerprint"):
                raise InputError(f"{source.path} was trained on other data than {recipe.data} now holds; name them with --data")
            origin = Origin.again(source)
            if origin is not None:
                origin.load_into(built)
            for doubt in changes({"processes": 1} | source.facts, session.describe(built)):
                progress.say(doubt)
            facts = session.facts(built, origin, Launch.of().group) | _kept(source.facts) | said
            reference = session.reference(recipe, source.facts)
            default = default_folder(f"{recipe.name}-seed{source.seed}-replay")
            path = held.enter_context(locks.run_lock(out) if out is not None else locks.new_run_lock(default))
            recorder = session.begin_run(path, built, test, reference, facts, progress.say)
            recorder.cut_orders = [*recording.orders]
            return recorder, START

        return run_to_end(session, *make_recorder(built, test, begin, bool(options.observers)))


def _kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a replay says of itself as the run does."""
    return {name: facts[name] for name in ("settings", "deterministic") if name in facts}
