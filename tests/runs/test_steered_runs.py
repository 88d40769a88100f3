"""Runs that are steered from outside: each order acts, and a resumed and a replayed run have the same bits."""

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import sparring
from sparring.api.session import TrainingStopped
from sparring.errors import InputError
from sparring.runs import checkpoint, inbox, orders
from sparring.runs.orders import send
from sparring.runs.replay import Recording
from tiny import SETTINGS

TINY = SETTINGS["ring"] | {
    "journal": '{"rounds": 5}',
    "checkpoint": '{"rounds": 8}',
    "keep_checkpoints": "3",
    "pictures": '[{"name": "fixed-grid", "rows": 4, "columns": 4, "every": {"rounds": 10}}]',
    "augment": '{"name": "instance-noise", "std": 0.1}',
    "review": '{"rounds": 1000}',
}
PLAN = {
    2: [{"order": "factor", "of": "g_lr", "value": 0.5}, {"order": "factor", "of": "gamma", "value": 2.0}],
    3: [{"order": "picture"}, {"order": "slow", "ms": 1}],
    5: [{"order": "moves", "g": 2, "d": 1}, {"order": "factor", "of": "strength", "value": 0.5}],
    7: [{"order": "only", "side": "g", "rounds": 2}, {"order": "rounds", "rounds": 2}],
    9: [{"order": "go"}, {"order": "checkpoint"}],
    11: [{"order": "extend", "rounds": 26}, {"order": "slow", "ms": 0}],
    13: [{"order": "release", "of": "moves"}, {"order": "release", "of": "gamma"}, {"order": "extend", "rounds": 12}],
    16: [{"order": "score"}, {"order": "factor", "of": "d_lr", "value": 0.0}],
    24: [{"order": "stop"}],
}
"""By the round after which they are sent."""
ROUNDS = 20
SHORT = 1e-4  # seconds between two looks: less than a round takes


