"""From a folder of pictures to pictures, with nothing said but where they lie."""

import random

from PIL import Image, ImageDraw

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
