"""A resumed run is the run that never stopped: same weights, same optimisers, same journal, same pictures."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import sparring
from sparring.errors import InputError
from sparring.runs import checkpoint
from sparring.runs.run import Run
from tiny import MODERN, SETTINGS, TUTORIALS


def train(recipe: str, out: Path, rounds: int) -> Run:
    return sparring.train(recipe, rounds=rounds, out=out, seed=3, settings=SETTINGS[recipe], quiet=True)


def state(run: Run):
    saved, problems = run.newest_checkpoint()
    assert not problems
    return (saved.info.round, saved.info.images, saved.info.epoch, saved.clocks), saved.tensors


def timeless(run: Run, *kinds: str) -> list[dict]:
    """Events of these kinds without wall-clock times."""
    return [{k: v for k, v in e.items() if k != "seconds"} for e in run.journal() if e["event"] in kinds]


def assert_same_state(one: Run, other: Run) -> None:
    facts, tensors = state(one)
    other_facts, other_tensors = state(other)
    assert facts == other_facts
    assert tensors.keys() == other_tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, other_tensors[name]), name


def assert_same_pictures(one: Run, other: Run) -> None:
    pictures = [path.name for path in (one.path / "samples").iterdir()]
    assert pictures
    for name in pictures:
        assert (one.path / "samples" / name).read_bytes() == (other.path / "samples" / name).read_bytes(), name


@pytest.mark.parametrize("recipe", TUTORIALS)
def test_n_and_n_more_rounds_are_two_n_rounds(recipe, tmp_path):
    # 11 rounds an epoch: the stop after 15 lies within the second one, and the end in the third
    whole = train(recipe, tmp_path / "whole", 30)
    halves = sparring.resume(train(recipe, tmp_path / "halves", 15), rounds=30, quiet=True)
    assert_same_state(whole, halves)
    kept = [e for e in timeless(halves, "round", "epoch") if e["round"] != 15]  # where it stopped, it read once more
    assert kept == [e for e in timeless(whole, "round", "epoch") if e["round"] != 15]
    assert_same_pictures(whole, halves)


def test_a_schedule_follows_the_new_length_however_often_one_stops(tmp_path):
    """A ramp over the run: extended, then stopped and resumed, a run is the one that was extended and never stopped."""
    settings = SETTINGS["paper"] | {"ramps": '[{"of": "lr"}]', "checkpoint": '{"rounds": 6}', "keep_checkpoints": "9"}
    first = sparring.train("paper", rounds=6, out=tmp_path / "first", seed=3, settings=settings, quiet=True)
    whole = sparring.resume(first, rounds=18, quiet=True)
    shutil.copytree(whole.path, tmp_path / "again")
    again = Run.open(tmp_path / "again")
    for path in checkpoint.paths(again.path / "checkpoints"):
        if path > checkpoint.path_of(again.path / "checkpoints", 12):
            path.unlink()
    assert_same_state(whole, sparring.resume(again, quiet=True))
    before, after = (checkpoint.read(checkpoint.path_of(whole.path / "checkpoints", n)).tensors for n in (6, 12))
    assert not torch.equal(before["generator.network.0.weight"], after["generator.network.0.weight"])


def test_a_run_with_all_later_parts_goes_on_as_well(tmp_path):
    settings = MODERN | {"journal": '{"rounds": 4}'}
    whole = sparring.train("paper", rounds=30, out=tmp_path / "whole", settings=settings, quiet=True)
    half = sparring.train("paper", rounds=15, out=tmp_path / "halves", settings=settings, quiet=True)
    halves = sparring.resume(half, rounds=30, quiet=True)
    assert_same_state(whole, halves)
    assert {"average.0.weight", "memory.d_penalty", "memory.penalty.2", "memory.strength"} <= state(halves)[1].keys()
    assert_same_pictures(whole, halves)
    assert torch.equal(halves.sample(4), sparring.load(halves.path / "generator").sample(4))
    assert not torch.equal(halves.sample(4), halves.raw_generator.sample(4))


def test_resume_after_a_kill_goes_on_from_the_newest_checkpoint(tmp_path):
    whole = train("dropout-mlp", tmp_path / "whole", 600)
    run = tmp_path / "killed"
    settings = [f"--set={name}={value}" for name, value in (SETTINGS["dropout-mlp"] | {"checkpoint.epochs": "1"}).items()]
    command = [sys.executable, "-m", "sparring", "train", "dropout-mlp", "--rounds=1000000", f"--out={run}", "--seed=3"]
    process = subprocess.Popen([*command, *settings, "--quiet"], env=os.environ)
    while not list(run.glob("checkpoints/round_*.safetensors")) and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    resumed = sparring.resume(run, rounds=600, quiet=True)
    assert_same_state(whole, resumed)
    assert timeless(whole, "round", "epoch", "sample") == timeless(resumed, "round", "epoch", "sample")
    assert_same_pictures(whole, resumed)


def start(run: Path, *options: str) -> subprocess.Popen:
    """A training in a process of its own, at its 50th round."""
    settings = [f"--set={name}={value}" for name, value in SETTINGS["vanilla"].items()]
    command = [sys.executable, "-m", "sparring", "train", "vanilla", f"--out={run}", "--seed=3", *settings, *options]
    process = subprocess.Popen(command, env=os.environ, stderr=subprocess.PIPE, text=True)
    journal = run / "journal.jsonl"
    while not (journal.exists() and '"round": 50' in journal.read_text()) and process.poll() is None:
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_run(number, status, tmp_path):
    run = tmp_path / "stopped"
    process = start(run)
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == status
    assert err.splitlines()[-1] == f"sparring: stopped; go on with `sparring resume {run}`"
    stopped_at = Run.open(run).newest_checkpoint()[0].info.round
    assert stopped_at >= 50
    assert (run / "training.gif").exists()
    more = stopped_at + 7
    assert_same_state(train("vanilla", tmp_path / "whole", more), sparring.resume(run, rounds=more, quiet=True))


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_second_signal_ends_it_at_once_and_the_last_checkpoint_is_there(tmp_path):
    process = start(tmp_path / "ended", '--set=checkpoint={"rounds": 7}')
    process.send_signal(signal.SIGSTOP)  # so that both come within one round
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
        process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert err.splitlines()[-1] == "sparring: terminated"
    run = Run.open(tmp_path / "ended")
    assert [event for event in run.journal() if event["event"] == "end"] == []
    saved, problems = run.newest_checkpoint()
    assert (saved.info.round % 7, problems) == (0, [])
    more = saved.info.round + 5
    assert_same_state(train("vanilla", tmp_path / "whole", more), sparring.resume(run, rounds=more, quiet=True))


def test_a_run_says_that_it_goes_on_with_another_engine(tmp_path, capsys):
    run = train("vanilla", tmp_path / "run", 2)
    sparring.resume(run, rounds=3, engine="eager")
    assert "engine was fast and is eager now: what follows equals the run that never stopped within" in capsys.readouterr().err
    assert [event["engine"] for event in run.journal() if event["event"] == "resume"] == ["eager"]


def test_an_extended_run_keeps_its_new_length(tmp_path):
    run = sparring.resume(train("vanilla", tmp_path / "run", 5), rounds=9, quiet=True)
    assert Run.open(run.path).recipe.length.rounds == 9


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_is_used(tmp_path, capsys):
    settings = SETTINGS["vanilla"] | {"checkpoint": '{"rounds": 10}'}
    whole = sparring.train("vanilla", rounds=20, out=tmp_path / "whole", settings=settings, quiet=True)
    run = sparring.train("vanilla", rounds=20, out=tmp_path / "damaged", settings=settings, quiet=True)
    newest = checkpoint.path_of(run.path / "checkpoints", 20)
    newest.write_bytes(newest.read_bytes()[:-100])
    resumed = sparring.resume(run)
    said = capsys.readouterr().err
    assert str(newest) in said
    assert "going on from round 10" in said
    assert newest.with_suffix(".damaged").exists()
    assert [e["event"] for e in run.journal() if "cause" not in e].count("warning") == 1
    assert_same_state(whole, resumed)


def test_a_resumed_run_draws_from_its_new_weights(tmp_path):
    run = train("vanilla", tmp_path / "run", 5)
    before = run.sample(2)
    assert not torch.equal(sparring.resume(run, rounds=9, quiet=True).sample(2), before)


def test_a_journal_that_was_cut_is_refused_and_left_alone(tmp_path):
    run = train("vanilla", tmp_path / "run", 5)
    path = run.path / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="it was truncated or removed"):
        sparring.resume(run, quiet=True)
    assert len(path.read_bytes()) == 100
    path.write_bytes(b"no event\n")
    with pytest.raises(InputError, match=r"journal.jsonl:1 was damaged"):
        list(run.journal())
    (run.path / "journal.crc32").unlink()
    with pytest.raises(InputError, match=r"journal.jsonl:1 is no event"):
        list(run.journal())


def test_a_missing_picture_does_not_spoil_the_end(tmp_path):
    run = train("vanilla", tmp_path / "run", 24)
    (run.path / "samples" / "epoch_0001.png").unlink()
    sparring.resume(run, rounds=30, quiet=True)


def test_a_flipped_bit_is_noticed(tmp_path):
    run = train("paper", tmp_path / "run", 5)
    path = checkpoint.path_of(run.path / "checkpoints", 5)
    data = bytearray(path.read_bytes())
    data[-7] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="checksum"):
        checkpoint.read(path)


def test_a_finished_run_resumes_to_nothing_but_its_end(tmp_path):
    run = train("vanilla", tmp_path / "run", 12)
    before = state(run)
    again = sparring.resume(run, quiet=True)
    assert state(again)[0] == before[0]
    assert [e["event"] for e in again.journal() if "cause" not in e][-2:] == ["resume", "end"]


def test_journal_lines_are_strict_json_with_the_promised_fields(tmp_path):
    run = train("vanilla", tmp_path / "run", 12)
    events = [json.loads(line) for line in (run.path / "journal.jsonl").read_text().splitlines()]
    assert [e["event"] for e in events if "cause" not in e] == [  # the coach's remarks have causes
        "start",
        "round",
        "epoch",
        "sample",
        "sample",
        "round",
        "sample",
        "score",
        "checkpoint",  # the best so far
        "checkup",
        "checkpoint",
        "end",
    ]
    promised = {"event", "round", "epoch", "images", "seconds", "g_loss", "d_loss"}
    assert promised | {"real_logit", "fake_logit", "d_real", "d_fake"} <= events[1].keys()
    assert events[1]["images"] == 1000
    assert [e["epoch"] for e in events if e["event"] == "round"] == [1, 2]
