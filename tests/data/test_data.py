import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring
from sparring.config.registry import kebab, name_of, names
from sparring.data import (
    Gaussian1d,
    IdxFolder,
    ImageSet,
    Kmnist,
    Mnist,
    NpzFile,
    PictureFolder,
    PointSet,
    Ring,
    StackedSet,
    listing,
    moved,
    resolve,
)
from sparring.errors import InputError


def test_names_resolve_to_parts_with_their_defaults():
    assert resolve("mnist") == Mnist()
    assert resolve("gaussian-1d") == Gaussian1d()
    assert resolve("ring") == Ring()


def test_a_folder_resolves_to_its_idx_files_wherever_it_is_named_from(tmp_path, four_files, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, data in four_files.items():
        (folder / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    assert resolve("./mnist") == resolve(str(folder)) == IdxFolder(str(folder))
    assert resolve("mnist") == Mnist()


@pytest.mark.parametrize("name", ["minst", "Mnist", "gaussian1d"])
def test_unknown_names_are_answered_with_the_nearest(name):
    with pytest.raises(InputError, match=r"neither a data set nor a folder; did you mean '(mnist|gaussian-1d)'"):
        resolve(name)


def draw_pictures(folder, num=20):
    for level in range(num):
        Image.new("L", (3, 2), level).save(folder / f"{level}.png")


def test_any_other_folder_resolves_to_its_pictures(tmp_path, monkeypatch):
    draw_pictures(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert resolve(".") == resolve(str(tmp_path)) == PictureFolder(str(tmp_path), enlarge=True, reading=2, background="white")


@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte", "train-images-idx3-ubyte.gz"])
def test_one_idx_file_tells_what_the_folder_is(tmp_path, name):
    draw_pictures(tmp_path)
    (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"lacks .*; a data folder holds MNIST's four IDX files"):
        resolve(str(tmp_path))


def test_other_folders_and_files_are_answered_with_what_is_needed(tmp_path):
    with pytest.raises(InputError, match="holds neither pictures nor MNIST's four IDX files"):
        resolve(str(tmp_path))
    draw_pictures(tmp_path, 1)
    with pytest.raises(InputError, match="holds only one picture; at least 2 are needed"):
        resolve(str(tmp_path))
    with pytest.raises(InputError, match=r"is a file; name a folder, a \.zip or an \.npz of pictures, or a folder"):
        resolve(str(tmp_path / "0.png"))


@pytest.mark.parametrize("name", ["idx-folder", "npz-file", "picture-folder"])
def test_a_part_that_needs_a_path_says_so(name):
    with pytest.raises(InputError, match=f"{name} has no default path"):
        resolve(name)
    assert name not in [listed for listed, *_ in listing()]


@pytest.mark.parametrize("name", sorted(set(names("data")) - {"cifar10", "fashion-mnist", "kmnist"}))  # see test_public_sets
def test_every_registered_data_set_keeps_the_contract(name, tmp_path, four_files, monkeypatch):
    if name == "picture-folder":
        monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    if name == "idx-folder":
        for file, content in four_files.items():
            (tmp_path / file).write_bytes(content)
    draw_pictures(tmp_path)
    np.savez(tmp_path / "images.npz", images=np.arange(80, dtype=np.uint8).reshape(5, 4, 4))
    paths = {"idx-folder": tmp_path, "picture-folder": tmp_path, "npz-file": tmp_path / "images.npz"}
    data = resolve(str(paths.get(name, name)))
    assert name_of(data) == name
    assert data.summary
    assert "\n" not in data.summary
    data.fetch()
    assert data.is_cached()
    for examples in (data.train(), data.test()):
        assert isinstance(examples, ImageSet | PointSet | StackedSet)
        assert len(examples) > 0
    assert data.train().fingerprint() == data.train().fingerprint() != data.test().fingerprint()
    assert data in {data}


def test_parts_register_from_every_file_of_the_folder_and_below():
    sources = [file.read_text(encoding="utf-8") for file in (Path(sparring.__file__).parent / "data").rglob("*.py")]
    written = {name for source in sources for name in re.findall(r'^@register\("data"\)\n(?:@.*\n)*class (\w+)', source, re.M)}
    assert len(written) >= 12
    assert {kebab(name) for name in written} <= set(names("data"))


def test_data_that_moved_are_read_as_they_were(tmp_path, four_files):
    pictures, arrays, idx = tmp_path / "pictures", tmp_path / "a.npz", tmp_path / "idx"
    idx.mkdir()
    pictures.mkdir()
    for name, content in four_files.items():
        (idx / name).write_bytes(content)
    for level in range(3):
        Image.new("L", (3, 2), level).save(pictures / f"{level}.png")
    np.savez(arrays, images=np.zeros((4, 2, 3), np.uint8))
    old = PictureFolder("/gone", held_back=1, size=2, channels=3, skip_bad=True)  # as version 0.1 read it
    assert moved(str(pictures), old) == replace(old, path=str(pictures))
    assert moved(str(idx), IdxFolder("/gone", held_back=2)) == IdxFolder(str(idx), held_back=2)
    assert moved(str(arrays), NpzFile("/gone/a.npz", "/gone/test.npz")) == NpzFile(str(arrays), str(tmp_path / "test.npz"))
    assert moved(str(arrays), NpzFile("/gone/a.npz", str(arrays))) == NpzFile(str(arrays), str(arrays))
    assert moved(str(arrays), Mnist()) == NpzFile(str(arrays))
    assert moved("kmnist", NpzFile("/gone/a.npz")) == Kmnist()
