import os
import struct
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparring.data import read_pictures
from sparring.data.folder import image_files
from sparring.data.pictures import read_fitted
from sparring.errors import InputError

FORMATS = [".png", ".jpg", ".JPEG", ".bmp", ".gif", ".webp", ".tif", ".TIFF", ".ppm"]


def grey(level=7, width=3, height=2):
    return Image.new("L", (width, height), level)


def coloured(colour=(10, 20, 30), width=3, height=2):
    return Image.new("RGB", (width, height), colour)


def put(picture: Image.Image, path: Path, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **how)
    return path


def read(path, **how):
    return read_pictures(path, **how).images


def only(path, picture, name="one.png", **how):
    """The pixels [C, H, W] of a folder's single picture."""
    put(picture, path / name, **how)
    return read(path).images[0]


def png(*chunks):
    made = b"\x89PNG\r\n\x1a\n"
    for name, content in chunks:
        made += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return made


# what is read


def test_nested_pictures_come_in_the_order_of_their_paths(tmp_path):
    for level, name in enumerate(["B.png", "a.png", "a/2.png", "a/10.png", "a/deep/1.png", "b/0.png"]):
        put(grey(level), tmp_path / name)
    images = read(tmp_path)
    assert images.images.dtype == torch.uint8
    assert images.shape == (1, 2, 3)
    assert images.images[:, 0, 0, 0].tolist() == [0, 3, 2, 4, 1, 5]  # B.png a/10 a/2 a/deep/1 a.png b/0
    assert images.labels is None
    assert images.classes == ()


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("picture", [grey(200, 16, 8), coloured((250, 10, 20), 16, 8)], ids=["grey", "colour"])
def test_every_format_is_read(tmp_path, suffix, picture):
    pixels = only(tmp_path, picture, f"one{suffix}")
    expected = torch.from_numpy(np.array(picture).reshape(8, 16, -1)).permute(2, 0, 1)
    assert pixels.shape == expected.shape
    near = 8 if suffix in (".jpg", ".JPEG", ".webp") else 0
    assert (pixels.int() - expected.int()).abs().max() <= near


def test_a_pgm_is_read(tmp_path):
    assert only(tmp_path, grey(9), "one.pgm").unique().tolist() == [9]


def test_what_is_hidden_or_no_picture_is_passed_over(tmp_path):
    put(grey(), tmp_path / "one.png")
    for name in (".hidden.png", ".git/one.png", "__MACOSX/one.png", "notes.txt", "one.npz", "png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no picture")
    (tmp_path / "folder.png").mkdir()
    assert len(read(tmp_path)) == 1


def test_a_hidden_folder_can_be_read_when_it_is_named(tmp_path):
    put(grey(), tmp_path / ".cache" / "one.png")
    assert len(read(tmp_path / ".cache")) == 1


def test_links_are_followed_but_not_in_a_circle(tmp_path):
    put(grey(), tmp_path / "far" / "one.png")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "here")
    assert len(read(tmp_path / "here")) == 1


def test_another_format_under_a_pictures_name_is_not_handed_to_its_program(tmp_path):
    put(coloured(), tmp_path / "one.eps")
    (tmp_path / "one.eps").rename(tmp_path / "one.png")
    with pytest.raises(InputError, match=r"one\.png: holds no picture of a known format; 1 of 1 files is bad"):
        read(tmp_path)


def test_of_several_frames_the_first_is_read(tmp_path):
    pixels = only(tmp_path, grey(10), "one.gif", save_all=True, append_images=[grey(90), grey(200)])
    assert pixels.unique().tolist() == [10]


# classes


def test_folders_are_classes(tmp_path):
    for name in ("dog/1.png", "cat/1.png", "cat/x/2.png"):
        put(grey(), tmp_path / name)
    images = read(tmp_path)
    assert images.classes == ("cat", "dog")
    assert images.labels is not None
    assert images.labels.tolist() == [0, 0, 1]


@pytest.mark.parametrize("names", [("cat/1.png", "cat/2.png"), ("cat/1.png", "dog/1.png", "other.png")])
def test_one_folder_or_a_picture_beside_them_make_no_classes(tmp_path, names):
    for name in names:
        put(grey(), tmp_path / name)
    assert read(tmp_path).labels is None


def test_labels_stay_with_their_pictures_when_bad_ones_are_left_out(tmp_path):
    for level, name in enumerate(["cat/0.png", "cat/1.png", "dog/2.png"]):
        put(grey(level), tmp_path / name)
    (tmp_path / "cat/0.png").write_bytes(b"")
    images = read(tmp_path, skip_bad=True)
    assert images.labels is not None
    assert images.labels.tolist() == [0, 1]
    assert images.images[:, 0, 0, 0].tolist() == [1, 2]


