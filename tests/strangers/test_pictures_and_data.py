"""Pictures and arrays of somebody else: headers that lie, names that cannot be shown, folders without end, pipes."""

import gzip
import os
import struct
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sparring.data import PictureFolder, idx, read_pictures
from sparring.data.folder.image_files import SUFFIXES
from sparring.data.folder.listing import find
from sparring.data.npz import read_npz
from sparring.data.remote.fetch import RemoteFile, ensure
from sparring.errors import InputError
from sparring.visual import decode_png, encode_png

needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")


def npy(values: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def encoded(kind: str, size: tuple[int, int] = (4, 4), mode: str = "L") -> bytes:
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


# IDX


@given(st.binary(max_size=64), st.booleans())
def test_any_bytes_are_idx_files_or_input_errors(tmp_path_factory, data, packed):
    path = tmp_path_factory.mktemp("idx") / ("x.gz" if packed else "x")
    path.write_bytes(gzip.compress(data) if packed else data)
    for read, header in ((idx.read_images, 16), (idx.read_labels, 8)):
        try:
            found = read(path)
        except InputError:
            continue
        assert found.flatten().tolist() == list(data[header:])


def test_a_packed_file_cannot_hold_what_its_header_declares(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 2051, 1000, 1000, 1000)))
    with pytest.raises(InputError, match=r"holds at most [0-9,]+ bytes, but its header declares 1,000,000,016"):
        idx.read_images(path)


# Arrays


@settings(deadline=None)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_in_an_array_is_noticed_or_harmless(tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("npz") / "x.npz"
    images = np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
    np.savez(path, images=images)
    whole = bytearray(path.read_bytes())
    whole[place % len(whole)] ^= 1 << bit
    path.write_bytes(whole)
    try:
        found = read_npz(path)
    except InputError as error:
        assert "x.npz" in str(error)  # noqa: PT017
        return
    assert found.images.flatten().tolist() == images.flatten().tolist()


def test_two_arrays_of_one_name_are_refused(tmp_path):
    for names in (("images.npy", "images.npy"), ("images.npy", "images")):
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive, pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)
            for name in names:
                archive.writestr(name, npy(np.zeros((2, 4, 4), np.uint8)))
        with pytest.raises(InputError, match="it holds two arrays of one name"):
            read_npz(tmp_path / "x.npz")


@needs_pipes
def test_a_pipe_is_no_array(tmp_path):
    os.mkfifo(tmp_path / "x.npz")
    with pytest.raises(InputError, match="is no file"):
        read_npz(tmp_path / "x.npz")


# Archives


@settings(deadline=None)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_zip_is_noticed_or_harmless(tmp_path_factory, place, bit):
    folder = tmp_path_factory.mktemp("zip")
    with zipfile.ZipFile(folder / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.png", encoded("PNG", (4 + number // 3, 4)))
    whole = bytearray((folder / "x.zip").read_bytes())
    whole[place % len(whole)] ^= 1 << bit
    (folder / "x.zip").write_bytes(whole)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARRING_CACHE", str(folder / "cache"))
        try:
            found = PictureFolder(str(folder / "x.zip")).train()
        except InputError as error:
            assert "x.zip" in str(error)  # noqa: PT017
            return
    assert found.shape == (1, 4, 4)
    assert found.images.unique().tolist() == [0]


# Pictures


def test_headers_cannot_declare_what_the_files_cannot_hold(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(encoded("PNG", (9000, 9000))[:400])
    with pytest.raises(InputError, match="declares 9000 x 9000 pixels, for which 400 bytes are too few; 5 of 5 files are bad"):
        read_pictures(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "JPEG", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["L", "1"])
def test_large_empty_pictures_are_read(tmp_path, kind, mode):
    (tmp_path / f"x.{'tif' if kind == 'TIFF' else kind.lower()}").write_bytes(encoded(kind, (2000, 2000), mode))
    assert read_pictures(tmp_path).images.shape == (1, 2000, 2000)


@pytest.mark.parametrize("name", [b"\xff.png", b"a\x1b[2J.png", b"\xc2\x9b2J.png", b"a\n\r\x07.png"])
def test_names_that_cannot_be_shown_are_refused(tmp_path, name):
    try:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(encoded("PNG"))  # noqa: PTH118
    except (OSError, UnicodeError):
        pytest.skip("this system has no such names")
    with pytest.raises(InputError, match="has a name that cannot be shown") as caught:
        find(tmp_path, SUFFIXES)
    assert str(caught.value).isprintable()


def test_names_of_all_languages_are_read(tmp_path):
    for name in ("żółw", "한글", "a\u3000b", "10:00\u202fAM", "👩\u200d🔬"):
        (tmp_path / f"{name}.png").write_bytes(encoded("PNG"))
    assert len(find(tmp_path, SUFFIXES)[0]) == 5


def test_folders_without_end_are_refused(tmp_path):
    deep = tmp_path.joinpath(*["d"] * 60)
    deep.mkdir(parents=True)
    (deep / "x.png").write_bytes(encoded("PNG"))
    with pytest.raises(InputError, match="lies more than 50 folders deep"):
        find(tmp_path, SUFFIXES)
    assert len(find(tmp_path.joinpath(*["d"] * 10), SUFFIXES)[0]) == 1


NO_FRAMES = {
    "empty": b"",
    "junk": b"x",
    "gif": encoded("GIF"),
    "tiff": encoded("TIFF"),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "cut": encoded("PNG")[:-5],
    "large": encoded("PNG", (10_000, 10_000), "1"),
    "bomb": encoded("PNG", (20_000, 20_000), "1"),
}


@pytest.mark.parametrize("data", NO_FRAMES.values(), ids=NO_FRAMES)
def test_frames_are_intact_pngs_alone(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # in tests they are errors
        with pytest.raises(InputError, match=r"f\.png is no intact PNG: ") as caught:
            decode_png(data, "f.png")
    assert str(caught.value).isprintable()


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_frame_is_noticed(place, bit):
    image = Image.linear_gradient("L").resize((9, 9))
    whole = bytearray(encode_png(image))
    whole[place % len(whole)] ^= 1 << bit
    try:
        found = decode_png(bytes(whole))
    except InputError:
        return
    assert found.tobytes() == image.tobytes()


# The cache of data


@needs_pipes
def test_a_pipe_in_the_cache_is_fetched_anew(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(InputError, match="could not fetch x"):
        ensure([RemoteFile("x", "0" * 32, 5)], tmp_path, [])
