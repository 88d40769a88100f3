"""`samples/real.png` of a run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sparring
from tiny import SETTINGS


def files(run):
    return sorted(path.name for path in (run.path / "samples").iterdir())


@pytest.fixture
def pictures(tmp_path):
    """Twelve grey pictures, each of one level."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for level in range(0, 240, 20):
        Image.new("L", (28, 28), level).save(folder / f"{level}.png")
    return folder


def test_a_run_of_pictures_shows_what_it_is_trained_on(pictures):
    run = sparring.train("vanilla", data=pictures, rounds=2, out="run", settings={"generator.widths": [4]}, quiet=True)
    with Image.open("run/samples/real.png") as image:
        shown = np.asarray(image)
    levels = set(range(0, 240, 20))
    assert len(set(shown.flatten().tolist()) & levels) == run.facts["num_images"]  # each once, and none is a test picture
    assert "samples/real.png" in (run.path / "SHA256SUMS").read_text()
    assert not any(event.get("file") == "samples/real.png" for event in run.journal())  # it is no sample of G


def test_it_is_drawn_once(pictures):
    run = sparring.train("vanilla", data=pictures, rounds=2, out="run", settings={"generator.widths": [4]}, quiet=True)
    before = Path("run/samples/real.png").stat()
    sparring.resume(run.path, rounds=4, quiet=True)
    assert Path("run/samples/real.png").stat().st_mtime_ns == before.st_mtime_ns


def test_a_recipe_that_draws_real_pictures_itself_keeps_its_own():
    run = sparring.train("dropout-mlp", rounds=1, out="run", settings=SETTINGS["dropout-mlp"], quiet=True)
    with Image.open("run/samples/real.png") as image:
        assert image.height == 2 * (2 * 30 + 2)  # two rows of 28 pixels, enlarged twice
    assert [event["file"] for event in run.journal() if event["event"] == "sample"].count("samples/real.png") == 1


def test_a_run_of_points_has_none():
    run = sparring.train("ring", rounds=1, out="run", quiet=True)
    assert "real.png" not in files(run)
