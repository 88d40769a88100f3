import io
import math
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparring.data import read_pictures
from sparring.data.npz import MOST_CLASSES
from sparring.errors import InputError

small = st.integers(1, 4)
shapes = st.one_of(st.tuples(small, small, small), st.tuples(small, small, small, st.sampled_from([1, 3])))


def read(path):
    return read_pictures(path).images


def save(folder, *unnamed, pack=np.savez, **named):
    path = folder / "pictures.npz"
    pack(path, *unnamed, **named)
    return path


def channels_first(values):
    return values[:, None] if values.ndim == 3 else values.transpose(0, 3, 1, 2)


@given(values=arrays.arrays(np.uint8, shapes), pack=st.sampled_from([np.savez, np.savez_compressed]), fortran=st.booleans())
def test_bytes_are_read_as_they_are(tmp_path_factory, values, pack, fortran):
    ordered = np.asfortranarray(values) if fortran else values
    images = read(save(tmp_path_factory.mktemp("npz"), pack=pack, images=ordered))
    assert images.images.dtype == torch.uint8
    assert images.images.numpy().tolist() == channels_first(values).tolist()
    assert images.images.is_contiguous()
    assert images.labels is None


@given(
    levels=arrays.arrays(np.uint8, shapes),
    dtype=st.sampled_from([np.float16, np.float32, ">f4", np.float64, np.longdouble]),
)
def test_floats_give_the_bytes_they_came_from(tmp_path_factory, levels, dtype):
    levels.flat[0] = 0  # so that they cannot be taken for [0, 1]
    values = (levels.astype(np.longdouble) / 127.5 - 1).astype(dtype)
    images = read(save(tmp_path_factory.mktemp("npz"), images=values))
    assert images.images.numpy().tolist() == channels_first(levels).tolist()


def test_floats_are_rounded_half_to_even(tmp_path):
    values = np.array([[[-1.0, 65 / 255 - 1, 73 / 255 - 1, 0.0, 1.0]]])
    assert ((values + 1) * 127.5).flatten().tolist() == [0, 32.5, 36.5, 127.5, 255]
    assert read(save(tmp_path, images=values)).images.flatten().tolist() == [0, 32, 36, 128, 255]


def test_half_precision_is_widened_first(tmp_path):
    values = np.array([[[-0.86279296875, -0.7607421875]]], np.float16)  # 17.494 and 30.505, of which it would make halves
    assert read(save(tmp_path, images=values)).images.flatten().tolist() == [17, 31]


def test_many_floats_are_quantised_in_slices(tmp_path, monkeypatch):
    monkeypatch.setattr("sparring.data.npz._SLICE", 5)
    levels = np.arange(7 * 2 * 2, dtype=np.uint8).reshape(7, 2, 2)
    assert read(save(tmp_path, images=levels / 127.5 - 1)).images.flatten().tolist() == list(range(28))


def test_an_unnamed_array_is_accepted(tmp_path):
    assert len(read(save(tmp_path, np.zeros((2, 3, 4), np.uint8)))) == 2


def test_the_suffix_is_told_in_any_case(tmp_path):
    path = save(tmp_path, images=np.zeros((2, 3, 4), np.uint8))
    assert len(read(path.rename(tmp_path / "PICTURES.NPZ"))) == 2


def test_progress_ends_with_all(tmp_path):
    told = []
    read_pictures(save(tmp_path, images=np.zeros((2, 3, 4), np.uint8)), progress=lambda *news: told.append(news))
    assert told == [("pictures.npz", 2, 2)]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64, ">i2"])
