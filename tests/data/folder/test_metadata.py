import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sparring.data.folder import image_files
from sparring.data.folder.image_files import Shape

TURNED = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)  # orientation 6: its left is to be at the top


def exif(*entries, prefix=b"Exif\0\0", tail=b""):
    return prefix + b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0) + tail


def jpeg(path, exif):
    Image.new("RGB", (80, 48), (200, 90, 40)).save(path, exif=exif)
    return path


def shape_of(path):
    with image_files.quiet_pillow():
        header, pixels = image_files.read_header(path), image_files.read_pixels(path)
    assert pixels.shape[:2] == (header.height, header.width)
    return header.height, header.width


@pytest.mark.parametrize(
    "damage",
    [
        struct.pack("<HHI", 0x0100, 2, 4) + b"640\0",
        struct.pack("<HHII", 0x0102, 4, 1, 4_000_000_000),
        struct.pack("<HHIf", 0x011A, 11, 1, float("nan")),
        struct.pack("<HHII", 0x010F, 2, 999_999, 5000),
    ],
    ids=["a width in letters", "a short too great", "no number", "beyond its end"],
)
def test_damage_beside_the_orientation_does_no_harm(tmp_path, damage):
    assert shape_of(jpeg(tmp_path / "1.jpg", exif(TURNED, damage))) == (80, 48)


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (exif(TURNED), (80, 48)),
        (exif(TURNED, prefix=b"Exif\0\0Exif\0\0"), (80, 48)),
        (b"Exif\0\0MM\0*\0\0\0\x08\0\1" + struct.pack(">HHIHHI", 0x0112, 3, 1, 6, 0, 0), (80, 48)),
        (exif(struct.pack("<HHIHH", 0x0112, 3, 1, 99, 0)), (48, 80)),
        (exif(struct.pack("<HHI4s", 0x0112, 2, 4, b"abc")), (48, 80)),
        (b"Exif\0\0" + b"garbage here" * 4, (48, 80)),
        (b"Exif\0\0", (48, 80)),
        (exif()[:14] + struct.pack("<H", 40), (48, 80)),
    ],
)
def test_only_an_intact_orientation_turns_a_picture(tmp_path, data, shape):
    assert shape_of(jpeg(tmp_path / "1.jpg", data)) == shape


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_as_pillow_turns_it(tmp_path, orientation):
    from PIL import ImageOps

    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    path, entry = tmp_path / "1.webp", struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    Image.fromarray(pixels).save(path, lossless=True, exif=exif(entry))
    with Image.open(path) as image:
        assert np.array_equal(image_files.read_pixels(path), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "iCCP", "a broken text"])
def test_texts_of_a_png_never_make_it_bad(tmp_path, kind):
    image, info, path = Image.new("RGB", (8, 6), (200, 80, 20)), PngImagePlugin.PngInfo(), tmp_path / "1.png"
    if kind == "iTXt":
        info.add_itxt("workflow", "x" * 2_000_000, zip=True)
    else:
        info.add_text("workflow", "x" * (9 if kind == "a broken text" else 2_000_000), zip=kind == "zTXt")
    image.save(path, pnginfo=None if kind == "iCCP" else info, icc_profile=bytes(3_000_000) if kind == "iCCP" else None)
    path.write_bytes(path.read_bytes().replace(b"workflow\0xxxxxxxxx", b"workflow\0xxxxyxxxx"))
    assert shape_of(path) == (6, 8)
    assert image_files.read_pixels(path)[0, 0].tolist() == [200, 80, 20]


def test_a_jpeg_of_too_many_pixels_is_decoded_smaller_where_that_is_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(image_files, "_MOST_PIXELS", 80 * 60)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (640, 480), (10, 200, 30)).save(tmp_path / "1.jpg")
    with image_files.quiet_pillow():
        assert image_files.read_header(tmp_path / "1.jpg", Shape(size=16)).width == 640
        assert image_files.read_pixels(tmp_path / "1.jpg", Shape(size=16)).shape == (16, 16, 3)
        with pytest.raises(image_files.BadPictureError, match="is 640 x 480, over the 4,800 pixels that are decoded at once"):
            image_files.read_header(tmp_path / "1.jpg")
