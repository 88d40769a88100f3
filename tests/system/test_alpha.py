"""Pictures with alpha, from training to scores."""

from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.data import PictureFolder
from sparring.evaluation import extractors
from sparring.evaluation.extractors import ClassifierTraining
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.visual import grid

SMALL = {"data.channels": "4", "data.size": "32", "generator.width": "4", "discriminator.width": "4"}


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    for kind, rows in (("upper", slice(0, 16)), ("lower", slice(16, 32))):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for number in range(60):
            pixels = np.zeros((32, 32, 4), np.uint8)
            pixels[rows] = [*rng.integers(0, 255, 3), 255]
            Image.fromarray(pixels).save(tmp_path / "pictures" / kind / f"{number}.png")
    return tmp_path / "pictures"


def test_alpha_is_trained_drawn_kept_and_scored(pictures, sparring_command, monkeypatch, tmp_path):
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    data = PictureFolder(str(pictures.absolute()), size=32, channels=4, reading=2)
    extractors.train(data, "halves", settings=ClassifierTraining(epochs=1))
    run = sparring.train("photo", data=str(pictures), rounds=4, out="run", settings=SMALL, quiet=True)
    with Image.open(run.frames()[-1]) as drawn:
        assert drawn.mode == "RGB"
    for out, mode, size in (("all.png", "RGBA", (208, 208)), ("some/00000.png", "RGBA", (32, 32))):
        assert sparring_command("sample", "run", "--num", "9", "--out", out.partition("/")[0]).status == 0
        with Image.open(out) as sampled:
            assert (sampled.mode, sampled.size) == (mode, size)
    assert sparring_command("sample", "run", "--num", "64", "--out", "all.npz").status == 0
    assert np.load("all.npz")["images"].shape == (64, 32, 32, 4)
    assert sparring_command("animate", "run", "--latent").status == 0
    assert sparring.evaluate(run, num=1000, draws=2, quiet=True)["frechet_distance"].value > 0


@pytest.mark.parametrize("picture", ["strip", "fresh-grid", "before-training", "real-beside-generated", "fixed-grid"])
def test_a_dry_run_draws_every_picture_once(pictures, sparring_command, monkeypatch, picture):
    settings = [f"--set={key}={value}" for key, value in SMALL.items()]
    dry = ("train", "photo", "--data", str(pictures), "--dry-run", "--quiet", *settings, f'--set=pictures=["{picture}"]')
    assert sparring_command(*dry).status == 0
    for module, function in (("grid", "_to_pil"), ("strip", "_drawable")):
        monkeypatch.setattr(import_module(f"sparring.visual.{module}"), function, lambda _: pytest.fail("drawn"))
    with pytest.raises(pytest.fail.Exception, match="drawn"):
        sparring_command(*dry)


def test_alpha_lies_on_chequers_or_is_kept():
    images = torch.full((1, 4, 16, 16), 1.0)
    images[:, 3, :, :8] = -1.0  # the left is transparent, the right white
    shown = np.asarray(grid(images, 1, padding=0))
    assert shown[:, 8:].min() == 255
    assert shown[::2, :8:2, 0].tolist() == [[153 - 51 * ((row + column) % 2) for column in range(4)] for row in range(8)]
    kept = np.asarray(grid(images, 1, padding=1, alpha=True))
    assert kept[1:-1, 1:-1, 3].tolist() == [[0] * 8 + [255] * 8] * 16
    assert kept[0].tolist() == [[128, 128, 128, 255]] * 18


def test_an_extractor_sees_no_colour_in_what_is_transparent():
    network = ClassifierConfig((4, 8)).build((4, 16, 16), 2).eval()
    images = torch.rand(2, 4, 16, 16) * 2 - 1
    images[:, 3, :, :8] = -1.0
    others = images.clone()
    others[:, :3, :, :8] = 0.3
    assert torch.equal(network(images)[0], network(others)[0])
    others[:, :3, :, 8:] = 0.3
    assert not torch.equal(network(images)[0], network(others)[0])