def test_labels_are_read(tmp_path, dtype):
    images = read(save(tmp_path, images=np.zeros((3, 2, 2), np.uint8), labels=np.array([2, 0, 2], dtype)))
    assert images.labels is not None
    assert images.labels.dtype == torch.int64
    assert images.labels.tolist() == [2, 0, 2]
    assert images.classes == ("0", "1", "2")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 3), np.uint8), r"has shape \[2, 3\]; it must be \[N, H, W\] or"),
        (np.zeros((2, 3, 3, 3, 3), np.uint8), r"has shape \[2, 3, 3, 3, 3\]"),
        (np.uint8(3), r"has shape \[\]"),
        (
            np.zeros((2, 3, 28, 28), np.uint8),
            r"has shape \[2, 3, 28, 28\]; the channels come last, and there must be 1, 3 or 4",
        ),
        (np.zeros((0, 28, 28), np.uint8), r"is empty: its shape is \[0, 28, 28\]"),
        (np.zeros((2, 0, 28), np.uint8), "is empty"),
        (np.zeros((2, 3, 3), np.int64), r"is int64; it must be uint8, or floats in \[-1, 1\]"),
        (np.zeros((2, 3, 3), bool), "is bool; it must be uint8"),
        (np.zeros((2, 3, 3), complex), "is complex128"),
        (np.zeros((2, 3, 3), "U3"), "is <U3"),
        (np.array([[[-1, 0, math.nan, math.inf, -math.inf]]]), "has 3 of 5 values that are infinite or not a number"),
        (np.array([[[-1, 1.5]]]), r"goes from -1 to 1\.5; floats must lie in \[-1, 1\]"),
        (np.array([[[-1.5, 1]]]), r"goes from -1\.5 to 1; floats must lie"),
        (np.array([[[0.0, 0.5]]]), r"goes from 0 to 0\.5, most likely meant as \[0, 1\]; save 2 \* images - 1"),
        (np.full((2, 3, 3), 200.0), "goes from 200 to 200; floats must lie"),
    ],
)
def test_other_arrays_are_refused(tmp_path, images, words):
    with pytest.raises(InputError, match=rf"`images` of .*pictures\.npz {words}"):
        read(save(tmp_path, images=images))


def test_objects_are_not_read(tmp_path):
    with pytest.raises(InputError, match="holds Python objects, which are not read"):
        read(save(tmp_path, images=np.array([[[{}]]], dtype=object)))
    with pytest.raises(InputError, match=r"`labels` of .* is object; labels must be integers"):
        read(save(tmp_path, images=np.zeros((1, 2, 2), np.uint8), labels=np.array([{}], dtype=object)))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1], "3 images but 2 labels"),
        ([], "is float64; labels must be integers"),
        (np.zeros(0, int), "3 images but 0 labels"),
        ([0, -1, 2], r"the labels go from -1 to 2; they must lie in 0\.\."),
        ([0, 1, MOST_CLASSES], "the labels go from 0 to 65536"),
        (np.array([0, 1, 2**64 - 1], np.uint64), "the labels go from 0 to 18446744073709551615"),
        ([0.0, 1.0, 2.0], "is float64; labels must be integers"),
        ([True, False, True], "is bool; labels must be integers"),
        ([[0], [1], [2]], r"has shape \[3, 1\]; it must be \[N\]"),
        (3, r"has shape \[\]; it must be \[N\]"),
    ],
)
def test_wrong_labels_are_refused(tmp_path, labels, words):
    with pytest.raises(InputError, match=words):
        read(save(tmp_path, images=np.zeros((3, 2, 2), np.uint8), labels=np.array(labels)))


def test_other_names_are_listed(tmp_path):
    with pytest.raises(InputError, match="has no array `images`; it holds x_test, x_train"):
        read(save(tmp_path, x_train=np.zeros(3), x_test=np.zeros(3)))


def test_images_win_over_an_unnamed_array(tmp_path):
    assert len(read(save(tmp_path, np.zeros((2, 3, 4), np.uint8), images=np.zeros((5, 3, 4), np.uint8)))) == 5


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.npz cannot be read as an \.npz file: File is not a zip file"):
        read(tmp_path / "x.npz")