class Sender(sparring.Observer):
    """Sends the orders of the rounds after `after`, and copies the run, as a kill would leave it, at some rounds."""

    def __init__(self, after: int = 0, copies: dict[int, Path] | None = None):
        self._after, self._copies = after, copies or {}

    def on_round(self, event):
        if event.round in self._copies:
            shutil.copytree(event.run.path, self._copies[event.round])
        for order in PLAN.get(event.round, []) if event.round > self._after else []:
            send(event.run.path, order)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Orders act at the end of the round in which they come."""
    monkeypatch.setattr(inbox, "PERIOD", SHORT)


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[int, Path]:
    """A steered run, as 0, and copies of it as it was when a round ended."""
    folder = tmp_path_factory.mktemp("steered")
    copies = {round_: folder / f"killed{round_}" for round_ in (6, 12, 18)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inbox, "PERIOD", SHORT)
        steered = sparring.train(
            "ring", rounds=ROUNDS, out=folder / "whole", settings=TINY, quiet=True, observers=[Sender(copies=copies)]
        )
    return {0: steered.path} | copies


def lines(run: Path, *without: str) -> list[dict]:
    """The journal without times, and without what a resume adds."""
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    kept = [event for event in events if event["event"] not in ("resume", "start", *without)]
    return [{name: value for name, value in event.items() if name != "seconds"} for event in kept]


def assert_same(one: Path, other: Path, *without: str) -> None:
    """Weights, pictures and journals are the same."""
    assert lines(one, *without) == lines(other, *without)
    pictures = [{file.name: file.read_bytes() for file in (run / "samples").iterdir()} for run in (one, other)]
    assert pictures[0] == pictures[1]
    mine, theirs = (sparring.Run.open(run).newest_checkpoint()[0] for run in (one, other))
    assert (mine.info.round, mine.clocks) == (theirs.info.round, theirs.clocks)
    assert all(mine.tensors[name].equal(theirs.tensors[name]) for name in theirs.tensors)


def test_every_order_is_in_the_journal_and_acts(runs):
    events = lines(runs[0])
    steered = [event for event in events if event["event"] == "steer"]
    given = [(round_, order) for round_, of_round in PLAN.items() for order in of_round]
    plain = [{name: v for name, v in event.items() if name not in ("event", "number", "refused")} for event in steered]
    assert plain == [{"round": round_} | order for round_, order in given]
    assert [event["number"] for event in steered] == [*range(1, len(given) + 1)]
    assert [event["refused"] for event in steered if "refused" in event] == ["the run is past 12 rounds already; stop ends it"]
    images = {event["round"]: event["images"] for event in events if event["event"] == "round"}
    assert images == {5: 5 * 2 * 64, 10: (5 * 2 + 5) * 64, 15: (5 * 2 + 8 + 2 * 2) * 64, 20: 32 * 64, 24: 40 * 64}
    after = [
        events[index + 1]["event"] for index, event in enumerate(events[:-1]) if event.get("order") in ("picture", "score")
    ]
    assert after == ["sample", "score"]
    assert events[-1] == {"event": "end", "round": 24, "ending": "stopped"}
    assert {"event": "checkpoint", "round": 9, "file": "checkpoints/round_00000009.safetensors"} in events
    assert sparring.Run.open(runs[0]).recipe.length.rounds == 26
    assert not (runs[0] / orders.FILE).exists()


def test_sides_step_as_ordered(tmp_path):
    class Both(sparring.Observer):
        def on_round(self, event):
            event.save_checkpoint()
            if event.round == 1:
                send(event.run.path, {"order": "only", "side": "d", "rounds": 1})
            if event.round == 3:
                send(event.run.path, {"order": "only", "side": "g", "rounds": 1})

    settings = TINY | {"keep_checkpoints": "10"}
    run = sparring.train("ring", rounds=4, out=tmp_path / "run", settings=settings, quiet=True, observers=[Both()])
    saved = [checkpoint.read(path).tensors for path in reversed(checkpoint.paths(run.path / "checkpoints"))]
    moved = [{name.partition(".")[0] for name in one if not one[name].equal(other[name])} for one, other in pairwise(saved)]
    moved = [{*sides} - {"average", "memory"} for sides in moved]
    assert moved == [{"discriminator"}, {"generator", "discriminator"}, {"generator"}]


@pytest.mark.parametrize("at", [6, 12, 18])
def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(at, runs, tmp_path):
    shutil.copytree(runs[at], tmp_path / "run")
    sparring.resume(tmp_path / "run", quiet=True, observers=[Sender(after=at - 1)])
    assert_same(tmp_path / "run", runs[0])


def test_a_replay_has_the_same_bits(runs, tmp_path):
    again = sparring.train(replay=runs[0], out=tmp_path / "again", quiet=True)
    assert_same(again.path, runs[0])
    with pytest.raises(InputError, match="has played 24 rounds, not 25"):
        sparring.train(replay=runs[0], rounds=25, out=tmp_path / "longer", quiet=True)


def test_a_replay_of_the_first_rounds_goes_on_from_there(runs, tmp_path):
    part = sparring.train(replay=runs[0], rounds=12, out=tmp_path / "part", quiet=True)
    assert part.newest_checkpoint()[0].info.round == 12
    shutil.copytree(part.path, tmp_path / "other")
    whole = [line for line in lines(runs[0], "checkpoint") if line.get("round", 0) <= 12]
    assert [line for line in lines(part.path, "checkpoint", "end") if line["event"] != "round" or line["round"] != 12] == whole
    resumed = sparring.resume(part.path, quiet=True, observers=[Sender(after=12)])
    mine, theirs = (sparring.Run.open(run).newest_checkpoint()[0] for run in (resumed.path, runs[0]))
    assert all(mine.tensors[name].equal(theirs.tensors[name]) for name in theirs.tensors)


def test_a_replay_that_was_killed_goes_on_as_a_replay(runs, tmp_path):
    copy = Sender(after=100, copies={14: tmp_path / "killed"})
    sparring.train(replay=runs[0], out=tmp_path / "again", quiet=True, observers=[copy])
    assert_same(sparring.resume(tmp_path / "killed", quiet=True).path, runs[0])


def test_a_run_that_went_on_after_its_end_is_replayed_to_its_last_round(runs, tmp_path):
    shutil.copytree(runs[0], tmp_path / "run")
    sparring.resume(tmp_path / "run", quiet=True)
    sparring.resume(tmp_path / "run", rounds=32, quiet=True)
    again = sparring.train(replay=tmp_path / "run", out=tmp_path / "again", quiet=True)
    extended = {"event": "steer", "round": 26, "order": "extend", "rounds": 32}
    assert [line for line in lines(again.path) if line != extended] == lines(tmp_path / "run", "warning")
    assert extended in lines(again.path)
    mine, theirs = (run.newest_checkpoint()[0] for run in (again, sparring.Run.open(tmp_path / "run")))
    assert all(mine.tensors[name].equal(theirs.tensors[name]) for name in theirs.tensors)


def test_what_would_make_a_replay_another_run_is_refused(runs, tmp_path):
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"seed": 3}, "leave out seed"),
        ({"settings": {"lr": "1"}}, "settings"),
        ({"epochs": 2}, "epochs"),
    )
    for other, words in refused:
        with pytest.raises(InputError, match=words):
            sparring.train(replay=runs[0], out=tmp_path / "run", quiet=True, **other)
    with pytest.raises(InputError, match="is a run of ring, not of vanilla"):
        sparring.train("vanilla", replay=runs[0], out=tmp_path / "run", quiet=True)
    with pytest.raises(InputError, match="there is no recipe"):
        sparring.train(quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_real_kill(runs, tmp_path):
    code = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
import sparring
from runs.test_steered_runs import SHORT, TINY, Sender, inbox
inbox.PERIOD = SHORT
class Killer(Sender):
    def on_round(self, event):
        if event.round == 15:
            os.kill(os.getpid(), signal.SIGKILL)
        super().on_round(event)
sparring.train("ring", rounds={ROUNDS}, out={str(tmp_path / "run")!r}, settings=TINY, quiet=True, observers=[Killer()])
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    with pytest.raises(InputError, match="is not being trained"):
        send(tmp_path / "run", {"order": "pause"})
    sparring.resume(tmp_path / "run", quiet=True, observers=[Sender(after=14)])
    assert_same(tmp_path / "run", runs[0])


def test_a_pause_waits_and_is_no_training_time(tmp_path, monkeypatch):
    monkeypatch.setattr(inbox, "PERIOD", 0.01)

    class Pausing(sparring.Observer):
        def on_round(self, event):
            if event.round == 2:
                send(event.run.path, {"order": "pause"})
                time.sleep(0.02)
                threading.Timer(0.8, send, (event.run.path, {"order": "go"})).start()

    began = time.monotonic()
    run = sparring.train("ring", rounds=5, out=tmp_path / "run", settings=TINY, quiet=True, observers=[Pausing()])
    assert time.monotonic() - began > 0.8
    *_, end = run.journal()
    assert end["seconds"] < time.monotonic() - began - 0.7


def test_a_signal_ends_a_pause_with_the_run_saved(tmp_path):
    class Pausing(sparring.Observer):
        def on_round(self, event):
            send(event.run.path, {"order": "pause"})
            threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,)).start()

    with pytest.raises(TrainingStopped):
        sparring.train("ring", rounds=5, out=tmp_path / "run", settings=TINY, quiet=True, observers=[Pausing()])
    assert sparring.Run.open(tmp_path / "run").newest_checkpoint()[0].info.round == 1


@pytest.mark.parametrize("orders", [None, 3, [3], [[1, 2, 3]], [["1", {"g_lr": 1.0}]], [[1, {"order": "slow"}]]])
def test_a_damaged_recording_is_refused_in_a_sentence(orders):
    whole = {"run": "runs/first", "started": None, "length": "3 rounds", "rounds": 3, "orders": [[1, {"g_lr": 0.5}]]}
    assert Recording.in_facts({"replay": whole}) is not None
    for spoilt in (whole | {"orders": orders}, orders, whole | {"rounds": "3"}, whole | {"length": "3 days"}):
        with pytest.raises(InputError) if spoilt is not None else nullcontext():
            Recording.in_facts({"replay": spoilt})


def test_no_steer_makes_no_file_and_spoilt_lines_are_passed_over(tmp_path, capsys):
    class Looking(sparring.Observer):
        def __init__(self):
            self.found = []

        def on_round(self, event):
            path = event.run.path / orders.FILE
            self.found.append(path.exists())
            if event.round == 1 and path.exists():
                with path.open("ab") as stream:
                    stream.write(b'{"number": 1, "order": "slow", "ms": NaN}\n\xff\xfe\n[]\n{"number": 2, "order": "sto')
            if event.round == 2 and path.exists():
                send(event.run.path, {"order": "stop"})

    looking = Looking()
    sparring.train("ring", rounds=2, out=tmp_path / "deaf", settings=TINY, quiet=True, observers=[looking], steer=False)
    assert looking.found == [False, False]
    run = sparring.train("ring", rounds=5, out=tmp_path / "run", settings=TINY, observers=[looking])
    assert [event["order"] for event in run.journal() if event["event"] == "steer"] == ["stop"]
    assert run.last_event()["round"] == 2
    assert capsys.readouterr().err.count("has a line that is no order") == 4
