"""`torchrun -m sparring train` and `resume` as people start them: one run, whoever dies or stops."""

import json
import os
import signal
from pathlib import Path

import pytest
import torch

import sparring
from sparring.runs.run import Run
from tiny import SETTINGS
from torchrun import Group, until

SETTING = SETTINGS["dcgan"] | {"checkpoint": '{"rounds": 8}', "review": "null", "batch_size": "48"}
OPTIONS = [part for name, value in SETTING.items() for part in ("--set", f"{name}={value}")]
FOREVER = "100000"


def train(out: Path, rounds: object, *arguments: object, size: int = 2, options: tuple[str, ...] = ()) -> Group:
    command = ["-m", "sparring", "train", "dcgan", *OPTIONS, "--device", "cpu", "--seed", 3, "--rounds", rounds]
    return Group(size, *command, "--out", out, *arguments, options=options)


def has(out: Path, event: str) -> bool:
    journal = out / "journal.jsonl"
    return journal.is_file() and f'"event": "{event}"' in journal.read_text()


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Run:
    """The run of a single process."""
    out = tmp_path_factory.mktemp("alone") / "run"
    return sparring.train("dcgan", rounds=24, out=out, seed=3, settings=SETTING, device="cpu", quiet=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Run:
    """The run of two processes."""
    out = tmp_path_factory.mktemp("undisturbed") / "run"
    group = train(out, 24)
    assert group.wait() == 0, group.said
    return Run.open(out)


def numbers(run: Run) -> list[list[float]]:
    """What the journal says of rounds, without wall-clock times."""
    return [[v for k, v in event.items() if k not in ("event", "seconds")] for event in run.rounds()]


def assert_same_weights(one: Run, other: Run, rtol: float = 0, atol: float = 0) -> None:
    tensors, theirs = (run.newest_checkpoint()[0].tensors for run in (one, other))
    assert tensors.keys() == theirs.keys()
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=rtol, atol=atol)


def test_two_processes_leave_the_run_of_one(alone, undisturbed):
    assert_same_weights(undisturbed, alone, rtol=1e-3, atol=1e-5)
    for now, then in zip(numbers(undisturbed), numbers(alone), strict=True):
        assert now == pytest.approx(then, rel=1e-3, abs=1e-4)
    assert [event["event"] for event in undisturbed.journal()] == [event["event"] for event in alone.journal()]
    assert (undisturbed.facts["processes"], alone.facts["processes"]) == (2, 1)
    files = [{str(file.relative_to(run.path)) for file in run.path.rglob("*")} for run in (undisturbed, alone)]
    assert files[0] == files[1]


def test_killed_and_restarted_it_is_the_run_that_it_would_have_been(undisturbed, tmp_path):
    out = tmp_path / "run"
    group = train(out, 24, options=("--max-restarts=1",))
    until(lambda: has(out, "checkpoint"))
    os.kill(group.worker(1), signal.SIGKILL)
    assert group.wait() == 0, group.said
    run = Run.open(out)
    assert [event["event"] for event in run.journal()].count("resume") == 1
    assert_same_weights(run, undisturbed)
    assert numbers(run) == numbers(undisturbed)
    longer = sparring.resume(run, rounds=25, device="cpu", quiet=True)  # in one process, on what two have done
    assert longer.rounds()[-1]["round"] == 25


def test_a_signal_to_one_stops_all_and_resume_goes_on(tmp_path):
    out = tmp_path / "run"
    group = train(out, FOREVER)
    until(lambda: has(out, "checkpoint"))
    os.kill(group.worker(1), signal.SIGINT)
    assert group.wait() == 1
    assert group.sentences() == [f"sparring: stopped; go on with `sparring resume {out}`"]
    assert group.statuses() == {0: 130, 1: 130}
    stopped = Run.open(out)
    last = list(stopped.journal())[-1]
    assert last["ending"] == "interrupted"
    assert stopped.newest_checkpoint()[0].info.round == last["round"]
    group = Group(2, "-m", "sparring", "resume", out, "--rounds", last["round"] + 3, "--device", "cpu", "--json")
    assert group.wait() == 0, group.said
    (found,) = [json.loads(line) for line in group.said.splitlines() if line.startswith("{")]
    assert found["rounds"] == last["round"] + 3


