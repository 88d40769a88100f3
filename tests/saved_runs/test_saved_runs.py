"""Runs that earlier versions saved open, draw, resume and score as they did then (`make.py` says how they were made).

A deprecation is no fault here: what old files and old code of users say may have got another name since.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import sparring
from saved_runs.make import EVALUATION, NUM, SEED, brief, headlines, journal, opened, since_resumed, state_of
from sparring.evaluation import difference
from sparring.training.observers import Event
from torture.kills import fork, wait

HERE = Path(__file__).parent
EXPECTED = {path.parent.name: json.loads(path.read_text()) for path in sorted(HERE.glob("*/expected.json"))}
ALL = [(version, run) for version, runs in EXPECTED.items() for run in runs]
OPEN = [(version, run) for version, run in ALL if run != "own-part"]  # without a file of the user's own
CONDITIONAL = [(version, run) for version, run in ALL if run in ("classes", "halves")]
SMALLEST = 1e-4  # what counts as 0 of a loss

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def unpack(version: str, run: str) -> Mapping[str, Any]:
    """A run in the folder where the test is, with its pictures or its code; what its version made of it."""
    with zipfile.ZipFile(HERE / version / f"{Path(run).parts[0]}.zip") as archive:
        archive.extractall()
    expected = EXPECTED[version][run]
    code = expected["command"][1]
    if code.endswith(".py"):
        shutil.copy(HERE / version / code, code)
    return expected


def in_a_process(*command: str) -> str:
    """What a program of Python's prints, in a process of its own: parts of the user's stay out of this one."""
    environment = os.environ | {"PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


RESUMED = {"modern": 0.1}  # how near the readings are to those of then


def assert_resumed(run: str, expected: Mapping[str, Any]) -> None:
    """Assert that the run went on as it did then: same state, same readings of every round, each of which is told once."""
    resumed, found = expected["resumed"], since_resumed(Path(run))
    rounds = [event["round"] for event in journal(Path(run)) if event["event"] == "round"]
    assert rounds == sorted(set(rounds))
    assert state_of(Path(run)) == {"state": resumed["state"], "rounds": resumed["rounds"]}
    assert found.keys() == resumed["read"].keys()
    for round_, numbers in resumed["read"].items():
        read = {name: found[round_][name] for name in numbers}
        if run == "modern":  # under spectral norm R1 took a pass of its own then, with a step of the power method
            assert read.pop("d_penalty") == pytest.approx(numbers["d_penalty"], rel=0.5)
        numbers = {name: number for name, number in numbers.items() if name in read}
        assert read == pytest.approx(numbers, rel=RESUMED.get(run, 1e-3), abs=SMALLEST), f"round {round_}"


def drawn(values: list[float]) -> Any:
    """What samples are compared with, in float32."""
    return pytest.approx(values, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(("version", "run"), OPEN)
def test_it_is_listed_whole_with_its_scores(version, run, sparring_command):
    expected = unpack(version, run)
    (row,) = json.loads(sparring_command("runs", run, "--json").out)
    assert {name: row[name] for name in ("recipe", "state", "rounds")} == {
        name: expected[name] for name in ("recipe", "state", "rounds")
    }
    checked = sparring_command("runs", run, "--check")
    assert (checked.status, checked.out) == (0, f"{run}: intact\n")
    assert headlines(run) == expected["scores"]


@pytest.mark.parametrize(("version", "run"), OPEN)
def test_it_draws_what_it_drew(version, run, sparring_command):
    expected = unpack(version, run)
    samples = sparring.load(run).sample(NUM, SEED)
    assert brief(samples) == drawn(expected["samples"])
    assert brief(sparring.load(f"{run}/generator").sample(NUM, SEED)) == drawn(expected["samples"])
    (newest,) = Path(run, "checkpoints").glob("round_*.safetensors")
    assert brief(sparring.load(newest).sample(NUM, SEED)) == drawn(expected["samples"])
    assert sparring_command("sample", run, f"--num={NUM}", f"--seed={SEED}", "--out=drawn.npz").status == 0
    with np.load("drawn.npz") as found:
        if "points" in found:
            np.testing.assert_allclose(found["points"], samples, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_allclose(found["images"] / 127.5 - 1, samples[:, 0], atol=1 / 127)


@pytest.mark.parametrize(("version", "run"), OPEN)
def test_it_goes_on_as_it_went_on(version, run, sparring_command):
    """Weights, moments, clocks, averages and memories of a checkpoint all tell in what follows."""
    expected = unpack(version, run)
    done = sparring_command("resume", run, *expected["resume"], "--quiet")
    assert done.status == 0, done.err
    assert_resumed(run, expected)
    near = RESUMED.get(run, 1e-3)
    assert brief(sparring.load(run).sample(NUM, SEED)) == pytest.approx(expected["resumed"]["samples"], rel=near, abs=1e-3)
    for now, then in zip(headlines(run), expected["resumed"]["scores"], strict=True):
        assert now == [*then[:-1], pytest.approx(then[-1], rel=1e-3)]
    assert sparring_command("runs", run, "--check").status == 0


@pytest.mark.parametrize("run", ["finished", "ring"])
@pytest.mark.parametrize("version", EXPECTED)
def test_its_scores_can_be_compared_with_those_of_then(version, run, sparring_command):
    unpack(version, run)
    done = sparring_command("evaluate", run, *EVALUATION)
    assert done.status == 0, done.err
    then, now = [found for found in opened(run).scores() if not found.quick]
    for old, new in zip(then.scores, now.scores, strict=True):
        assert difference(old, new) is None
        assert (new.metric, new.value) == (old.metric, pytest.approx(old.value, rel=1e-3, abs=1e-4))


@pytest.mark.parametrize("version", EXPECTED)
def test_runs_of_then_stand_side_by_side(version, sparring_command):
    runs = ["finished", "averaged", "killed"]
    for run in runs:
        unpack(version, run)
    done = sparring_command("compare", *runs, "--json")
    assert done.status == 0, done.err
    assert Path("comparison.html").exists()
    assert sparring_command("animate", "finished", "--out=again.gif").status == 0


@pytest.mark.parametrize(("version", "run"), CONDITIONAL)
def test_the_labels_are_the_class_folders_in_the_order_of_then(version, run, sparring_command):
    """Folders 1 to 10 were sorted as texts, and the greater its number, the brighter are a folder's pictures."""
    expected = unpack(version, run)
    assert sparring_command("resume", run, *expected["resume"], "--quiet").status == 0  # further rounds do not mix them up
    resumed = sparring.load(run)
    brightness = [float(resumed.sample(50, SEED, class_).mean() + 1) * 127.5 for class_ in range(10)]
    folders = sorted(map(str, range(1, 11)))
    assert folders[1] == "10"
    assert brightness == pytest.approx([24 * int(folder) for folder in folders], abs=60)