# grey and colour


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_pictures_with_equal_channels_are_grey(tmp_path, mode):
    pixels = only(tmp_path, grey(255).convert(mode))
    assert pixels.shape == (1, 2, 3)
    assert pixels.unique().tolist() == [255]


def test_one_coloured_picture_makes_all_rgb(tmp_path):
    put(grey(1), tmp_path / "1.png")
    put(grey(2).convert("RGB"), tmp_path / "2.png")
    put(coloured(), tmp_path / "3.png")
    put(grey(4), tmp_path / "4.png")
    images = read(tmp_path).images
    assert images.shape == (4, 3, 2, 3)
    assert images[:, :, 1, 2].tolist() == [[1, 1, 1], [2, 2, 2], [10, 20, 30], [4, 4, 4]]


def test_a_palette_can_be_coloured(tmp_path):
    assert only(tmp_path, coloured((255, 0, 51)).convert("P"))[:, 0, 0].tolist() == [255, 0, 51]


def test_other_colour_spaces_become_rgb(tmp_path):
    pixels = only(tmp_path, coloured((255, 0, 0)).convert("CMYK"), "one.tif")
    assert pixels[:, 0, 0].tolist() == [255, 0, 0]


def test_a_single_pixel_of_colour_counts(tmp_path):
    picture = grey(5).convert("RGB")
    picture.putpixel((2, 1), (5, 5, 6))
    assert only(tmp_path, picture)[:, 1, 2].tolist() == [5, 5, 6]


@pytest.mark.parametrize(("alpha", "expected"), [(255, [200, 100, 50]), (0, [0, 0, 0]), (51, [40, 20, 10])])
def test_what_is_not_opaque_is_laid_on_black(tmp_path, alpha, expected):
    picture = Image.new("RGBA", (3, 2), (200, 100, 50, alpha))
    picture.putpixel((2, 1), (1, 2, 3, 255))
    pixels = only(tmp_path, picture)
    assert pixels[:, 0, 0].tolist() == expected
    assert pixels[:, 1, 2].tolist() == [1, 2, 3]


def test_a_transparent_colour_is_black(tmp_path):
    assert only(tmp_path, grey(200), transparency=200).unique().tolist() == [0]


def test_transparency_in_a_palette_is_laid_on_black_without_a_warning(tmp_path):
    picture = Image.new("P", (3, 2), 1)
    picture.putpalette([0, 0, 0, 200, 100, 50])
    assert only(tmp_path, picture, transparency=bytes([255, 51]))[:, 0, 0].tolist() == [40, 20, 10]


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_a_picture_is_turned_upright(tmp_path, suffix, orientation):
    picture = grey(0, 32, 16)
    picture.paste(255, (0, 0, 16, 16))  # white on the left
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = only(tmp_path, picture, f"one{suffix}", exif=exif)[0].int()
    if orientation == 3:
        assert pixels.shape == (16, 32)
        assert pixels[:, -8:].min() > 200 > 50 > pixels[:, :8].max()
    else:  # its left is to be at the top
        assert pixels.shape == (32, 16)
        assert pixels[:8].min() > 200 > 50 > pixels[-8:].max()


# what is refused, or left out


def bad_folder(path, bad="b.png"):
    for name in ("a.png", "c.png", "d.png"):
        put(grey(), path / name)
    return path / bad


def expect_bad(folder, words):
    """The error of the folder's one bad file, which is left out where that is asked for."""
    with pytest.raises(InputError, match=rf"{words}; 1 of 4 files is bad; --skip-bad .* leaves such files out$"):
        read_pictures(folder)
    pictures = read_pictures(folder, skip_bad=True)
    assert len(pictures.images) == 3
    assert len(pictures.skipped) == 1
    return pictures.skipped[0]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_more_than_16_bits_are_bad(tmp_path, mode):
    put(Image.new(mode, (3, 2)), bad_folder(tmp_path, "b.tif"))
    expect_bad(tmp_path, rf"b\.tif: has more than 16 bits a channel \(mode {mode}\)")


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_of_grey_become_the_nearest_8(tmp_path, suffix):
    deep = np.array([[0, 128, 129], [257, 32_768, 65_535]], np.uint16)
    pixels = only(tmp_path, Image.fromarray(deep), f"one{suffix}")
    assert pixels.tolist() == [[[round(level * 255 / 65_535) for level in row] for row in deep.tolist()]]