def test_who_is_stuck_is_named_and_nobody_waits_for_ever(tmp_path):
    out = tmp_path / "run"
    group = train(out, FOREVER, "--timeout", 2, "--quiet", size=3)
    until(lambda: has(out, "checkpoint"))
    stuck = group.worker(1)
    os.kill(stuck, signal.SIGSTOP)
    until(lambda: _has_ended(group, 0) and _has_ended(group, 2))
    os.kill(stuck, signal.SIGKILL)  # torchrun would wait for it for 30 seconds
    assert group.wait() == 1
    (sentence,) = group.sentences()
    assert "rank 1 on " in sentence
    assert "gives no sign of life; it was last seen in round " in sentence
    assert "the last good checkpoint is kept: " in sentence
    assert group.statuses() == {0: 4, 1: -9, 2: 4}


def _has_ended(group: Group, rank: int) -> bool:
    try:
        return Path(f"/proc/{group.worker(rank)}/stat").read_text().split()[2] == "Z"
    except (KeyError, OSError):
        return True


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["train", "paper", "--out", "used", *OPTIONS[:2]], "used is not empty; name a new or an empty folder with --out"),
        (["evaluate", "used"], "`sparring evaluate` takes one process, not 2: start it without torchrun"),
    ],
)
def test_bad_input_is_said_once_with_status_2_everywhere(tmp_path, command, sentence):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    group = Group(2, "-m", "sparring", *command)
    assert group.wait() == 1
    (said,) = group.sentences()
    assert sentence in said
    assert group.statuses() == {0: 2, 1: 2}


WORKER = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "vanilla", "--dry-run"], "--dry-run takes one process; start it without torchrun"),
        (["train", "vanilla", "--seeds", "0-3"], "--seeds takes one process; start it without torchrun"),
        (["train", "vanilla"], "torchrun --max-restarts needs --out DIR (in Python: out=), in which restarted processes go on"),
    ],
)
def test_what_several_processes_refuse(sparring_command, monkeypatch, arguments, sentence):
    for name, value in (WORKER | {"TORCHELASTIC_MAX_RESTARTS": "2"}).items():
        monkeypatch.setenv(name, value)
    before = signal.getsignal(signal.SIGTERM)
    outcome = sparring_command(*arguments)
    assert signal.signal(signal.SIGTERM, before) == signal.SIG_IGN  # so that torchrun sees this status, and no other
    assert (outcome.status, outcome.err) == (2, f"sparring: {sentence}\n")


def test_a_single_process_has_nobody_to_wait_for(sparring_command):
    outcome = sparring_command("train", "vanilla", "--timeout", 5)
    assert outcome.status == 2
    assert "--timeout is for several processes" in outcome.err


OBSERVED = """
import json, os, sys
import sparring

at_5, out, settings = sys.argv[1:]

class Asks:
    def on_round(self, event):
        if event.round == 3:
            event.take_score(), event.save_checkpoint(), event.draw_pictures()
        if event.round == 5:
            {"stop": event.stop, "fail": lambda: {}["mine"], "read": lambda: event.numbers}[at_5]()

    def on_end(self, event):
        print("observed:", event.round, event.ending)

rank0 = os.environ["RANK"] == "0"
sparring.train(
    "vanilla", out=out, rounds=8, seed=3, settings=json.loads(settings), device="cpu", quiet=True,
    observers=[Asks()] if rank0 else [],
)
"""


