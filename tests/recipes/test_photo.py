"""From a folder of pictures to pictures, with nothing said but where they lie."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import sparring
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierTraining
from sparring.multiseed.task import Task

NARROW = ("--set=generator.width=4", "--set=discriminator.width=4", "--set=batch_size=8")


def pictures(folder, num: int) -> None:
    """Discs on plain ground, of mixed sizes and modes."""
    rng = random.Random(0)
    folder.mkdir()
    for number in range(num):
        mode = rng.choice(("RGB", "L", "RGBA"))
        image = Image.new("RGB", (rng.randint(64, 120), rng.randint(64, 120)), tuple(rng.randbytes(3)))
        ImageDraw.Draw(image).ellipse([20, 20, 50, 50], fill=tuple(rng.randbytes(3)))
        image.convert(mode).save(folder / f"{number:03}.png")


def test_a_folder_becomes_pictures(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    pictures(tmp_path / "mine", 300)
    done = sparring_command("train", "photo", "--data", tmp_path / "mine", "--out", "run", "--rounds=12", "--quiet", *NARROW)
    assert done.status == 0, done.err
    assert sparring_command("sample", "run", "--num", "4", "--out", "four.png").status == 0
    with Image.open("four.png") as picture:
        assert picture.mode == "RGB"
        assert min(picture.size) >= 128
    with Image.open(tmp_path / "run" / "training.gif") as animation:
        assert animation.format == "GIF"


def test_small_pictures_are_enlarged_with_one_warning(tmp_path, sparring_command, monkeypatch, caplog):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    pictures(tmp_path / "mine", 40)
    Image.new("L", (20, 30)).save(tmp_path / "mine" / "icon.png")
    done = sparring_command("train", "photo", "--data", tmp_path / "mine", "--out", "run", "--rounds=2", *NARROW)
    assert done.status == 0, done.err
    assert caplog.text.count("1 of 41 pictures are smaller than 64 x 64 pixels and were enlarged") == 1


def test_without_a_folder_it_says_what_is_missing(sparring_command):
    done = sparring_command("train", "photo")
    assert (done.status, done.out) == (2, "")
    assert "--data" in done.err


def test_one_picture_is_not_enough(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    pictures(tmp_path / "mine", 1)
    done = sparring_command("train", "photo", "--data", tmp_path / "mine")
    assert (done.status, done.err.count("\n")) == (2, 1)


def of_two_kinds(folder) -> None:
    """Pictures in two folders."""
    folder.mkdir()
    for kind in ("cats", "dogs"):
        pictures(folder / kind, 60)


def settings_of(run: str) -> dict:
    return json.loads(Path(run, "recipe.json").read_text())["recipe"]


def test_folders_are_classes_and_choices_are_made_once(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    of_two_kinds(tmp_path / "mine")
    (tmp_path / "mine" / "title.png").write_bytes((tmp_path / "mine" / "cats" / "000.png").read_bytes())
    command = ("train", "photo", "--data", tmp_path / "mine", "--set=data.size=32", *NARROW)
    done = sparring_command(*command, "--out", "run", "--rounds=2")
    assert done.status == 0, done.err
    assert "conditioned on the 2 classes of the data" in done.err
    assert "as much as D overfits to 108 images" in done.err
    chosen = settings_of("run")
    assert (chosen["z"]["classes"], chosen["z"]["weights"]) == (2, [54, 54])
    assert (chosen["condition"], chosen["pictures"][0]["name"]) == ({"name": "projection"}, "class-grid")
    assert chosen["augment"]["images_to_full"] == 2
    done = sparring_command("resume", "run", "--rounds=3")
    assert (done.status, "overfits" in done.err, "conditioned" in done.err) == (0, False, False)
    assert settings_of("run")["augment"] == chosen["augment"]
    assert sparring_command("sample", "run", "--class", "dogs", "--num", "2", "--out", "two.npz").status == 0
    assert np.load("two.npz")["labels"].tolist() == [1, 1]
    done = sparring_command(*command, "--out", "plain", "--rounds=2", "--set=condition=null", "--set=augment=null")
    assert (done.status, "overfits" in done.err) == (0, False)
    assert [settings_of("plain")[name] for name in ("condition", "augment")] == [None, None]
    assert settings_of("plain")["z"]["name"] == "normal"


def test_several_seeds_go_on_with_their_choices(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    of_two_kinds(tmp_path / "mine")
    how = {"data": str(tmp_path / "mine"), "rounds": 1}
    settings = {"data.size": 32, "generator.width": 4, "discriminator.width": 4}
    run = sparring.train("photo", out="run", settings=settings, quiet=True, **how)
    Task.of("photo", settings=settings, **how).check_same(run, 0)
    with pytest.raises(InputError, match="with another setting of augment"):
        Task.of("photo", settings=settings | {"augment": None}, **how).check_same(run, 0)


def test_the_recipe_shows_what_it_leaves_open(sparring_command):
    shown = sparring_command("recipes", "photo").out.splitlines()
    assert {'augment = "auto"', 'condition = "auto"'} <= set(shown)


def test_oblong_pictures_from_training_to_scores(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    of_two_kinds(tmp_path / "mine")
    shaped = ("--set=data.size=[32,48]", "--set=data.fit=pad", "--set=data.background=#008000")
    done = sparring_command("train", "photo", "--data", tmp_path / "mine", "--out", "run", "--rounds=3", *shaped, *NARROW)
    assert done.status == 0, done.err
    run = sparring.Run.open("run")
    extractors.train(run.recipe.data, "discs", settings=ClassifierTraining(epochs=1))
    with Image.open(run.frames()[-1]) as drawn:
        assert drawn.height == 2 * 34 + 2
        assert drawn.width > 8 * 50 + 2  # and the names of the classes
    for out, num in (("some.npz", "40"), ("all.png", "12"), ("some", "4")):
        assert sparring_command("sample", "run", "--num", num, "--out", out).status == 0
    assert np.load("some.npz")["images"].shape == (40, 32, 48, 3)
    with Image.open("some/00000.png") as picture:
        assert picture.size == (48, 32)
    assert sparring.evaluate("run", num=1000, draws=2, quiet=True)["frechet_distance"].value > 0
    assert sparring.resume("run", rounds=4, quiet=True).path == Path("run")
