"""Runs made sick on purpose: what they leave behind under each remedy, and that stops and kills change none of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import spoilt
import torch
from safetensors import safe_open

import sparring
from sparring.api.session import build
from sparring.config.schedules import Duration
from sparring.errors import NonFiniteError
from sparring.runs import checkpoint
from sparring.runs.progress import Progress
from sparring.runs.recorder import Recorder
from sparring.runs.result import Result, is_complete
from sparring.runs.run import Run
from tiny import SETTINGS

BAD_AT_14 = {"data.bad": "[262]"}  # round 14 of 20 in each epoch
SKIPPING = BAD_AT_14 | {"non_finite": "skip"}
ROLL_BACK = {"non_finite": "roll-back"}
ROLLING = {
    "to two checkpoints": ROLL_BACK | {"loss": '{"name": "brittle", "limit": 0.6}'},  # in round 17 to 10, in round 22 to 20
    "to the same one": ROLL_BACK | {"loss": '{"name": "brittle", "limit": 0.5}'},  # three times in round 16, to 10
}
WAYS = pytest.mark.parametrize("way", ROLLING)


def train(out: Path | str, settings: dict[str, str], rounds: int = 60, **more) -> Run:
    return sparring.train("spoilt", out=out, settings=settings, rounds=rounds, quiet=True, **more)


def events(run: Run | str, kind: str = "non-finite") -> list[dict]:
    return [event for event in Run.open(run if isinstance(run, str) else run.path).journal() if event["event"] == kind]


def told(run: Run | str) -> list[tuple]:
    return [(e["round"], e["term"], e["network"], e["value"], e["remedy"]) for e in events(run)]


def left(run: Run) -> dict:
    """What must not depend on stops and kills: the state, the journal but for times and stops, and the batches."""
    saved, problems = run.newest_checkpoint()
    kinds = ("round", "epoch", "non-finite")
    journal = [{k: v for k, v in e.items() if k != "seconds"} for e in run.journal() if e["event"] in kinds]
    return {
        "place": (saved.info.round, saved.info.images, saved.clocks, problems),
        "state": {name: tensor.numpy().tobytes() for name, tensor in saved.tensors.items()},
        "journal": [e for e in journal if e["event"] != "round" or e["round"] % 5 == 0],  # where it stops, it reads once more
        "batches": {path.name: path.read_bytes() for path in run.path.glob("non_finite/*")},
    }


def assert_same(one: Run, other: Run) -> None:
    before, after = left(one), left(other)
    for what, value in before.items():
        assert after[what] == value, what


@pytest.fixture(scope="module")
def rolled(tmp_path_factory) -> dict[str, Run]:
    return {way: train(tmp_path_factory.mktemp("rolled") / "run", ROLLING[way], rounds=25) for way in ROLLING}


@pytest.fixture(scope="module")
def skipped(tmp_path_factory) -> Run:
    return train(tmp_path_factory.mktemp("skipped") / "run", SKIPPING)


# --- stop ---


def test_stop_names_the_term_keeps_the_checkpoint_and_the_batch(sparring_command):
    given = ["--with", spoilt.__file__, "--out=run", "--set=data.bad=[262]"]
    done = sparring_command("train", "spoilt", *given)
    assert done.status == 3
    sentence = "d_loss of the discriminator became nan at round 14 (epoch 1)"
    kept = "the last good checkpoint is kept: run/checkpoints/round_00000010.safetensors"
    assert done.err.splitlines()[-1] == f"sparring: {sentence}; {kept}"
    (event,) = events("run")
    assert event.keys() == {
        *("event", "round", "epoch", "images", "seconds", "term", "network", "value", "remedy", "batch"),
    }
    assert told("run") == [(14, "d_loss", "discriminator", "nan", "stop")]  # not the 15th, whose numbers are read
    assert (event["epoch"], event["images"]) == (1, 280)
    end = list(Run.open("run").journal())[-1]
    assert (end["ending"], end["reason"]) == ("non-finite", sentence)
    with safe_open(f"run/{event['batch']}", framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        real = file.get_tensor("real")
        assert {"real", "z", "real_logits", "fake_logits"} <= set(file.keys())
    assert facts == {"term": "d_loss", "network": "discriminator", "value": "nan", "round": 14}
    assert real[2, 1].isnan()
    torch.testing.assert_close(real, spoilt.Spoilt(bad=(262,)).train().points[260:280], equal_nan=True, rtol=0, atol=0)
    assert "non-finite" in sparring_command("runs", ".").out


@pytest.mark.parametrize("remedy", ["stop", "skip", "roll-back"])
def test_weights_that_are_not_finite_stop_the_run_under_every_remedy(remedy):
    at_once = {"round.moves": '["move-both"]', "round.read": "during"}  # both losses are those before the step
    settings = at_once | {"optim.lr": "1e38", "optim.epsilon": "plain", "non_finite": remedy, "checkpoint": '{"rounds": 1}'}
    with pytest.raises(NonFiniteError, match=r"^\d.(weight|bias) of the generator became -?(inf|nan) at round 1 \(epoch 1\); "):
        train("run", settings)
    (event,) = events("run")
    assert (event["remedy"], event["round"], event["batch"], event["network"]) == ("stop", 1, None, "generator")
    assert not list(Path("run/checkpoints").glob("round_00000001*"))


def test_numbers_read_after_the_moves_are_no_reason_to_skip():
    with pytest.raises(NonFiniteError, match=r"became (nan|-?inf) at round 1 \(epoch 1\)"):
        train("run", {"round.moves": '["move-both"]', "optim.lr": "1e30", "journal": '{"rounds": 1}', "non_finite": "skip"})
    assert [(e["round"], e["remedy"]) for e in events("run")] == [(1, "stop")]


# --- skip ---


def test_skip_goes_on_without_the_round(skipped):
    assert told(skipped) == [(round_, "d_loss", "discriminator", "nan", "skip") for round_ in (14, 34, 54)]
    assert [e["round"] for e in events(skipped, "round")] == list(range(5, 61, 5))
    assert list(skipped.journal())[-1]["ending"] == "finished"
    assert sorted(p.name for p in skipped.path.glob("non_finite/*")) == [f"round_{r:08d}.safetensors" for r in (14, 34, 54)]
    assert left(skipped)["place"][2] == (117, 117)  # a shared clock: G moves first, and D not at all in three rounds


def test_readings_that_are_one_and_the_same_are_both_kept():
    run = train("run", SKIPPING | {"round.moves": '["move-both"]'}, rounds=15)
    with safe_open(run.path / events(run)[0]["batch"], framework="pt") as file:
        assert torch.equal(file.get_tensor("fake_logits"), file.get_tensor("g_fake_logits"))


def test_skips_are_said(capfd):
    sparring.train("spoilt", out="run", settings=SKIPPING, rounds=35)
    sentence = "d_loss of the discriminator became nan at round {} (epoch {}); the round was skipped ({} of at most 10), see {}"
    said = capfd.readouterr().err
    for count, (round_, epoch) in enumerate([(14, 1), (34, 2)], 1):
        assert sentence.format(round_, epoch, count, Path(f"run/non_finite/round_{round_:08d}.safetensors")) in said


def test_after_so_many_skipped_rounds_the_next_one_stops_the_run():
    settings = BAD_AT_14 | {"non_finite": '{"name": "skip", "at_most": 2}'}
    train("run", settings, rounds=40)
    with pytest.raises(NonFiniteError, match=r"became nan at round 54 \(epoch 3\), after 2 skipped rounds; the last good"):
        sparring.resume("run", rounds=60, quiet=True)  # the two before the checkpoint count
    assert [(e["round"], e["remedy"]) for e in events("run")] == [(14, "skip"), (34, "skip"), (54, "stop")]
    assert len(list(Path("run/non_finite").iterdir())) == 3


@pytest.mark.parametrize("stops", [(3,), (13,), (14,), (15, 33), (34, 54)])
def test_a_stopped_run_that_skips_goes_on_as_if_it_had_not_stopped(stops, skipped, tmp_path):
    run = train(tmp_path / "run", SKIPPING, rounds=stops[0])
    for rounds in (*stops[1:], 60):
        run = sparring.resume(run, rounds=rounds, quiet=True)
    assert_same(skipped, run)


def test_a_run_that_ends_on_a_skipped_round_is_complete():
    run = train("run", SKIPPING, rounds=34)
    assert events(run, "round")[-1]["round"] == 30
    assert (Result.of(run).rounds, Result.of(run).images) == (34, 680)
    assert is_complete(run, run.recipe.length)
    with pytest.raises(NonFiniteError):
        train("stopped", BAD_AT_14 | {"journal": '{"rounds": 1}'}, rounds=14)
    assert not is_complete(Run.open("stopped"), Duration(rounds=14))


# --- roll back ---


@WAYS
def test_roll_back_goes_on_from_the_checkpoint(way, rolled):
    run = rolled[way]
    expected = [17, 22] if way == "to two checkpoints" else [16, 16, 16]
    assert told(run) == [(round_, "d_loss", "discriminator", "inf", "roll-back") for round_ in expected]
    assert [e["round"] for e in events(run, "round")] == [5, 10, 15, 20, 25]  # each once: the journal was cut
    assert list(run.journal())[-1]["ending"] == "finished"
    assert {p.name for p in run.path.glob("non_finite/*")} == {f"round_{r:08d}.safetensors" for r in expected}
    seconds = [e["seconds"] for e in run.journal() if "seconds" in e]
    assert seconds == sorted(seconds)  # what was played in vain took its time as well


def test_rolling_back_is_a_resume_with_smaller_steps(rolled, capfd):
    """By hand: what the checkpoint of round 10 becomes with half the learning rate."""
    way = "to two checkpoints"
    with pytest.raises(NonFiniteError, match="became inf at round 17 "):
        train("by-hand", ROLLING[way] | {"non_finite": "stop"})
    file = Path("by-hand/recipe.json")
    file.write_text(file.read_text().replace('"lr": 0.01', '"lr": 0.005'))
    Path("by-hand/SHA256SUMS").unlink()
    by_hand = sparring.resume("by-hand", rounds=20, quiet=True)
    capfd.readouterr()
    run = sparring.train("spoilt", out="run", settings=ROLLING[way], rounds=20)
    assert left(run)["state"] == left(by_hand)["state"]
    sentence = "d_loss of the discriminator became inf at round 17 (epoch 1); back to round 10 with learning rates times 0.5"
    assert f"{sentence} (roll-back 1 of at most 3), see {Path('run/non_finite/round_00000017')}" in capfd.readouterr().err


@WAYS
@pytest.mark.parametrize("stops", [(3,), (10,), (13, 15), (16,), (18,), (19, 21), (20,), (21, 23)], ids=str)
@pytest.mark.parametrize("keep", [1, 2])
def test_a_stopped_run_that_rolls_back_goes_on_as_if_it_had_not_stopped(way, stops, keep, rolled, tmp_path):
    run = train(tmp_path / "run", ROLLING[way] | {"keep_checkpoints": str(keep)}, rounds=stops[0])
    for rounds in (*stops[1:], 25):
        run = sparring.resume(run, rounds=rounds, quiet=True)
    assert_same(rolled[way], run)
    assert len(checkpoint.paths(run.path / "checkpoints")) <= keep + 1  # and the one to go back to


KILLED = """
import importlib, os, signal, sys