def observe(at_5: str, tmp_path: Path, **settings: str) -> tuple[Group, Run]:
    """Two processes, of which rank 0 has an observer: in round 3 it asks for all that there is, and then this."""
    script, out = tmp_path / "observed.py", tmp_path / "run"
    script.write_text(OBSERVED)
    chosen = SETTINGS["vanilla"] | {"review": '{"rounds": 100}', "round.read": "during"} | settings
    group = Group(2, script, at_5, out, json.dumps(chosen))
    group.wait()
    return group, Run.open(out)


def test_observers_are_called_in_rank_0_and_all_do_what_they_ask_for(tmp_path):
    group, run = observe("stop", tmp_path)
    assert group.said.count("observed: 5 stopped") == 1, group.said
    assert group.statuses() == {}
    lines = [(line["event"], line.get("round")) for line in run.journal()]
    assert lines == [
        ("start", None),
        ("sample", 3),
        ("score", 3),
        ("checkpoint", 3),  # the best
        ("checkpoint", 3),
        ("round", 5),
        ("checkpoint", 5),
        ("end", 5),
    ]


@pytest.mark.parametrize(
    ("at_5", "settings", "said"),
    [
        ("fail", {}, "KeyError: 'mine'"),
        ("read", {"round.read": "after"}, "InputError: the numbers of round 5 need all processes; read those of rounds that"),
    ],
)
def test_an_observer_that_fails_in_rank_0_ends_all_with_the_run_saved(at_5, settings, said, tmp_path):
    group, run = observe(at_5, tmp_path, **settings)
    assert said in group.said
    assert "SparringError: training was stopped, for an observer failed in rank 0" in group.said
    assert group.statuses() == {0: 1, 1: 1}
    assert group.said.count("observed: 5 interrupted") == 1
    assert run.newest_checkpoint()[0].info.round == 5


STEERED = """
import json, os, sys
import sparring

out, rounds, settings = sys.argv[1:]
orders = {2: {"g_lr": 0.5}, 5: {"d_hold": 3}}

class Steering:
    def on_round(self, event):
        if event.round in orders:
            event.steer(**orders[event.round])

how = {"device": "cpu", "quiet": True}
if os.path.exists(out):
    sparring.resume(out, rounds=int(rounds), **how)
else:
    observers = [Steering()] if os.environ.get("RANK", "0") == "0" else []
    sparring.train("paper", out=out, rounds=int(rounds), seed=3, settings=json.loads(settings), observers=observers, **how)
"""


def test_orders_are_followed_by_all_processes_and_after_a_resume(tmp_path):
    script, settings = tmp_path / "steered.py", json.dumps(SETTINGS["paper"] | {"review": "null", "journal": '{"rounds": 1}'})
    script.write_text(STEERED)

    def play(out: str, rounds: int, size: int = 2) -> Run:
        group = Group(size, script, tmp_path / out, rounds, settings)
        assert group.wait() == 0, group.said
        return Run.open(tmp_path / out)

    alone, together = play("alone", 10, size=1), play("together", 10)
    given = [{"event": "steer", "round": 2, "g_lr": 0.5}, {"event": "steer", "round": 5, "d_hold": 3}]
    for run in (alone, together):
        assert [line for line in run.journal() if line["event"] == "steer"] == given
    assert_same_weights(together, alone, rtol=1e-3, atol=1e-5)
    play("halves", 6)  # D is held still in rounds 6 to 8
    assert_same_weights(play("halves", 10), together)
    play("moved", 6, size=1)  # a second process gets the orders that it has not seen
    assert_same_weights(play("moved", 10), alone, rtol=1e-3, atol=1e-5)


def test_patience_stops_all_processes(tmp_path):
    out = tmp_path / "run"
    settings = SETTINGS["vanilla"] | {"review": '{"rounds": 4}'}
    options = [f"--set={name}={value}" for name, value in settings.items()]
    group = Group(2, "-m", "sparring", "train", "vanilla", "--device=cpu", "--patience=1", "--seed=0", "--out", out, *options)
    assert group.wait() == 0, group.said
    end = list(Run.open(out).journal())[-1]
    assert (end["ending"], end["round"]) == ("patience", 8)
