"""Disks that take no more, folders that vanish, bits that flip, and two processes on one run."""

import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sparring
from sparring.errors import InputError, MachineError
from sparring.runs import checkpoint
from sparring.runs.run import Run
from sparring.storage import locks
from tiny import SETTINGS

TINY = [f"--set={name}={value}" for name, value in SETTINGS["vanilla"].items()]


@pytest.fixture
def run(tmp_path) -> Run:
    """Two epochs of 11 rounds, with a checkpoint after each."""
    settings = SETTINGS["vanilla"] | {"checkpoint.epochs": "1"}
    return sparring.train("vanilla", rounds=22, out=tmp_path / "run", settings=settings, quiet=True)


@pytest.fixture
def small_files():
    """A limit to the size of files, as a disk that is nearly full would set it: what is larger fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda num_bytes: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_stops_the_training_and_the_last_checkpoint_stays(run, small_files):
    newest = checkpoint.paths(run.path / "checkpoints")[0]
    before = newest.read_bytes()
    small_files(len(before) // 2)
    words = r"cannot write .*round_00000033.safetensors: File too large \(it needs [\d.]+ MiB, [\d,.]+ MiB are free\); the "
    with pytest.raises(MachineError, match=words + f"last good checkpoint is kept: .*{newest.name}"):
        sparring.resume(run, rounds=44, quiet=True)
    assert newest.read_bytes() == before
    events = list(run.journal())
    assert (events[-1]["event"], events[-1]["ending"]) == ("end", "machine")
    assert "round_00000033" in events[-1]["reason"]
    small_files(resource.RLIM_INFINITY)
    assert sparring.resume(run.path, quiet=True).newest_checkpoint()[0].info.round == 44


def test_a_full_disk_need_not_stop_the_training(run, small_files, capsys):
    small_files(checkpoint.paths(run.path / "checkpoints")[0].stat().st_size // 2)
    with pytest.raises(MachineError, match="could not be saved as it is after round 44"):
        sparring.resume(run, rounds=44, on_write_error="continue", quiet=False)
    assert "round_00000033.safetensors: File too large" in capsys.readouterr().err
    assert run.rounds()[-1]["round"] == 44
    assert [e["round"] for e in run.journal() if e["event"] == "warning" and "cause" not in e] == [
        33,
        44,
        44,
    ]  # the last one is tried again at the end
    small_files(resource.RLIM_INFINITY)
    again = sparring.resume(run.path, quiet=True)
    assert again.newest_checkpoint()[0].info.round == 44
    assert list(again.damage()) == []


def test_a_folder_that_is_removed_stops_the_training(tmp_path):
    process = start(tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert re.search(rf"sparring: cannot write {tmp_path}/run/\S+: No such file or directory .* its folder is gone", err)
    assert "Traceback" not in err


def test_a_folder_that_is_removed_is_made_anew_where_training_goes_on(tmp_path):
    process = start(tmp_path / "run", "--on-write-error=continue", rounds=1500)
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "training goes on" in err
    run = Run.open(tmp_path / "run")
    assert run.newest_checkpoint()[0].info.round == 1500
    assert list(run.damage()) == []


def test_a_second_process_on_a_run_is_refused(tmp_path, sparring_command):
    process = start(tmp_path / "run")
    for args in (("resume", tmp_path / "run"), ("resume", tmp_path / "run", "--rounds=5")):
        done = sparring_command(*args)
        assert done.status == 2
        assert f"sparring: another process trains {tmp_path}/run; wait until it has ended, or stop it" in done.err
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert sparring_command("resume", tmp_path / "run", "--rounds=1").status == 0


def test_a_folder_that_another_process_is_about_to_use_is_refused(tmp_path):
    with locks.run_lock(tmp_path / "run"), pytest.raises(InputError, match="another process trains"):
        sparring.train("vanilla", rounds=1, out=tmp_path / "run", settings=SETTINGS["vanilla"], quiet=True)


def test_a_folder_where_nothing_can_be_written(tmp_path, sparring_command):
    done = sparring_command("train", "vanilla", "--rounds=1", "--out=/proc/run", *TINY)
    assert done.status in (2, 4)
    assert "cannot write /proc/run" in done.err
    assert "Traceback" not in done.err


def flip(path: Path) -> None:
    """One bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_in_any_file_is_noticed_and_the_file_named(run, sparring_command):
    files = [path for path in run.path.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    assert len(files) > 15
    assert list(run.damage()) == []
    for path in files:
        whole = path.read_bytes()
        flip(path)
        done = sparring_command("runs", run.path, "--check")
        assert done.status == 2, path
        named = {"journal.crc32": "journal.jsonl"}.get(path.name, path.name)
        assert named in done.err or path.name == "SHA256SUMS", path
        path.write_bytes(whole)
    assert sparring_command("runs", run.path, "--check").status == 0


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("recipe.json", ("resume",)),
        ("journal.jsonl", ("resume",)),
        ("samples/epoch_0001.png", ("animate",)),
        ("checkpoints/round_00000022.safetensors", ("sample", "checkpoints/round_00000022.safetensors")),
        ("checkpoints/best.safetensors", ("sample", "checkpoints/best.safetensors")),
    ],
)
def test_who_needs_a_damaged_file_names_it(run, file, command, sparring_command):
    flip(run.path / file)
    done = sparring_command(command[0], run.path.joinpath(*command[1:]))
    assert done.status == 2
    assert Path(file).name in done.err
    assert "Traceback" not in done.err


