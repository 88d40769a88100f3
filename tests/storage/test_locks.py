"""Locks of folders: a new folder is given to one holder only, and an unused one is removed again."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier

import pytest

import sparring
from sparring.errors import InputError
from sparring.multiseed.train_seeds import train_seeds
from sparring.storage import checksums, locks
from tiny import SETTINGS


def test_a_new_folder_is_given_to_one_holder_only():
    ready, held = Barrier(8), ExitStack()

    def take(_: int) -> str:
        ready.wait()
        return held.enter_context(locks.new_run_lock(Path("runs/name"))).name

    with held, ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(take, range(8))) == ["name", *(f"name-{number}" for number in range(2, 9))]
    assert list(Path("runs").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a file in use cannot be removed")
def test_an_unused_folder_is_removed_while_it_is_held(monkeypatch):
    drop, dropped = locks._drop_unused, []

    def drop_while_another_asks(folder: Path) -> None:
        with pytest.raises(InputError, match="another process trains"), locks.run_lock(folder):
            pass
        drop(folder)
        dropped.append(folder)

    monkeypatch.setattr(locks, "_drop_unused", drop_while_another_asks)
    with locks.run_lock(Path("runs/name")):
        pass
    assert dropped == [Path("runs/name")]
    assert list(Path("runs").iterdir()) == []


def test_a_folder_that_cannot_be_created_is_refused():
    Path("runs").write_text("no folder")
    with pytest.raises(InputError, match=r"cannot write runs.name: File exists"), locks.new_run_lock(Path("runs/name")):
        pass


def test_trainings_begun_in_one_second_have_folders_of_their_own(monkeypatch):
    monkeypatch.setattr(time, "strftime", lambda *_: "20261126-120000")
    for path in ("runs/20261126-120000-vanilla-seed0", "runs/20261126-120000-vanilla-seed0-2"):
        assert sparring.train("vanilla", rounds=1, settings=SETTINGS["vanilla"], quiet=True).path == Path(path)
    for path in ("runs/20261126-120000-vanilla-seeds0", "runs/20261126-120000-vanilla-seeds0-2"):
        assert train_seeds("vanilla", [0], rounds=1, settings=SETTINGS["vanilla"], quiet=True).folder == Path(path)


def test_each_file_of_a_run_has_one_checksum_once_nobody_trains_it(tmp_path):
    for name, content in (("recipe.json", b"{}"), ("a.png", b"first"), ("a.png", b"second")):
        checksums.write(tmp_path, name, content)
    listed = tmp_path / checksums.NAME
    with locks.run_lock(tmp_path):  # a training has it
        locks.tidy_checksums(tmp_path)
        assert len(listed.read_text().splitlines()) == 3
    locks.tidy_checksums(tmp_path)
    assert len(listed.read_text().splitlines()) == 2
    assert list(checksums.problems(tmp_path)) == []