def test_16_bits_in_colour_are_read(tmp_path):
    row = b"\0" + struct.pack(">9H", *(257 * level for level in (10, 20, 30) * 3))
    deep = png((b"IHDR", struct.pack(">IIBBBBB", 3, 2, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(row * 2)), (b"IEND", b""))
    (tmp_path / "b.png").write_bytes(deep)
    assert read(tmp_path).images[0, :, 1, 2].tolist() == [10, 20, 30]


def test_16_bits_stand_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = only(tmp_path, Image.fromarray(np.array([[0, 65_535]], np.uint16)), "one.png", exif=exif)
    assert pixels.tolist() == [[[0], [255]]]


def test_a_picture_of_another_size_than_most_is_bad(tmp_path):
    put(grey(width=9), bad_folder(tmp_path, "0.png"))
    skipped = expect_bad(tmp_path, r"0\.png: is 9 x 2 pixels, not 3 x 2 like most")
    assert skipped == f"{tmp_path / '0.png'}: is 9 x 2 pixels, not 3 x 2 like most"


def test_a_size_turned_by_exif_counts_as_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    put(grey(width=2, height=3), bad_folder(tmp_path, "b.jpg"), exif=exif)
    assert len(read(tmp_path)) == 4


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_truncated_picture_is_bad(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    for name in "acd":
        put(Image.fromarray(noise), tmp_path / f"{name}.png")
    whole = put(Image.fromarray(noise), tmp_path / f"b{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(whole[: len(whole) // 2])
    expect_bad(tmp_path, rf"b{suffix}: .+")


def test_too_many_pixels_are_bad_and_no_warning(tmp_path, monkeypatch):
    for name in "acd":
        put(grey(width=2, height=1), tmp_path / f"{name}.png")
    put(grey(), tmp_path / "b.png")
    monkeypatch.setattr(image_files, "_MOST_PIXELS", 5)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2)
    expect_bad(tmp_path, r"b.png: is 3 x 2, over the 5 pixels that are decoded at once")
    assert Image.MAX_IMAGE_PIXELS == 2


def test_a_header_that_declares_more_than_it_holds_costs_nothing(tmp_path):
    head = (b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0))
    bad_folder(tmp_path).write_bytes(png(head, (b"IDAT", zlib.compress(b"\0")), (b"IEND", b"")))
    expect_bad(tmp_path, r"b.png: its header declares 2147483647 x 2147483647 pixels, for which 66 bytes are too few")


def test_empty_files_and_broken_links_are_bad(tmp_path):
    bad_folder(tmp_path).symlink_to(tmp_path / "gone")
    expect_bad(tmp_path, "b.png: No such file or directory")
    (tmp_path / "b.png").unlink()
    (tmp_path / "b.png").touch()
    expect_bad(tmp_path, "b.png: holds no picture of a known format")


def test_damage_in_the_pixels_is_seen_by_the_checksum(tmp_path):
    data = bytearray(put(grey(), bad_folder(tmp_path)).read_bytes())
    data[data.index(b"IDAT") + 7] ^= 1
    (tmp_path / "b.png").write_bytes(data)
    expect_bad(tmp_path, "b.png: broken PNG file.*")


def test_all_bad_files_are_counted_and_the_first_is_named(tmp_path):
    put(grey(width=9), bad_folder(tmp_path, "z.png"))
    (tmp_path / "m.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"m\.png: holds no picture .*; 2 of 5 files are bad; "):
        read_pictures(tmp_path)
    assert [Path(line.split(":")[0]).name for line in read_pictures(tmp_path, skip_bad=True).skipped] == ["m.png", "z.png"]


def test_of_two_sizes_as_frequent_the_greater_counts(tmp_path):
    put(grey(width=5), tmp_path / "b.png")
    put(grey(width=4), tmp_path / "a.png")
    assert read(tmp_path, skip_bad=True).shape == (1, 2, 5)


def test_a_size_that_changes_after_the_header_is_bad(tmp_path, monkeypatch):
    put(grey(), tmp_path / "a.png")
    monkeypatch.setattr(image_files, "read_pixels", lambda *_: np.zeros((5, 4, 1), np.uint8))
    with pytest.raises(InputError, match="is 4 x 5 pixels, but its header says 3 x 2"):
        read_pictures(tmp_path)


@pytest.mark.parametrize("skip_bad", [False, True])
def test_no_picture_is_an_error(tmp_path, skip_bad):
    with pytest.raises(InputError, match=r"there is no picture in .*\.bmp, \.gif"):
        read_pictures(tmp_path, skip_bad=skip_bad)
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"a.png: holds no picture"):
        read_pictures(tmp_path, skip_bad=skip_bad)


def test_what_is_neither_folder_nor_npz_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"there is no file or folder .*absent"):
        read_pictures(tmp_path / "absent")
    with pytest.raises(InputError, match=r"is neither a folder of pictures nor an .npz file"):
        read_pictures(put(grey(), tmp_path / "one.png"))


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_a_folder_that_may_not_be_read_is_named(tmp_path):
    (tmp_path / "locked").mkdir(mode=0)
    with pytest.raises(InputError, match="locked cannot be read: Permission denied"):
        read_pictures(tmp_path)


