"""Seeds trained together are the runs that they are alone, whatever stops them on the way."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from sparring.runs.run import Run
from tiny import SETTINGS

PLAIN = SETTINGS["vanilla"] | {"review": "null"}  # scores take time, and one test has them
ONE_AT_A_TIME = os.environ | {"OMP_NUM_THREADS": str(os.cpu_count())}


def options(settings: dict[str, str] = PLAIN) -> list[str]:
    return [f"--set={name}={value}" for name, value in settings.items()]


def together(*args: object) -> list[str]:
    return [sys.executable, "-m", "sparring", "train", *map(str, args)]


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start a command; what still runs at the test's end is killed, and its seeds end by themselves."""
    started: list[subprocess.Popen] = []

    def begin(command: list[str], **how: Any) -> subprocess.Popen:
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **how))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def assert_same_end(one: Run, other: Run) -> None:
    (mine, _), (theirs, _) = one.newest_checkpoint(), other.newest_checkpoint()
    assert (mine.info.round, mine.clocks) == (theirs.info.round, theirs.clocks)
    assert mine.tensors.keys() == theirs.tensors.keys()
    for name, tensor in mine.tensors.items():
        assert torch.equal(tensor, theirs.tensors[name]), name


def files(run: Run) -> dict[str, bytes]:
    """Everything in a run that holds no wall-clock time."""
    names = [p for p in run.path.rglob("*") if p.is_file() and p.suffix in (".png", ".gif", ".json", ".jsonl")]
    return {str(p.relative_to(run.path)): p.read_bytes() for p in names if p.name != "journal.jsonl"}


def timeless(run: Run) -> list[dict]:
    return [{k: v for k, v in event.items() if k not in ("seconds", "time")} for event in run.journal()]


def wait_for(found, process: subprocess.Popen | None = None) -> None:
    deadline = time.monotonic() + 120
    while not found() and (process is None or process.poll() is None) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found()


def at_round(folder: Path, round_: int) -> bool:
    path = folder / "journal.jsonl"
    return path.exists() and f'"round": {round_}' in path.read_text()


def test_three_seeds_together_are_the_three_alone(sparring_command):
    args = ["--epochs=2", *options(SETTINGS["vanilla"])]
    done = sparring_command("train", "vanilla", "--seeds", "0-2", "--out", "all", "--json", *args)
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert found == json.loads(Path("all/summary.json").read_text())
    assert found["images"] == 6000
    assert found["images_per_second"] == pytest.approx(6000 / found["seconds"])
    assert found["summary"]["quick_score"]["low"] < found["summary"]["quick_score"]["mean"]
    for seed in range(3):
        assert sparring_command("train", "vanilla", "--seed", seed, "--out", f"alone{seed}", "--json", *args).status == 0
        run, alone = Run.open(f"all/seed{seed}"), Run.open(f"alone{seed}")
        assert_same_end(run, alone)
        assert timeless(run) == timeless(alone)
        assert files(run) == files(alone)
        assert run.facts["threads"] == 1
    rows = json.loads(sparring_command("runs", "all", "--json").out)
    assert sorted((row["run"], row["state"]) for row in rows) == [(f"all/seed{seed}", "finished") for seed in range(3)]
    again = json.loads(sparring_command("train", "vanilla", "--seeds", "0-2", "--out", "all", "--json", *args).out)
    assert again == found


@pytest.mark.parametrize(("number", "status", "ending"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")])
def test_a_stopped_population_goes_on_and_nothing_is_lost(number, status, ending, start, sparring_command):
    args = ["--rounds=1000", *options(), "--set=pictures=[]"]
    command = together("vanilla", "--seeds=0-1", "--out=all", *args)
    process = start(command, start_new_session=True)
    wait_for(lambda: at_round(Path("all/seed0"), 50), process)
    os.killpg(process.pid, signal.Signals[number])  # a terminal's Ctrl-C reaches everybody in the group
    _, err = process.communicate(timeout=120)
    assert process.returncode == status, err
    last = err.splitlines()[-1]
    assert last.startswith("sparring: stopped with 0 of 2 seeds done")
    assert last.endswith("repeat it with --out all (in Python: out=)")
    assert list(Run.open("all/seed0").journal())[-1]["ending"] == ending
    assert Path("all/seed0/losses.png").exists()  # it was not interrupted twice
    assert json.loads(Path("all/summary.json").read_text())["unfinished"] == [0, 1]
    assert subprocess.run(command, capture_output=True).returncode == 0
    for seed in (0, 1):
        assert sparring_command("train", "vanilla", "--seed", seed, "--out", f"alone{seed}", *args).status == 0
        assert_same_end(Run.open(f"all/seed{seed}"), Run.open(f"alone{seed}"))
    summary = json.loads(Path("all/summary.json").read_text())
    assert summary["images"] == sum(seed["images"] for seed in summary["seeds"]) == 2 * 90_960
    assert summary["unfinished"] == []


def test_seeds_whose_parent_was_killed_save_and_end(start):
    command = together("vanilla", "--seeds=0", "--epochs=100000", "--out=all", "--quiet", *options())
    process = start(command)
    wait_for(lambda: at_round(Path("all/seed0"), 50), process)
    process.kill()
    process.wait()
    run = Run.open("all/seed0")
    wait_for(lambda: list(run.journal())[-1].get("ending") == "terminated")
    assert run.newest_checkpoint()[0].info.round >= 50


def test_a_closed_terminal_lets_all_seeds_save(start):
    process = start(together("vanilla", "--seeds=0", "--epochs=100000", "--out=all", "--quiet", *options()))
    wait_for(lambda: at_round(Path("all/seed0"), 50), process)
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, "stopped with 0 of 1 seeds done" in err) == (129, True)
    assert list(Run.open("all/seed0").journal())[-1]["ending"] == "terminated"


def test_a_second_signal_ends_everything_at_once(start):
    command = together("vanilla", "--seeds=0", "--epochs=100000", "--out=all", "--quiet", *options())
    process = start(command)
    wait_for(lambda: at_round(Path("all/seed0"), 50), process)
    (worker,) = children(process.pid)
    assert os.getpgid(worker) != os.getpgid(process.pid)  # a terminal's Ctrl-C would count twice
    os.kill(worker, signal.SIGSTOP)  # it does not listen any more
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 143, err
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(child) for child, parent in map(str.split, listed.splitlines()) if int(parent) == pid]


