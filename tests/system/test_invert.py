"""`sparring invert`, and `sparring sample --z`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import sparring
from sparring.errors import InputError
from sparring.visual import to_uint8
from tiny import MLP

QUICK = ("--steps", 10, "--threads", 1, "--quiet")


@pytest.fixture
def digit():
    """A generated digit as a file, 28 x 28, grey."""
    drawn = to_uint8(sparring.sample("digits", num=3, seed=5))[:, 0].numpy()
    for name, pixels in zip(("a", "b", "c"), drawn, strict=True):
        Image.fromarray(pixels).save(f"{name}.png")
    return "a.png"


def test_the_reconstruction_is_drawn_again_to_the_bit(sparring_command, digit):
    done = sparring_command("invert", "digits", "a.png", "b.png", "c.png", *QUICK, "--json")
    assert done.status == 0
    told = json.loads(done.out)
    assert [each["image"] for each in told["pictures"]] == ["a.png", "b.png", "c.png"]
    assert len(told["generated_errors"]) == 4
    found = np.load("inverted.npz")
    assert sparring_command("sample", "digits", "--z", "inverted.npz", "--out", "again.npz").status == 0
    assert np.array_equal(np.load("again.npz")["images"], found["reconstructions"][:, 0])
    assert sparring_command("sample", "digits", "--z", "inverted.npz", "--out", "again").status == 0
    for place, name in enumerate(("a", "b", "c")):
        assert np.array_equal(np.asarray(Image.open(f"{name}.png")), found["images"][place, 0])
        assert np.array_equal(np.asarray(Image.open(f"again/{place:05d}.png")), found["reconstructions"][place, 0])
    difference = found["images"].astype(float) - found["reconstructions"]
    assert [each["error"] for each in told["pictures"]] == pytest.approx(np.sqrt((difference**2).mean(axis=(1, 2, 3))))


def test_more_steps_come_nearer_and_a_seed_finds_the_same(digit):
    first, last, again = (sparring.invert("digits", digit, steps=n, threads=1, quiet=True) for n in (0, 60, 60))
    assert last.errors[0] < 0.5 * first.errors[0]
    assert max(last.generated_errors) < max(first.generated_errors)
    assert torch.equal(last.z, again.z)
    assert last.extractor == "digits-25fd6534"
    assert last.reconstructions.shape == last.images.shape == (1, 1, 28, 28)


def test_a_class_is_found_and_pictures_are_brought_to_the_generators_size(sparring_command):
    sample = sparring.sample("digits-class", num=1, seed=1, class_=7)
    grey = Image.fromarray(to_uint8(sample)[0, 0].numpy())
    Image.merge("RGB", [grey] * 3).resize((112, 84)).save("wide.png")
    done = sparring_command("invert", "digits-class", "wide.png", "--steps", 60, "--threads", 1)
    assert done.status == 0
    assert "wide.png is 112 x 84 pixels; it is resized to 28 x 28" in done.err
    assert ", class 7" in done.out
    assert "4 of the generator's own pictures, searched for in the same way:" in done.out
    with Image.open("inverted.png") as page:
        assert page.mode == "L"
        assert page.width > 2 * 28


def test_runs_of_every_kind_of_picture_are_inverted(sparring_command, tmp_path):
    colours = MLP | {"z": '{"name": "uniform", "num": 6}'}
    rng = np.random.default_rng(0)
    np.savez("colours.npz", images=rng.integers(0, 256, (200, 12, 10, 3), np.uint8))
    colours = {key: value for key, value in colours.items() if key != "data.held_back"}
    sparring.train("paper", data="colours.npz", rounds=1, out="run", settings=colours, quiet=True)
    found = sparring.invert("run", torch.rand(20, 3, 12, 10) * 2 - 1, steps=5, threads=1, quiet=True)
    assert found.extractor is None
    assert found.z.abs().max() <= 1
    assert len(found.errors) == 20
    Image.new("L", (12, 12), 99).save("grey.png")
    done = sparring_command("invert", "run", "grey.png", *QUICK)
    assert "compared by their pixels alone" in done.out
    assert np.load("inverted.npz")["images"].shape == (1, 3, 12, 10)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("invert digits text.png", "text.png: holds no picture of a known format"),
        ("invert digits cut.png", "cut.png: "),
        ("invert digits nowhere.png", "there is no file or folder nowhere.png"),
        ("invert digits empty", "there is no picture in empty"),
        ("invert digits a.png --out a.gif", "cannot write to a.gif: name a .png file"),
        ("invert digits a.png --out a.png", "a.png is a picture to be inverted; name another file with --out"),
        ("invert ring-toy a.png", "this generator draws points"),
        ("invert digits a.png --raw", "digits holds one generator alone"),
        ("invert digits", "Missing argument 'IMAGE...'"),
        ("sample digits --z z.npz --num 3", "--z says what to draw; leave --num out"),
        ("sample digits --z z.npz", "`z` of z.npz is float32 [2, 63]; it must be float32 [N, 64] for this generator"),
        ("sample digits --z nan.npz", "`z` of nan.npz holds values that are infinite or not a number"),
        ("sample digits --z x.npz", "x.npz has no array `z`; it holds x"),
        ("sample digits --z text.png", "text.png cannot be read as an .npz file"),
    ],
)
def test_what_cannot_be_inverted_or_drawn_gets_a_sentence(sparring_command, tmp_path, digit, arguments, sentence):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "a.png").read_bytes()[:200])
    (tmp_path / "empty").mkdir()
    np.savez("z.npz", z=np.zeros((2, 63), np.float32))
    np.savez("nan.npz", z=np.full((2, 64), np.nan, np.float32))
    np.savez("x.npz", x=np.zeros(3))
    before = {*tmp_path.iterdir()}
    done = sparring_command(*arguments.split())
    assert done.status == 2
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert {*tmp_path.iterdir()} == before


@pytest.mark.parametrize("images", [torch.zeros(1, 1, 27, 28), torch.zeros(0, 1, 28, 28), torch.zeros(1, 1, 28, 28) / 0])
def test_a_tensor_that_does_not_fit(images):
    with pytest.raises(InputError, match=r"they must be finite floats \[N, 1, 28, 28\]"):
        sparring.invert("digits", images, quiet=True)


def test_a_raw_generator_is_another(sparring_command):
    sparring.train("paper", rounds=3, out="run", settings=MLP | {"average": '{"halflife_images": 500}'}, quiet=True)
    images = torch.zeros(1, 1, 28, 28)
    mean, raw = (sparring.invert("run", images, steps=0, raw=raw, threads=1, quiet=True) for raw in (False, True))
    assert mean.generated_errors != raw.generated_errors