def declaring(path, shape, dtype="|u1", content=b"\0" * 64, compression=zipfile.ZIP_STORED):
    """An archive whose array is said to be larger than it is."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": dtype, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("images.npy", head.getvalue() + content)
    return path


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("shape", [(10**4, 10**4, 10**4, 3), (10**30, 1, 1), (1, 8, 7), (1, 8, 9), (-1, 8, 8)])
def test_a_header_is_not_believed(tmp_path, monkeypatch, shape, compression):
    monkeypatch.setattr(np.lib.format, "read_array", lambda _: pytest.fail("memory was asked for"))
    words = "is empty" if min(shape) < 0 else r"declares [\d,]+ bytes .*, but the file holds 192"
    with pytest.raises(InputError, match=words):
        read(declaring(tmp_path / "x.npz", shape, compression=compression))


def test_nor_is_the_archives_directory(tmp_path, monkeypatch):
    monkeypatch.setattr(np.lib.format, "read_array", lambda _: pytest.fail("memory was asked for"))
    size = 128 + 10**9
    path = declaring(tmp_path / "x.npz", (10**9, 1, 1), content=b"\0" * 10**4, compression=zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\1\2") + 24  # the unpacked size, in the directory
    data[at : at + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match="declares 1,000,000,128 bytes"):
        read(path)


def test_what_packs_well_is_still_read(tmp_path):
    images = read(save(tmp_path, pack=np.savez_compressed, images=np.zeros((1000, 32, 32), np.uint8)))
    assert len(images) == 1000


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(tmp_path, compression):
    with pytest.raises(InputError, match="but the file holds 0"):
        read(declaring(tmp_path / "x.npz", (1, 8, 8), compression=compression))


def test_a_lack_of_memory_is_not_the_files_fault(tmp_path, monkeypatch):
    def fail(_):
        raise MemoryError

    path = save(tmp_path, images=np.zeros((2, 3, 4), np.uint8))
    monkeypatch.setattr(np.lib.format, "read_array", fail)
    with pytest.raises(MemoryError):
        read(path)


def packed(pack):
    buffer = io.BytesIO()
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    pack(buffer, images=images, labels=np.array([1, 0, 2]))
    return buffer.getvalue(), images


WHOLE = {pack: packed(pack) for pack in (np.savez, np.savez_compressed)}


def mutations(data):
    """The bytes with one changed, one bit flipped, some cut off or put in."""
    place = st.integers(0, len(data) - 1)
    changed = st.builds(lambda at, by: data[:at] + bytes([by]) + data[at + 1 :], place, st.integers(0, 255))
    flipped = st.builds(lambda at, bit: data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :], place, st.integers(0, 7))
    grown = st.builds(lambda at, more: data[:at] + more + data[at:], place, st.binary(max_size=9))
    return st.one_of(changed, flipped, grown, place.map(lambda at: data[:at]))


@pytest.mark.parametrize("pack", WHOLE, ids=["stored", "packed"])
@given(data=st.data())
def test_a_mutated_file_reads_right_or_is_refused(tmp_path_factory, pack, data):
    whole, expected = WHOLE[pack]
    path = tmp_path_factory.mktemp("mutated") / "x.npz"
    path.write_bytes(data.draw(mutations(whole)))
    try:
        images = read(path)
    except InputError:
        return
    assert images.images[:, 0].tolist() == expected.tolist()
    assert images.labels is not None
    assert images.labels.tolist() == [1, 0, 2]


@pytest.mark.parametrize("field", [28, 30, 32], ids=["name", "extra", "comment"])
def test_labels_do_not_vanish_in_a_damaged_directory(tmp_path, field):
    whole, _ = WHOLE[np.savez]
    data = bytearray(whole)
    data[whole.index(b"PK\1\2") + field + 1] = 1  # the first entry's name, or what follows it, swallows the second
    (tmp_path / "x.npz").write_bytes(data)
    with pytest.raises(InputError, match=r"x\.npz cannot be read as an \.npz file"):
        read(tmp_path / "x.npz")


def test_nor_under_a_name_that_only_the_directory_knows(tmp_path):
    whole, _ = WHOLE[np.savez]
    at = whole.rindex(b"labels.npy")
    (tmp_path / "x.npz").write_bytes(whole[:at] + b"l4bels.npy" + whole[at + 10 :])
    with pytest.raises(InputError, match=r"x\.npz cannot be read as an \.npz file: File name in directory"):
        read(tmp_path / "x.npz")


def test_an_archive_with_a_comment_is_read(tmp_path):
    path = save(tmp_path, images=np.zeros((2, 3, 4), np.uint8))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by hand"
    assert len(read(path)) == 2


def test_damage_in_the_values_is_seen_by_the_checksum(tmp_path):
    whole, expected = WHOLE[np.savez]
    (tmp_path / "x.npz").write_bytes(whole.replace(expected.tobytes(), bytes(60)))
    with pytest.raises(InputError, match=r"cannot be read as an .npz file: Bad CRC-32"):
        read(tmp_path / "x.npz")
