"""A measured quantity as a condition: discs whose size is a number in labels.csv."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

import sparring
from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator

SETTINGS = {"data.size": 32, "generator.width": 8, "discriminator.width": 8, "augment": None, "review": None, "lr": 8e-3}


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> SavedGenerator:
    """Trained on white discs whose radius is 3 to 13 pixels, in a table as a share of 16 pixels."""
    folder, rng = tmp_path_factory.mktemp("discs"), np.random.default_rng(0)
    rows = ["file,size"]
    for n in range(120):
        radius = rng.uniform(3, 13)
        x, y = 16 + rng.uniform(-2, 2, 2)
        picture = Image.new("RGB", (32, 32))
        ImageDraw.Draw(picture).ellipse([x - radius, y - radius, x + radius, y + radius], fill="white")
        picture.save(folder / f"{n}.png")
        rows.append(f"{n},{radius / 16:.4f}")
    (folder / "labels.csv").write_text("\n".join(rows))
    run = sparring.train(
        "photo", data=folder, rounds=200, out=tmp_path_factory.mktemp("runs") / "run", settings=SETTINGS, quiet=True
    )
    return run.generator


def test_the_number_steers(generator):
    asked = torch.arange(4, 13) / 16
    radii = []
    for size in asked.tolist():
        drawn = sparring.sample(generator, num=16, class_=f"size={size}")
        area = (drawn.mean(1) > 0).float().sum((1, 2))
        radii.append((area / torch.pi).sqrt().mean() / 16)
    radii = torch.stack(radii)
    assert torch.corrcoef(torch.stack([asked, radii]))[0, 1] > 0.95
    assert radii[-1] - radii[0] > 0.25


def test_a_number_stands_for_the_interval_that_holds_it(generator):
    assert len(generator.classes) == 8
    intervals = [tuple(map(float, name.removeprefix("size=").split(".."))) for name in generator.classes]
    for number, (low, high) in enumerate(intervals):
        assert generator.class_numbers(f"size={low}") == [number]
        assert generator.class_numbers(f"size={(low + high) / 2}") == [number]
    assert generator.class_numbers(f"size={intervals[-1][1]}") == [7]
    with pytest.raises(InputError, match=r"there is no class 'size=0\.9'"):
        generator.class_numbers("size=0.9")