@pytest.mark.parametrize("version", EXPECTED)
def test_a_picture_beside_the_class_folders_meant_that_there_are_no_classes(version, sparring_command):
    unpack(version, "stray")
    assert "has no classes" in sparring_command("sample", "stray", "--class=1").err


@pytest.mark.parametrize("version", EXPECTED)
def test_a_population_is_complete_and_can_be_extended(version, sparring_command):
    expected = unpack(version, "population/seed0")
    summary = json.loads(Path("population/summary.json").read_text())
    assert [seed["seed"] for seed in summary["seeds"]] == [0, 1, 2]
    command = [part.replace("optim.lr=", "g_optim.lr=") for part in expected["command"]]  # what optim.lr meant beside a d_optim
    done = sparring_command(*command, "--json")
    assert done.status == 0, done.err
    for row in summary["seeds"]:
        row["quick_score"]["protocol"]["weak_extractor"] = None  # a field that came later
    assert json.loads(done.out) == summary
    for seed in (1, 2):  # one is enough of those that take a process each
        shutil.rmtree(f"population/seed{seed}")
    done = sparring_command(*command, "--seeds=0", *expected["resume"])
    assert done.status == 0, done.err
    assert_resumed("population/seed0", expected)


@pytest.mark.parametrize("version", EXPECTED)
def test_a_part_of_the_users_own_comes_from_the_file_that_is_named(version, sparring_command):
    expected = unpack(version, "own-part")
    without = sparring_command("sample", "own-part")
    assert without.status == 2
    assert "--with FILE.py" in without.err
    in_a_process("-m", "sparring", "resume", "own-part", *expected["resume"], "--quiet")
    assert_resumed("own-part", expected)
    in_a_process("-m", "sparring", "sample", "own-part", f"--num={NUM}", f"--seed={SEED}", "--out=drawn.npz", "--with=hinge.py")
    with np.load("drawn.npz") as found:
        assert brief(torch.from_numpy(found["points"])) == pytest.approx(expected["resumed"]["samples"], rel=1e-3, abs=1e-3)


IN_PYTHON = f"""
import json
import sparring
from sparring import recipes

recipes.from_file("hinge.py")
run = sparring.load("own-part")
samples = run.sample({NUM}, {SEED}).tolist()
then, now = run.scores()[-1], sparring.evaluate(run, num=1000, draws=2, quiet=True)
sparring.resume(run, rounds=32, quiet=True)
scores = [[each.metric, each.value, now[each.metric].value] for each in then.scores]
print(json.dumps({{"samples": samples, "scores": scores}}))
"""
"""As CONTRIBUTING.md of version 0.1.0 has it."""


@pytest.mark.parametrize("version", EXPECTED)
def test_a_part_of_the_users_own_works_in_python(version):
    expected = unpack(version, "own-part")
    found = json.loads(in_a_process("-c", IN_PYTHON))
    assert brief(torch.tensor(found["samples"])) == drawn(expected["samples"])
    assert len(found["scores"]) > 1
    for metric, then, now in found["scores"]:
        assert now == pytest.approx(then, rel=1e-3, abs=1e-4), metric
    assert_resumed("own-part", expected)


class Steering(sparring.Observer):
    """Gives orders to a run that goes on from round 29, and kills its process in round `killed_at`."""

    orders: ClassVar = {31: {"g_lr": 0.5, "beta2": 0.9}, 33: {"d_hold": 2}}

    def __init__(self, killed_at: int = 0):
        self._killed_at = killed_at

    def on_round(self, event: Event) -> None:
        if event.round == self._killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if event.round in self.orders:
            event.steer(**self.orders[event.round])


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("version", EXPECTED)
def test_it_can_be_steered_and_goes_on_as_steered_after_a_kill(version):
    unpack(version, "stopped")
    for copy in ("killed", "plain"):
        shutil.copytree("stopped", copy)
    steered = sparring.resume("stopped", quiet=True, observers=[Steering()])
    assert wait(fork(lambda: sparring.resume("killed", quiet=True, observers=[Steering(killed_at=36)]))) == -signal.SIGKILL
    killed, plain = (sparring.resume(run, quiet=True) for run in ("killed", "plain"))
    weights = [run.newest_checkpoint()[0].tensors for run in (steered, killed, plain)]
    assert all(tensor.equal(weights[1][name]) for name, tensor in weights[0].items())
    assert not all(tensor.equal(weights[2][name]) for name, tensor in weights[0].items())
    given = [[line for line in journal(run.path) if line["event"] == "steer"] for run in (steered, killed)]
    assert given[0] == given[1] == [{"event": "steer", "round": at, **order} for at, order in Steering.orders.items()]
