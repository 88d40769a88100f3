"""`sparring data show` and `sparring data check --for RECIPE`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring import recipes
from sparring.api.outlook import lines, outlook
from sparring.api.real_grid import real_grid
from sparring.augment.auto import MANY
from sparring.data import Ring, resolve
from sparring.data.folder.picture_folder import PictureFolder
from sparring.errors import InputError
from sparring.visual import decode_png

SMALL = [f"--set=data.{setting}" for setting in ("size=32", "channels=1")]


@pytest.fixture
def folder(tmp_path):
    """Two class folders of twelve pictures each, of sizes that a square of 32 pixels enlarges and crops."""
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for level in range(12):
            Image.new("L", (30, 90), 100 * number + level).save(tmp_path / "mine" / name / f"{level}.png")
    return tmp_path / "mine"


def test_check_for_a_recipe_says_what_to_expect_and_what_to_type(folder, sparring_command):
    done = sparring_command("data", "check", "mine", "--for", "photo", *SMALL)
    assert done.status == 0, done.err
    told = done.out.splitlines()
    assert any(line.startswith("time to expect") and " on cpu, " in line for line in told)
    assert "5,000 rounds: each of the " in done.out
    assert "yes, fewer than 2,000 pictures" in done.out
    assert "24 pictures are smaller than 32 x 32" in done.out
    assert "24 pictures lose their ends" in done.out
    assert told[-1].endswith("sparring train photo --data mine --set data.size=32 --set data.channels=1")


def test_check_for_a_recipe_that_cannot_take_the_data_is_refused(folder, sparring_command):
    done = sparring_command("data", "check", "mine", "--for", "photo", "--set", "size=20")
    assert done.status == 2
    assert done.err.count("\n") <= 2
    assert "Traceback" not in done.err


REPORT = {"train": 50_000, "duplicates": 0, "shape": "1 x 28 x 28"}


def remarks(monkeypatch, recipe, epochs=10.0, **report):
    found = {"recipe": recipe.name, "device": "cpu", "rounds": 100, "epochs": epochs, "ms_per_round": 20.0}
    monkeypatch.setattr("sparring.api.outlook.dry_run", lambda recipe, quiet: found | {"seconds_to_expect": 300.0})
    told = outlook(recipe, REPORT | report)
    assert dict(lines(told, REPORT["train"]))["time to expect"] == "about 5 min on cpu, 20 ms a round"
    return told["few_shot"], " ".join(told["remarks"])


def test_likely_trouble_is_told(monkeypatch):
    flash, cgan = recipes.get("flash"), recipes.get("cgan")
    assert remarks(monkeypatch, flash, epochs=1000.0) == (False, "")
    few, text = remarks(monkeypatch, replace(flash, augment=None), epochs=301.0, train=MANY - 1)
    assert few
    assert "learnt by heart" in text
    assert "may be copied" in text
    assert remarks(monkeypatch, flash, duplicates=500) == (False, "")
    assert "501 pictures are copies" in remarks(monkeypatch, flash, duplicates=501)[1]
    uneven = {"a": 1001, "b": 100}
    assert "the largest class has 1,001 pictures and the smallest 100" in remarks(monkeypatch, cgan, per_class=uneven)[1]
    assert remarks(monkeypatch, flash, per_class=uneven)[1] == ""  # which is not told of classes


def test_trouble_with_pictures_is_told(monkeypatch):
    photo = replace(recipes.get("photo"), data=PictureFolder("mine", size=64, channels=3))
    report = {"shape": "3 x 64 x 64", "pictures": 9, "stored_grey": 9, "other_sizes": 3, "sizes": {"64 x 97": 4, "65 x 63": 5}}
    _, text = remarks(monkeypatch, photo, **report)
    assert "at least 5 pictures are smaller than 64 x 64" in text
    assert "at least 4 pictures lose their ends" in text
    assert "all pictures are grey" in text
    calm = {"sizes": {"64 x 96": 4, "640 x 640": 5}, "stored_grey": 8, "other_sizes": 0}
    assert remarks(monkeypatch, photo, **report | calm)[1] == ""
    padded = replace(photo, data=PictureFolder("mine", size=64, fit="pad", channels=3))
    assert "smaller" not in remarks(monkeypatch, padded, **report)[1]  # one side fills the square


def test_show_draws_a_row_for_each_class(folder, sparring_command):
    done = sparring_command("data", "show", "mine", "--out", "drawn/mine.png", "--json", *SMALL)
    assert json.loads(done.out) == {"out": "drawn/mine.png"}
    with Image.open("drawn/mine.png") as image:
        pixels = np.asarray(image)
    assert image.height == 2 * (2 * 34 + 2)  # two rows of 32 pixels, enlarged twice
    for row, levels in ((pixels[:70], range(12)), (pixels[70:], range(100, 112))):
        assert len(set(row.flatten().tolist()) & set(levels)) >= 8


def test_show_reads_the_data_as_the_recipe_would(folder, sparring_command):
    assert sparring_command("data", "show", "mine", "--for", "photo").status == 0
    with Image.open("data.png") as image:
        assert image.mode == "RGB"
        assert image.height == 2 * 66 + 2


def test_without_full_rows_of_each_class_it_is_so_many_of_all(folder):
    for path in sorted((folder / "cats").iterdir())[6:]:
        path.unlink()
    data = PictureFolder(str(folder), size=32, channels=1, enlarge=True)
    assert decode_png(real_grid(data, num=9)).height == 2 * (2 * 34 + 2)  # eight, and one more
    assert real_grid(data, num=9) == real_grid(data, num=9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["ring"], "only pictures can be shown"), (["mine", "--out", "mine.jpg"], "name a .png file"), (["gone"], "gone")],
)
def test_what_cannot_be_shown_is_refused(folder, sparring_command, arguments, words):
    done = sparring_command("data", "show", *arguments)
    assert done.status == 2
    assert words in done.err
    assert [path.name for path in Path().iterdir()] == ["mine"]


def test_points_cannot_be_shown():
    with pytest.raises(InputError, match="these examples are 2 numbers each"):
        real_grid(Ring())
    assert resolve("ring") == Ring()