def test_scores_are_shown_where_they_cannot_be_added_to_a_damaged_file(run, sparring_command):
    flip(run.path / "scores.jsonl")
    done = sparring_command("evaluate", run.path, "--num=1000", "--draws=2")
    assert done.status == 0
    assert "frechet distance" in done.out
    assert "scores.jsonl" in done.out + done.err


def test_samples_of_an_older_checkpoint_are_told(run, sparring_command, caplog):
    flip(run.path / "checkpoints" / "round_00000022.safetensors")
    assert sparring_command("sample", run.path, "--num=1").status == 0
    assert "round_00000022.safetensors is no intact checkpoint" in caplog.text
    assert "round 11 is taken in its place" in caplog.text


def test_a_damaged_picture_is_told_and_does_not_keep_the_run_from_going_on(run, capsys):
    flip(run.path / "samples" / "epoch_0001.png")
    resumed = sparring.resume(run, rounds=24)
    told = f"{run.path}/samples/epoch_0001.png was damaged or changed"
    assert told in capsys.readouterr().err
    assert any(e["event"] == "warning" and told in e["text"] for e in resumed.journal())


def test_a_damaged_generator_is_refused(run, sparring_command):
    flip(run.path / "generator" / "model.safetensors")
    done = sparring_command("sample", run.path / "generator", "--num=1")
    assert done.status == 2
    assert "generator/model.safetensors was damaged or changed" in done.err


def test_other_circumstances_are_told(run, capsys):
    facts = json.loads((run.path / "recipe.json").read_text())
    (run.path / "SHA256SUMS").unlink()
    (run.path / "recipe.json").write_text(json.dumps(facts | {"threads": 7}))
    sparring.resume(run.path, rounds=23)
    assert "threads was 7 and is 1 now" in capsys.readouterr().err


def start(out: Path, *options: str, rounds: int = 1_000_000) -> subprocess.Popen[str]:
    """A training in a process of its own, some rounds after its first checkpoint."""
    cadence = ["--set=checkpoint.epochs=1", "--set=review=null", "--quiet" if not options else "--set=batch_size=96"]
    command = [sys.executable, "-m", "sparring", "train", "vanilla", f"--rounds={rounds}", f"--out={out}", *TINY]
    process = subprocess.Popen([*command, *cadence, *options], env=os.environ, stderr=subprocess.PIPE, text=True)
    while not list(out.glob("checkpoints/round_*.safetensors")) and process.poll() is None:
        time.sleep(0.01)
    assert process.poll() is None
    return process