def test_a_failing_listing_is_told_in_a_sentence(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InputError, match=r"cannot be read: Permission denied"):
        read_pictures(tmp_path)


def test_a_lack_of_memory_is_no_bad_file(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError

    put(grey(), tmp_path / "one.png")
    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(MemoryError):
        read_pictures(tmp_path, skip_bad=True)


def test_what_pillow_only_warns_of_is_not_bad(tmp_path, monkeypatch):
    upright = image_files.orientation

    def warn(image):
        warnings.warn("Corrupt EXIF data", stacklevel=1)
        return upright(image)

    put(grey(), tmp_path / "one.png")
    monkeypatch.setattr(image_files, "orientation", warn)
    assert len(read(tmp_path)) == 1


def test_progress_is_told_and_ends_with_all(tmp_path):
    one = put(grey(), tmp_path / "000.png").read_bytes()
    for number in range(1, 300):
        (tmp_path / f"{number:03}.png").write_bytes(one)
    told = []
    read_pictures(tmp_path, progress=lambda *news: told.append(news))
    assert told == [(tmp_path.name, done, 600) for done in (0, 256, 512, 600)]


# noise


def encoded(picture, suffix):
    buffer = BytesIO()
    picture.save(buffer, {".png": "PNG", ".jpg": "JPEG", ".gif": "GIF", ".tif": "TIFF", ".webp": "WEBP", ".bmp": "BMP"}[suffix])
    return buffer.getvalue()


def mutations(data):
    """The bytes with one changed, one bit flipped, or some cut off."""
    place = st.integers(0, len(data) - 1)
    changed = st.builds(lambda at, by: data[:at] + bytes([by]) + data[at + 1 :], place, st.integers(0, 255))
    flipped = st.builds(lambda at, bit: data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :], place, st.integers(0, 7))
    return st.one_of(changed, flipped, place.map(lambda at: data[:at]))


PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (3, 5), dtype=np.uint8))


@settings(deadline=None)
@given(data=mutations(encoded(PICTURE, ".png")))
def test_a_mutated_png_reads_right_or_is_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mutated")
    (folder / "one.png").write_bytes(data)
    try:
        images = read(folder)
    except InputError:
        return
    assert images.images[0, 0].tolist() == np.array(PICTURE).tolist()


@pytest.mark.parametrize("suffix", [".jpg", ".gif", ".tif", ".webp", ".bmp"])
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_mutated_pictures_end_in_no_other_error(tmp_path_factory, suffix, data):
    folder = tmp_path_factory.mktemp("mutated")
    (folder / f"one{suffix}").write_bytes(data.draw(mutations(encoded(PICTURE.convert("RGB"), suffix))))
    try:
        images = read(folder)
    except InputError:
        return
    assert images.images.dtype == torch.uint8


def test_pictures_are_brought_to_a_shape(tmp_path):
    put(coloured(), tmp_path / "a" / "two.png")
    put(grey(), tmp_path / "a" / "ten.png")
    put(grey(9, 8, 4), tmp_path / "one.png")
    images, names, resized = read_fitted([tmp_path / "one.png", tmp_path / "a"], (1, 2, 3))
    assert images.images.shape == (3, 1, 2, 3)
    assert images.images.flatten(1).unique(dim=1).tolist() == [[9], [7], [18]]  # 0.299 * 10 + 0.587 * 20 + 0.114 * 30
    assert names == tuple(str(tmp_path / name) for name in ("one.png", "a/ten.png", "a/two.png"))
    assert resized == (f"{tmp_path / 'one.png'} is 8 x 4 pixels; it is resized to 3 x 2",)
    assert read_fitted([tmp_path / "a" / "two.png"], (3, 2, 3))[0].images[0, :, 0, 0].tolist() == [10, 20, 30]


def test_what_is_cut_off_is_what_the_sides_have_too_much(tmp_path):
    wide = Image.new("L", (12, 4), 0)
    wide.paste(255, (4, 0, 8, 4))
    put(wide, tmp_path / "wide.png")
    assert (read_fitted([tmp_path / "wide.png"], (1, 4, 4))[0].images == 255).all()
