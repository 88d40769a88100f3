"""Runs whose training images are a part of their folder: what is said of copies is of that part."""

import pytest
from PIL import Image

import shapes
import sparring
from sparring.web.subject import opened

SMALL = {"batch_size": 8, "generator.widths": [8], "discriminator.widths": [8], "review": None, "pictures": []}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """120 pictures, of which 12 are left for the test."""
    folder = tmp_path_factory.mktemp("pictures")
    for number, picture in enumerate(shapes.drawn(120, 1).images):
        Image.fromarray(picture[0].numpy()).save(folder / f"{number:03}.png")
    return folder


@pytest.mark.parametrize(
    ("settings", "num"),
    [({}, 108), ({"augment": "adaptive"}, 98), ({"augment": "adaptive", "data.held_back": 8}, 90)],
)
def test_memorisation_is_of_the_images_that_were_trained_on(folder, settings, num, tmp_path):
    run = sparring.train("vanilla", data=folder, settings=SMALL | settings, rounds=2, out=tmp_path / "run", quiet=True)
    assert run.facts["num_images"] == num
    published = run.generator
    published.recipe = run.recipe
    for target, where in ((run, {}), (run, {"data": folder}), (published, {}), (run.path / "generator", {})):
        found = sparring.evaluate(target, num=100, draws=2, quiet=True, **where)
        options = found["memorisation"].protocol.options
        assert options == f"features, each of {num} training images left out, {run.facts['data_fingerprint'][:8]}"
    seen = opened(str(run.newest_checkpoint()[0].path), False).training_set
    assert seen is not None
    assert seen.fingerprint() == run.facts["data_fingerprint"]


def test_of_other_pictures_nothing_is_said(folder, tmp_path):
    settings = SMALL | {"augment": "adaptive"}
    run = sparring.train("vanilla", data=folder, settings=settings, rounds=2, out=tmp_path / "run", quiet=True)
    own = sparring.data.of(shapes.drawn(200, 5).images, test=shapes.drawn(5, 6).images)
    with pytest.raises(KeyError):
        sparring.evaluate(run, against=own, num=100, draws=2, quiet=True)["memorisation"]
