"""How pictures are brought to a size of any shape, and what lies beneath and beside them."""

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.config import codec
from sparring.data import PictureFolder


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))


def halves(folder, size, mode="RGB", num=2):
    """Pictures whose left half is red and whose right half is blue."""
    for number in range(num):
        image = Image.new("RGB", size, "red")
        image.paste("blue", (size[0] // 2, 0, *size))
        image.convert(mode).save(folder / f"{number}.png")
    return str(folder)


def colours(data, rows, columns):
    """The colours at these places, as names."""
    names = {(255, 0, 0): "r", (0, 0, 255): "b", (0, 0, 0): "-", (255, 255, 255): "w", (0, 128, 0): "g"}
    pixels = data.train().images[0].permute(1, 2, 0)
    return ["".join(names[tuple(pixels[row, column].tolist()[:3])] for column in columns) for row in rows]


def test_crop_pad_and_stretch_to_a_height_and_a_width(tmp_path):
    path = halves(tmp_path, (160, 40))
    places = {"rows": (1, 24, 46), "columns": (1, 30, 66, 94)}
    assert colours(PictureFolder(path, size=(48, 96), channels=3, enlarge=True), **places) == ["rrbb"] * 3
    assert colours(PictureFolder(path, size=(48, 96), channels=3, fit="stretch", enlarge=True), **places) == ["rrbb"] * 3
    padded = PictureFolder(path, size=(48, 96), channels=3, fit="pad")  # 160 x 40 becomes 96 x 24, and is not enlarged
    assert colours(padded, **places) == ["----", "rrbb", "----"]
    assert padded.train().shape == padded.test().shape == (3, 48, 96)
    white = PictureFolder(path, size=(48, 96), channels=3, fit="pad", background="white")
    assert colours(white, **places) == ["wwww", "rrbb", "wwww"]  # from another file of the cache
    assert padded.train().fingerprint() != white.train().fingerprint()


def test_a_sideways_photograph_is_decoded_large_enough(tmp_path):
    for number in range(2):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.radial_gradient("L").resize((600, 2400)).save(tmp_path / f"{number}.jpg", exif=exif)
    shape = PictureFolder(str(tmp_path), size=(32, 256), fit="pad").train().shape
    assert shape == (1, 32, 256)


def test_small_pictures_are_enlarged_or_left_out(tmp_path):
    halves(tmp_path, (160, 40), num=4)
    Image.new("RGB", (20, 20)).save(tmp_path / "small.png")
    enlarged = PictureFolder(str(tmp_path), size=(32, 64), enlarge=True)
    left_out = PictureFolder(str(tmp_path), size=(32, 64), skip_bad=True)
    assert len(enlarged.train()) + len(enlarged.test()) == 5
    assert len(left_out.train()) + len(left_out.test()) == 4


def test_equal_sides_are_one_number_and_settings_take_a_list():
    assert PictureFolder("x", size=(64, 64)) == PictureFolder("x", size=64)
    changed = codec.override(PictureFolder("x", size=64), {"size": "[48,96]", "fit": "pad"})
    assert changed == PictureFolder("x", size=(48, 96), fit="pad")
    assert codec.decode(PictureFolder, {"path": "x", "size": [48, 96]}, "data") == PictureFolder("x", size=(48, 96))
    assert codec.override(changed, {"size": "32"}).size == 32
    assert codec.override(changed, {"size": "null"}).size is None


def test_what_is_transparent_shows_the_background(tmp_path):
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = [255, 0, 0, 255]
    pixels[:, 4:] = [0, 0, 255, 0]  # a colour that nobody sees
    for number in range(2):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    for background, seen in (("black", "r-"), ("white", "rw"), ("#008000", "rg")):
        assert colours(PictureFolder(str(tmp_path), channels=3, background=background), [4], [1, 6]) == [seen]
    kept = PictureFolder(str(tmp_path), channels=4, background="white", reading=2).train().images
    assert kept[0, :, 4, 6].tolist() == [0, 0, 0, 0]
    padded = PictureFolder(str(tmp_path), channels=4, size=(8, 16), fit="pad", reading=2).train().images
    assert padded[0, 3].unique().tolist() == [0, 255]
    assert padded[0, 3, :, 4:8].float().mean() == 255
    torch.testing.assert_close(padded[0, :3, :, 8:], torch.zeros(3, 8, 8, dtype=torch.uint8))
