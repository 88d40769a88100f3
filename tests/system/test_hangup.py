"""A closed terminal, a dropped line: the run is saved, and `nohup` lets it train on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sparring
from sparring.runs.run import Run
from tiny import SETTINGS

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

TRAIN = [sys.executable, "-m", "sparring", "train", "vanilla", "--out=run", "--seed=3", "--set=journal.rounds=1"]
TRAIN += [f"--set={name}={value}" for name, value in SETTINGS["vanilla"].items() if name != "journal"]
STATUS = 129


def until_it_trains(process: subprocess.Popen, rounds: int = 20) -> None:
    journal = Path("run/journal.jsonl")
    while not (journal.exists() and f'"round": {rounds}' in journal.read_text()):
        assert process.poll() is None
        time.sleep(0.01)


def assert_saved() -> None:
    run = Run.open("run")
    end = list(run.journal())[-1]
    assert (end["event"], end["ending"]) == ("end", "hangup")
    assert run.newest_checkpoint()[0].info.round == end["round"]
    assert sparring.resume(run, rounds=end["round"] + 2, quiet=True).rounds()[-1]["round"] == end["round"] + 2


def test_the_signal_saves_the_run():
    process = subprocess.Popen(TRAIN, stderr=subprocess.PIPE, text=True)
    until_it_trains(process)
    for _ in range(3):  # from the terminal, from its shell, and from the shell's end
        process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.splitlines()[-1]) == (STATUS, "sparring: stopped; go on with `sparring resume run`")
    assert_saved()


def test_a_terminal_that_is_closed_saves_the_run():
    ours, theirs = pty.openpty()
    in_terminal = [sys.executable, "-c", "import os, pty, sys; os.login_tty(0); os.execv(sys.argv[1], sys.argv[1:])", *TRAIN]
    process = subprocess.Popen(in_terminal, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    while b"D(x)" not in os.read(ours, 4096):
        assert process.poll() is None
    os.close(ours)
    assert process.wait(timeout=60) == STATUS
    assert_saved()


def test_under_nohup_it_trains_on_without_its_terminal():
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["nohup", *TRAIN, "--rounds=60"], stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    until_it_trains(process)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 0
    assert list(Run.open("run").journal())[-1]["ending"] == "finished"


def test_another_command_ends_by_the_signal():
    code = "import os, signal; from sparring.cli import app, main; app.invoke = lambda ctx: os.kill(os.getpid(), signal.SIGHUP)"
    done = subprocess.run([sys.executable, "-c", f"{code}; main()", "runs"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (STATUS, "\nsparring: hangup\n")