def test_seeds_that_become_non_finite_do_not_stop_the_others():
    args = ["--rounds=400", "--out=all", *options(), "--set=optim.lr=1e30", "--set=journal.rounds=1"]
    command = together("vanilla", "--seeds=0-1", *args, "--json")
    for _ in range(2):  # a second time nothing is tried again
        done = subprocess.run(command, env=ONE_AT_A_TIME, capture_output=True, text=True)
        assert done.returncode == 3, done.stderr
        assert done.stderr.splitlines()[-1].startswith("sparring: seed 0 failed: ")
        found = json.loads(done.stdout)
        assert [(f["seed"], f["status"], "became" in f["reason"]) for f in found["failed"]] == [(0, 3, True), (1, 3, True)]
        assert (found["seeds"], found["summary"], found["unfinished"]) == ([], {}, [])


def test_input_that_no_seed_can_use_is_tried_once_and_leaves_nothing():
    done = subprocess.run(
        together("dcgan", "--seeds=0-2", "--out=all", "--set=batch_size=1"), env=ONE_AT_A_TIME, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("sparring: seed 0 failed: batch_size is 1; it must be at least 2")
    assert "seed 1" not in done.stderr
    assert not Path("all").exists()


def test_a_users_own_recipe_trains_and_is_extended():
    Path("mine.py").write_text(
        "from dataclasses import dataclass, replace\n"
        "from sparring import recipes\n"
        "from sparring.losses import NonSaturating\n"
        "from sparring.config.registry import register\n\n"
        "@register('loss')\n"
        "@dataclass(frozen=True)\n"
        "class MyLoss(NonSaturating):\n"
        '    """The same under another name."""\n\n'
        "@register('recipe')\n"
        "def my_own():\n"
        '    """A small one."""\n'
        "    return replace(recipes.get('vanilla'), loss=MyLoss(), review=None)\n"
    )
    Path("random.py").write_text("raise RuntimeError('a file of the folder where one works')")
    sparring = [str(Path(sys.executable).with_name("sparring"))]
    for rounds in (2, 3):
        done = subprocess.run(
            [*sparring, "train", "mine.py", "--seeds=5", f"--rounds={rounds}", "--out=all", *options()[:1], "--json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert [(seed["seed"], seed["rounds"]) for seed in json.loads(done.stdout)["seeds"]] == [(5, rounds)]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--seeds=0-1", "--seed=0"], "give one of the two"),
        (["--seeds=0-1", "--dry-run"], "give --seed instead of --seeds"),
        (["--seeds=x"], "'x' is not a list of seeds"),
        (["--seeds=3-1"], "'3-1' is not a list of seeds"),
        (["--seeds=0", "--set=batchsize=1"], "did you mean 'batch_size'?"),
        (["--seeds=0", "--from=nowhere"], "nowhere is no run"),
        (["--seeds=0", "--device=cuda"], "no CUDA device"),
        (["--seeds=0-1", "--device=cpu", "--engine=capture"], "on CUDA in a single process, not on cpu; use auto"),
        (["--seeds=0", "--out=file"], "file is a file"),
    ],
)
def test_bad_input_gets_one_sentence_and_status_2(args, sentence, sparring_command, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    Path("file").touch()
    done = sparring_command("train", "vanilla", *args)
    assert (done.status, done.out) == (2, "")
    assert sentence in done.err
    assert len(done.err.splitlines()) == 1
    assert [path.name for path in Path().iterdir()] == ["file"]
