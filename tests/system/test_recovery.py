"""The recovery file: after a kill a run goes on from it, and a run that nobody disturbed is as if there were none."""

import os
import signal
import sys
from pathlib import Path
from typing import cast

import pytest
import spoilt  # noqa: F401 (registers its data set and its loss)
import torch

import sparring
from sparring.config.schedules import RoundInfo
from sparring.errors import InputError, MachineError, NonFiniteError
from sparring.runs import checkpoint, recovery
from sparring.runs.journal import Journal
from sparring.runs.recovery import Recovery
from sparring.runs.run import Run
from sparring.training.gan import GAN
from sparring.training.observers import Event
from tiny import SETTINGS
from torture.kills import Arena, boundaries, differences, fork, wait

FILE = Path("run/checkpoints/recovery.safetensors")
UNDER_A_LIMIT = {"non_finite": "roll-back", "loss": '{"name": "brittle", "limit": 0.6}'}  # back to round 10, later to 20

needs_fork = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")


@pytest.fixture(scope="module")
def arena(tmp_path_factory) -> Arena:
    """With the run of a recorder that had no time to write a recovery file."""
    return Arena.prepare(tmp_path_factory.mktemp("arena"), ["vanilla"])


@pytest.fixture
def every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recovery file after every round without a checkpoint."""
    for name, value in (("FIRST_SECONDS", 0), ("SECONDS", 0), ("SHARE", 1e9)):
        monkeypatch.setattr(recovery, name, value)


def train(rounds: int, out: str = "run", recipe: str = "vanilla", **settings: str) -> Run:
    return sparring.train(recipe, rounds=rounds, out=out, settings=SETTINGS.get(recipe, {}) | settings, quiet=True)


class Killer(sparring.Observer):
    def __init__(self, at: int):
        self._at = at

    def on_round(self, event: Event) -> None:
        if event.round == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def killed(at: int, rounds: int = 20, **how) -> None:
    """A run with recovery files that is killed in this round, before it writes that of the round."""
    train_on = lambda: sparring.train("vanilla", rounds=rounds, out="run", observers=[Killer(at)], quiet=True, **how)  # noqa: E731
    assert wait(fork(train_on)) == -signal.SIGKILL
    assert checkpoint.read(FILE).info.round == at - 1


def test_a_run_that_nobody_disturbed_is_as_if_there_were_none(arena, every_round, tmp_path):
    found = boundaries("vanilla", tmp_path / "run")
    assert found > arena.boundaries["vanilla"] + 20 * 5  # it was written
    assert differences(Run.open(arena.root / "vanilla"), Run.open(tmp_path / "run")) == []
    assert not FILE.exists()


@needs_fork
@pytest.mark.parametrize("at", [[121], [333], [555], [300, 60, 150]], ids=str)
def test_a_kill_anywhere_changes_nothing(arena, every_round, at):
    assert arena.kill_at("vanilla", *at) == []


@needs_fork
def test_a_kill_before_the_first_checkpoint(every_round, capfd):
    whole = train(20, "whole")
    killed(9, settings=SETTINGS["vanilla"])
    assert not checkpoint.paths(FILE.parent)
    with pytest.raises(InputError, match=r"^run has saved no checkpoint yet; train it on with `sparring resume run`$"):
        sparring.sample("run")
    resumed = sparring.resume("run")
    assert "run goes on from round 8\n" in capfd.readouterr().err
    assert differences(whole, resumed) == []


def test_where_there_was_no_checkpoint_it_begins_anew(capfd):
    whole = train(4)
    (whole.path / "journal.crc32").unlink()
    (whole.path / "journal.jsonl").write_text((whole.path / "journal.jsonl").read_text().splitlines(keepends=True)[0])
    for path in FILE.parent.iterdir():
        path.unlink()
    assert sparring.resume("run").newest_checkpoint()[0].info.round == 4
    assert "run begins anew, for it was stopped before its first checkpoint\n" in capfd.readouterr().err


@needs_fork
def test_a_module_of_the_users_own_is_there_from_its_start(capfd):
    def own(seed: int) -> torch.nn.Module:
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(784, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1), torch.nn.Flatten(0)
        )

    settings = {name: value for name, value in SETTINGS["vanilla"].items() if "discriminator" not in name}
    how = {"settings": settings, "discriminator": own(0)}
    whole = sparring.train("vanilla", rounds=20, out="whole", quiet=True, **how)
    assert wait(fork(lambda: sparring.train("vanilla", rounds=20, out="run", observers=[Killer(3)], quiet=True, **how))) == -9
    assert differences(whole, sparring.resume("run", discriminator=own(1))) == []
    assert "run goes on from round 0\n" in capfd.readouterr().err


@needs_fork
def test_a_damaged_one_is_named_and_the_checkpoint_before_it_is_used(every_round, capfd):
    settings = SETTINGS["vanilla"] | {"checkpoint": '{"rounds": 7}'}
    whole = train(20, "whole", **settings)
    killed(12, settings=settings)
    FILE.write_bytes(FILE.read_bytes()[:-100])
    assert [str(FILE) in sentence for sentence in Run.open("run").damage()] == [True]
    resumed = sparring.resume("run")
    assert f"{FILE} is no intact checkpoint: " in (said := capfd.readouterr().err)
    assert "going on from round 7\n" in said
    assert differences(whole, resumed) == ["journal"]  # which has the warning
    assert list(resumed.damage()) == []


@needs_fork
def test_a_length_that_the_file_is_past(every_round):
    killed(9, settings=SETTINGS["vanilla"])
    resumed = sparring.resume("run", rounds=5, quiet=True)
    assert resumed.newest_checkpoint()[0].info.round == 8
    assert not FILE.exists()


@needs_fork
@pytest.mark.parametrize("at", [15, 18, 24])
def test_it_is_no_target_of_a_roll_back(at, every_round):
    whole = sparring.train("spoilt", rounds=25, out="whole", settings=UNDER_A_LIMIT, quiet=True)
    assert [event["round"] for event in whole.journal() if event["event"] == "non-finite"] == [17, 22]
    how = {"rounds": 25, "out": "run", "settings": UNDER_A_LIMIT, "quiet": True, "observers": [Killer(at)]}
    assert wait(fork(lambda: sparring.train("spoilt", **how))) == -signal.SIGKILL
    assert differences(whole, sparring.resume("run", quiet=True)) == []


@needs_fork
def test_a_kill_right_after_a_roll_back_leaves_none_that_is_newer(every_round, monkeypatch):
    whole = sparring.train("spoilt", rounds=25, out="whole", settings=UNDER_A_LIMIT, quiet=True)

    def die_in_the_cut(*_) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr("sparring.runs.scorebook.truncate_after", die_in_the_cut)
        how = {"rounds": 25, "out": "run", "settings": UNDER_A_LIMIT, "quiet": True}
        assert wait(fork(lambda: sparring.train("spoilt", **how))) == -signal.SIGKILL
    assert not FILE.exists()
    assert differences(whole, sparring.resume("run", quiet=True)) == []


def test_a_run_that_diverged_leaves_none(every_round):
    with pytest.raises(NonFiniteError, match="kept: run/checkpoints/round_00000010"):
        sparring.train("spoilt", out="run", settings={"data.bad": "[262]"}, rounds=20, quiet=True)
    assert [path.name for path in FILE.parent.iterdir()] == ["round_00000010.safetensors"]


def test_a_full_disk_is_told_once_and_training_goes_on(every_round, monkeypatch, capfd):
    write = checkpoint.write

    def full(path: Path, *rest) -> None:
        if path.name == FILE.name:
            raise MachineError("no room")
        write(path, *rest)

    monkeypatch.setattr(checkpoint, "write", full)
    run = sparring.train("vanilla", rounds=12, out="run", settings=SETTINGS["vanilla"])
    told = "the recovery file could not be written, and training goes on without it: no room"
    assert capfd.readouterr().err.count(told) == 1
    assert "no room" not in (run.path / "journal.jsonl").read_text()


class Clock:
    """A clock of which a write takes `cost` seconds; it counts the writes."""

    def __init__(self, cost: float, monkeypatch: pytest.MonkeyPatch):
        self.now, self._cost, self.writes = 1000.0, cost, []
        monkeypatch.setattr(recovery.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(checkpoint, "check_finite", lambda _: None)
        monkeypatch.setattr(checkpoint, "write", self._write)

    def _write(self, *_) -> None:
        self.writes.append(self.now - 1000)
        self.now += self._cost

    is_written = True

    def sync(self) -> int:
        return 0


@pytest.mark.parametrize(("cost", "expected"), [(0.1, [60, 240, 420, 600]), (5, [60, 565, 1070, 1575])])
def test_it_is_written_by_the_clock_and_takes_less_than_a_hundredth_of_the_time(cost, expected, monkeypatch, tmp_path):
    clock = Clock(cost, monkeypatch)
    gan, journal = cast(GAN, None), cast(Journal, clock)
    written, any_round = Recovery(tmp_path, print), RoundInfo(1, 1, 1, 1.0)
    while len(clock.writes) < 4:
        written.write_if_due(gan, any_round, journal)
        clock.now += 1
    assert clock.writes == pytest.approx(expected, abs=1)
    written.remove()
    since = clock.now
    while len(clock.writes) < 5:
        written.write_if_due(gan, any_round, journal)
        clock.now += 1
    assert clock.writes[-1] - (since - 1000) == pytest.approx(max(180, 100 * cost), abs=1)
