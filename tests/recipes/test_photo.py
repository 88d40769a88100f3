"""From a folder of pictures to pictures, with nothing said but where they lie."""

import random
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import sparring
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierTraining

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


def test_oblong_pictures_from_training_to_scores(tmp_path, sparring_command, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    for kind in ("a", "b"):
        pictures(tmp_path / f"mine-{kind}", 60)
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / f"mine-{kind}").rename(tmp_path / "mine" / kind)
    shaped = ("--set=data.size=[32,48]", "--set=data.fit=pad", "--set=data.background=#008000")
    done = sparring_command("train", "photo", "--data", tmp_path / "mine", "--out", "run", "--rounds=3", *shaped, *NARROW)
    assert done.status == 0, done.err
    run = sparring.Run.open("run")
    extractors.train(run.recipe.data, "discs", settings=ClassifierTraining(epochs=1))
    with Image.open(run.frames()[-1]) as drawn:
        assert drawn.size == (8 * 50 + 2, 4 * 34 + 2)
    for out, num in (("some.npz", "40"), ("all.png", "12"), ("some", "4")):
        assert sparring_command("sample", "run", "--num", num, "--out", out).status == 0
    assert np.load("some.npz")["images"].shape == (40, 32, 48, 3)
    with Image.open("some/00000.png") as picture:
        assert picture.size == (48, 32)
    assert sparring.evaluate("run", num=1000, draws=2, quiet=True)["frechet_distance"].value > 0
    assert sparring.resume("run", rounds=4, quiet=True).path == Path("run")