_, module, owner, name, calls, when, *args = sys.argv
owner = getattr(importlib.import_module(module), owner) if owner else importlib.import_module(module)
there, left = getattr(owner, name), int(calls)

def call(*args, **named):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    there(*args, **named)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, call)
sys.argv = ["sparring", *args]
from sparring.cli import main
main()
"""


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        (("sparring.runs.journal", "", "truncate_after", "1", "before"), 10),
        (("sparring.runs.journal", "", "truncate_after", "1", "after"), 10),
        (("sparring.runs.recorder", "Recorder", "log_divergence", "1", "after"), 10),
        (("sparring.runs.checkpoint", "", "write", "3", "before"), 10),  # that of the roll-back itself
        (("sparring.runs.checkpoint", "", "write", "3", "after"), 10),
        (("sparring.runs.checkpoint", "", "write", "5", "after"), 20),
    ],
    ids=lambda value: " ".join(value).replace("sparring.runs.", "") if isinstance(value, tuple) else "",
)
def test_a_kill_while_rolling_back_changes_nothing(place, kept, rolled, tmp_path):
    way, out = "to two checkpoints", tmp_path / "run"
    settings = [f"--set={name}={value}" for name, value in ROLLING[way].items()]
    args = ["train", "spoilt", "--with", spoilt.__file__, "--rounds=25", f"--out={out}", "--quiet", *settings]
    done = subprocess.run([sys.executable, "-c", KILLED, *place, *args], env=os.environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert Run.open(out).newest_checkpoint()[0].info.round == kept
    assert_same(rolled[way], sparring.resume(out, quiet=True))


def test_a_kill_while_rolling_back_past_a_stop_changes_nothing(rolled, tmp_path):
    way, out = "to two checkpoints", tmp_path / "run"
    train(out, ROLLING[way], rounds=15)
    place = ("sparring.runs.journal", "", "truncate_after", "2", "after")  # the first one is that of the resume
    args = ["resume", str(out), "--with", spoilt.__file__, "--rounds=25", "--quiet"]
    done = subprocess.run([sys.executable, "-c", KILLED, *place, *args], env=os.environ, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert_same(rolled[way], sparring.resume(out, quiet=True))


def test_a_run_that_resumes_from_its_start_does_not_begin_twice(tmp_path):
    settings = SETTINGS["dropout-mlp"] | ROLL_BACK
    run = sparring.train("dropout-mlp", out=tmp_path / "run", settings=settings, rounds=3, quiet=True)
    checkpoint.path_of(run.path / "checkpoints", 3).unlink()
    run = sparring.resume(run, rounds=4, quiet=True)
    drawn = [e["file"] for e in events(run, "sample")]
    assert len(drawn) == len(set(drawn)) > 1
    assert [e["round"] for e in events(run, "checkpoint") if "best" not in e["file"]] == [0, 4]


def test_after_a_roll_back_a_recorder_knows_what_the_journal_says(rolled):
    run = rolled["to two checkpoints"]
    with Progress(quiet=True) as progress:
        engine, test = build(run.recipe, run.seed, torch.device("cpu"), progress)
    recorder = Recorder(run, engine, test, saved_round=20)
    assert engine.lr_scale == 0.25
    recorder.coach.said.add("collapse")
    recorder.best = 1.0
    recorder.reset_from_journal(10)
    assert (recorder.coach.said, recorder.best, recorder.saved_round) == (set(), float("inf"), 10)
    assert recorder.divergences.actions == {"stop": 0, "skip": 0, "roll-back": 2}


def test_roll_back_passes_over_a_damaged_checkpoint(tmp_path, capfd):
    way = "to two checkpoints"
    run = train(tmp_path / "run", ROLLING[way] | {"keep_checkpoints": "3"}, rounds=21)
    newest = checkpoint.path_of(run.path / "checkpoints", 20)
    newest.write_bytes(newest.read_bytes()[:-100])
    run = sparring.resume(run, rounds=22)  # from round 21, into trouble in round 22
    assert "back to round 10 with learning rates times 0.25 (roll-back 2 of at most 3)" in capfd.readouterr().err
    assert newest.with_suffix(".damaged").exists()
    assert [str(newest) in e["text"] for e in events(run, "warning")] == [True]
    assert [e["round"] for e in events(run)] == [17, 22]
    assert [e["round"] for e in events(run, "round")] == [5, 10, 15, 20, 22]


def test_without_an_intact_checkpoint_there_is_no_way_back(tmp_path):
    run = train(tmp_path / "run", ROLLING["to two checkpoints"], rounds=21)
    newest = checkpoint.path_of(run.path / "checkpoints", 20)
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.raises(
        NonFiniteError, match=r"round 22 \(epoch 2\), and there is no intact checkpoint to go back to \(.*; the last"
    ):
        sparring.resume(run, rounds=22, quiet=True)
    assert [e["remedy"] for e in events(run)] == ["roll-back", "stop"]


def test_after_so_many_roll_backs_the_next_one_stops_the_run():
    settings = BAD_AT_14 | {"non_finite": '{"name": "roll-back", "at_most": 2}'}
    with pytest.raises(NonFiniteError, match=r"became nan at round 14 \(epoch 1\), after 2 roll-backs; the last good"):
        train("run", settings)
    assert [e["remedy"] for e in events("run")] == ["roll-back", "roll-back", "stop"]
    assert [path.name for path in Path("run/non_finite").iterdir()] == ["round_00000014.safetensors"]
    sparring.resume("run", rounds=13, quiet=True)
    assert [e["remedy"] for e in events("run")] == ["roll-back", "roll-back"]


# --- observers ---


class Told:
    """The rounds that an observer is told of, and how the run ends for it."""

    def __init__(self, error: Exception | None = None):
        self.rounds, self.endings, self._error = [], [], error

    def on_round(self, event) -> None:
        self.rounds.append(event.round)

    def on_end(self, event) -> None:
        self.endings.append(event.ending)
        if self._error:
            raise self._error


def test_observers_are_told_of_a_divergence_whose_error_comes_before_theirs():
    told = Told(KeyError("mine"))
    with pytest.raises(NonFiniteError):
        train("run", BAD_AT_14, observers=[told])
    assert (told.rounds, told.endings) == ([*range(1, 14)], ["non-finite"])


def test_after_a_roll_back_observers_are_told_of_the_rounds_again(rolled, tmp_path):
    told = Told()
    run = train(tmp_path / "run", ROLLING["to two checkpoints"], rounds=25, observers=[told])
    assert told.rounds == [*range(1, 17), *range(11, 22), *range(21, 26)]
    assert told.endings == ["finished"]
    assert_same(rolled["to two checkpoints"], run)
