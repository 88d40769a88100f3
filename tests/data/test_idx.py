import gzip

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from sparring.data import idx
from sparring.errors import InputError

small = st.integers(1, 5)


@given(num=small, height=small, width=small, data=st.data())
def test_images_survive_the_round_trip(encode, num, height, width, data):
    values = data.draw(st.binary(min_size=num * height * width, max_size=num * height * width))
    images = idx.parse_images(encode([num, height, width], values), "images")
    assert images.dtype == torch.uint8
    assert images.shape == (num, 1, height, width)
    assert bytes(images.flatten().tolist()) == values


@given(values=st.binary(min_size=1, max_size=30))
def test_labels_survive_the_round_trip(encode, values):
    labels = idx.parse_labels(encode([len(values)], values), "labels")
    assert labels.dtype == torch.int64
    assert labels.tolist() == list(values)


def mutations(data):
    """The bytes with one changed, some cut off or put in, or with another header altogether."""
    place = st.integers(0, len(data) - 1)
    changed = st.builds(lambda at, by: data[:at] + bytes([by]) + data[at + 1 :], place, st.integers(0, 255))
    cut = place.map(lambda at: data[:at])
    grown = st.builds(lambda at, more: data[:at] + more + data[at:], place, st.binary(max_size=9))
    headed = st.binary(min_size=16, max_size=16).map(lambda head: head + data[16:])
    return st.one_of(changed, cut, grown, headed)


@given(data=st.data())
def test_a_mutated_images_file_reads_right_or_is_refused(encode, data):
    mutated = data.draw(mutations(encode([2, 3, 4])))
    try:
        images = idx.parse_images(mutated, "mutated")
    except InputError:
        return
    num, _, height, width = images.shape
    assert encode([num, height, width], images.flatten().tolist()) == mutated


@given(data=st.data())
def test_a_mutated_labels_file_reads_right_or_is_refused(encode, data):
    mutated = data.draw(mutations(encode([6])))
    try:
        labels = idx.parse_labels(mutated, "mutated")
    except InputError:
        return
    assert encode([len(labels)], labels.tolist()) == mutated


@given(data=st.binary(max_size=40))
@example(b"")
def test_noise_is_refused_or_is_what_it_says(encode, data):
    try:
        images = idx.parse_images(data, "noise")
    except InputError:
        return
    assert len(data) == 16 + images.numel()


@given(data=st.data())
def test_a_mutated_gzip_file_reads_right_or_is_refused(encode, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("mutated") / "images.gz"
    path.write_bytes(data.draw(mutations(gzip.compress(encode([2, 3, 4]), mtime=0))))
    try:
        images = idx.read_images(path)
    except InputError:
        return
    assert torch.equal(images, idx.parse_images(encode([2, 3, 4]), "whole"))


@pytest.mark.parametrize(
    ("sizes", "values", "magic", "words"),
    [
        ([2, 2, 2], range(8), 2052, "not an IDX file"),
        ([8], range(8), None, "begins with 2049, not with the 2051"),
        ([0, 2, 2], [], None, "is empty"),
        ([2, 2, 2], range(7), None, "holds only 23 bytes, but its header declares 24"),
        ([2, 2, 2], range(9), None, "holds more than 24 bytes"),
        ([2**32 - 1] * 3, range(8), None, "holds only 24 bytes"),
    ],
)
def test_the_error_says_what_is_wrong(encode, sizes, values, magic, words):
    with pytest.raises(InputError, match=words) as raised:
        idx.parse_images(encode(sizes, values, magic), "some-file")
    assert "some-file" in str(raised.value)


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress)], ids=["raw", "gz"])
def test_files_are_read_raw_and_gzipped(encode, tmp_path, suffix, pack):
    images, labels = tmp_path / f"images{suffix}", tmp_path / f"labels{suffix}"
    images.write_bytes(pack(encode([2, 3, 4])))
    labels.write_bytes(pack(encode([3])))
    assert idx.read_images(images).flatten().tolist() == list(range(24))
    assert idx.read_labels(labels).tolist() == [0, 1, 2]


def test_a_gzip_bomb_is_unpacked_no_further_than_it_declares(encode, tmp_path, monkeypatch):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(encode([2, 3, 4]) + bytes(50_000_000)))
    unpacked = []
    monkeypatch.setattr(idx, "read_up_to", lambda stream, limit: unpacked.append(limit) or stream.read(limit))
    with pytest.raises(InputError, match="holds more than 40 bytes"):
        idx.read_images(path)
    assert unpacked == [25]  # the 24 values and one byte more


def test_sizes_beyond_the_file_cost_no_memory(encode, tmp_path):
    path = tmp_path / "greedy.gz"
    path.write_bytes(gzip.compress(encode([2**32 - 1] * 3, bytes(8))))
    with pytest.raises(InputError, match=r"holds at most [0-9,]+ bytes, but its header declares 79,228,"):
        idx.read_images(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent cannot be read"):
        idx.read_labels(tmp_path / "absent")


def test_images_and_labels_must_be_as_many():
    with pytest.raises(InputError, match="here: 2 images but 3 labels"):
        idx.image_set(torch.zeros(2, 1, 1, 1, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), (), where="here")
