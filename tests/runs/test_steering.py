"""Orders of observers: in the journal before they act, and followed again after a kill."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import sparring
from sparring.runs import checkpoint
from tiny import SETTINGS

SETTINGS_HERE = SETTINGS["paper"] | {
    "journal": '{"rounds": 5}',
    "checkpoint": '{"rounds": 8}',
    "review": "null",
    "pictures": "[]",
}
ORDERS = {3: {"g_lr": 0.5}, 9: {"d_hold": 4, "g_lr": None}, 11: {"d_lr": 0.1, "beta2": 0.9}}


class Steering(sparring.Observer):
    """Gives these orders at these rounds."""

    def on_round(self, event):
        if event.round in ORDERS:
            event.steer(**ORDERS[event.round])


KILLED = """
import os, signal, sys
sys.path[:0] = [{tests!r}]
import sparring
from runs.test_steering import SETTINGS_HERE, Steering

class Killer(sparring.Observer):
    def on_round(self, event):
        if event.round == {at}:
            os.kill(os.getpid(), signal.SIGKILL)

sparring.train("paper", rounds=20, out={out!r}, settings=SETTINGS_HERE, quiet=True, observers=[Steering(), Killer()])
"""


def lines(run: Path) -> list[dict]:
    """The journal without times, and without what a resume adds."""
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    return [{k: v for k, v in event.items() if k != "seconds"} for event in events if event["event"] not in ("resume", "start")]


def state(run: Path) -> dict[str, list]:
    saved, _ = sparring.Run.open(run).newest_checkpoint()
    return {name: tensor.tolist() for name, tensor in saved.tensors.items()}


@pytest.mark.parametrize("at", [4, 7, 10, 13])
def test_a_kill_between_an_order_and_the_next_checkpoint_changes_nothing(at, tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    sparring.train("paper", rounds=20, out=whole, settings=SETTINGS_HERE, quiet=True, observers=[Steering()])
    code = KILLED.format(tests=str(Path(__file__).parents[1]), at=at, out=str(cut))
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    sparring.resume(cut, quiet=True, observers=[Steering()] if at == 10 else [])
    given = [line for line in lines(whole) if line["event"] == "steer"]
    assert given == [{"event": "steer", "round": round_} | order for round_, order in ORDERS.items()]
    if at < 11 and at != 10:  # nobody gave the later orders
        later = [line for line in lines(cut) if line["event"] == "steer"]
        assert later == [line for line in given if line["round"] <= at]
        return
    assert lines(cut) == lines(whole)
    assert state(cut) == state(whole)


def test_an_order_acts_from_the_next_round_on(tmp_path):
    plain, steered = tmp_path / "plain", tmp_path / "steered"
    settings = SETTINGS_HERE | {"checkpoint": '{"rounds": 1}', "keep_checkpoints": "20"}
    for out, observers in ((plain, []), (steered, [Steering()])):
        sparring.train("paper", rounds=5, out=out, settings=settings, quiet=True, observers=observers)
    same = []
    for round_ in range(1, 6):
        one, other = (checkpoint.read(checkpoint.path_of(run / "checkpoints", round_)).tensors for run in (plain, steered))
        same.append(all(one[name].equal(other[name]) for name in one))
    assert same == [True, True, True, False, False]
