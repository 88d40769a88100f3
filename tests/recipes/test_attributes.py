"""Several labels at once: a table with a column for each, and a generator that is asked for them together."""

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.errors import InputError
from sparring.exporters.page.document import noise_columns
from sparring.inversion.prior import Prior
from sparring.networks.latents import AttributeCode
from sparring.runs.generator import SavedGenerator

COLOURS, SIDES = ("blue", "red"), ("left", "middle", "right")
SETTINGS = {"data.size": 32, "generator.width": 8, "discriminator.width": 8, "augment": None, "review": None, "lr": 8e-3}


@pytest.fixture(scope="module")
def generator(tmp_path_factory) -> SavedGenerator:
    """Trained on bars of two colours in three places; none is blue and on the right."""
    folder = tmp_path_factory.mktemp("bars")
    rows, rng = ["file,colour,side,number"], np.random.default_rng(0)
    for n in range(120):
        colour, side = n % 2, n // 2 % 3
        if (COLOURS[colour], SIDES[side]) == ("blue", "right"):
            continue
        pixels = np.full((32, 32, 3), 20, np.uint8)
        pixels[:, 11 * side : 11 * side + 10, (2, 0)[colour]] = rng.integers(220, 250)
        Image.fromarray(pixels).save(folder / f"{n}.png")
        rows.append(f"{n},{COLOURS[colour]},{SIDES[side]},{n}")
    (folder / "labels.csv").write_text("\n".join(rows))
    run = sparring.train("photo", data=folder, rounds=300, out=folder.parent / "run", settings=SETTINGS, quiet=True)
    return run.generator


def test_each_combination_is_drawn_as_asked(generator):
    assert generator.classes == (
        "colour=blue,side=left",
        "colour=blue,side=middle",
        "colour=red,side=left",
        "colour=red,side=middle",
        "colour=red,side=right",
    )
    for number, name in enumerate(generator.classes):
        images = sparring.sample(generator, num=16, class_=name).mean(0)
        means = torch.stack([images[channel, :, 11 * side : 11 * side + 10].mean() for channel in (2, 0) for side in range(3)])
        place = (0, 1, 3, 4, 5)[number]
        assert means[place] > 0.3, name
        assert means[torch.arange(6) != place].max() < -0.3, name


def test_values_ask_for_all_combinations_with_them(generator):
    assert generator.class_numbers("side=middle, colour=red") == [3]
    drawn = generator.labels(generator.z_in_blocks(200, 0, generator.class_numbers("colour=red")))
    counts = torch.bincount(drawn, minlength=5).tolist()
    assert counts[:2] == [0, 0]
    assert min(counts[2:]) > 40
    fewer = generator.z_in_blocks(70, 0, generator.class_numbers("colour=red"))
    assert torch.equal(generator.labels(fewer), drawn[:70])
    with pytest.raises(InputError, match="there is no class 'colour=blue,side=right'"):
        sparring.sample(generator, class_="colour=blue,side=right")


@pytest.mark.parametrize("refusing", [noise_columns, Prior.of])
def test_what_takes_no_combinations_says_so(refusing):
    with pytest.raises(InputError, match=r"z is (an )?attribute-code"):
        refusing(AttributeCode(classes=2, values=((0,), (1,))))
