from pathlib import Path

import pytest
import torch

import sparring
from sparring.data import IdxFolder, Mnist, recent, resolve
from sparring.errors import InputError
from sparring.storage.cache import cache_folder
from tiny import SETTINGS


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch):
    monkeypatch.setattr(recent, "_kept", {})


@pytest.fixture
def opened(monkeypatch):
    """The names of all IDX files that are opened, in their order."""
    names, open_ = [], Path.open

    def note(path, *given, **named):
        if "ubyte" in path.name:
            names.append(path.name)
        return open_(path, *given, **named)

    monkeypatch.setattr(Path, "open", note)
    return names


@pytest.fixture
def folder(tmp_path, encode):
    """Images enough for a training."""
    place = tmp_path / "data"
    place.mkdir()
    for name, num in (("train", 200), ("t10k", 20)):
        (place / f"{name}-images-idx3-ubyte").write_bytes(encode([num, 4, 4]))
        (place / f"{name}-labels-idx1-ubyte").write_bytes(encode([num], [i % 10 for i in range(num)]))
    return place


MNIST = [file.name for file in Mnist.files]


@pytest.mark.parametrize("recipe", ["vanilla", "stacked"])
def test_a_training_with_scores_reads_every_file_once(opened, tmp_path, recipe):
    run = sparring.train(recipe, settings=SETTINGS[recipe], rounds=3, out=tmp_path / "run", quiet=True)
    assert run.recipe.review is not None
    assert '"score"' in (run.path / "journal.jsonl").read_text()
    assert sorted(opened) == sorted(MNIST)


def test_another_training_reads_what_has_changed_since(opened, folder, tmp_path):
    def train(name):
        opened.clear()
        settings = SETTINGS["vanilla"] | {"data.held_back": "8"}
        run = sparring.train("vanilla", data=str(folder), settings=settings, rounds=1, out=tmp_path / name, quiet=True)
        return run.facts["data_fingerprint"]

    first = train("a")
    assert len(opened) == 4
    assert train("b") == first
    assert opened == []
    images = folder / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")  # as many bytes
    assert train("c") != first
    assert opened == ["train-images-idx3-ubyte"]


def test_the_checksum_is_compared_again_when_the_file_has_changed(tmp_path, monkeypatch):
    whole = {name: (cache_folder() / "mnist" / name).read_bytes() for name in MNIST[2:]}
    monkeypatch.setattr(Mnist, "is_cached", lambda _: True)
    monkeypatch.setattr(Mnist, "sources", ())
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for name, data in whole.items():
        (tmp_path / "mnist" / name).write_bytes(data)
    assert len(Mnist().test()) == 10_000
    with (tmp_path / "mnist" / MNIST[3]).open("r+b") as file:
        file.seek(1000)
        file.write(b"\x0b")
    with pytest.raises(InputError, match="could not fetch t10k-labels-idx1-ubyte"):
        Mnist().test()


def test_whoever_writes_into_a_tensor_does_not_change_the_data(folder):
    data = IdxFolder(str(folder), held_back=3)
    fingerprint = data.train().fingerprint()
    assert data.train().images.data_ptr() == data.train().images.data_ptr()
    data.train().images[5:].fill_(7)
    assert data.train().fingerprint() == fingerprint


def test_a_relative_name_is_that_of_the_folder_that_one_is_in(folder, tmp_path, monkeypatch, four_files):
    other = tmp_path / "other"
    other.mkdir()
    for name, data in four_files.items():
        (other / name).write_bytes(data)
    for place, num in ((folder, 200), (other, 5)):
        monkeypatch.chdir(place)
        assert len(IdxFolder(".").train()) == num


def test_no_more_is_kept_than_the_files_of_one_data_set(folder, tmp_path, four_files, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    for name, data in four_files.items():
        (other / name).write_bytes(data)
    for place in (folder, other):
        for read in (resolve(str(place)).train, resolve(str(place)).test):
            read()
    assert {path.parent for path in recent._kept} == {other}
    monkeypatch.setattr(recent, "MOST_BYTES", 100)
    IdxFolder(str(folder)).train()
    assert {path.name for path in recent._kept if path.parent == folder} == set()


def test_a_file_that_is_gone_is_not_kept(tmp_path):
    assert recent.tensor(tmp_path / "gone", lambda: torch.zeros(2)).tolist() == [0, 0]
    assert recent._kept == {}


def test_the_files_read_last_are_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(recent, "MOST_FILES", 2)
    read = []

    for name in "abc":
        (tmp_path / name).touch()
    for name in "abacab":
        recent.tensor(tmp_path / name, lambda name=name: read.append(name) or torch.zeros(1))
    assert read == ["a", "b", "c", "b"]
