import json
import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save

from sparring.errors import InputError
from sparring.storage.tensors import encode_tensors, read_tensors

FACTS = {"name": "żółw", "number": 0.1, "rows": [[1, 2], []], "nothing": None}
TENSORS = {
    "matrix": torch.arange(6.0).view(2, 3),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "count": torch.tensor(7),
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
    "empty": torch.empty(0, 3),
    "flag": torch.tensor([True, False]),
}
WHOLE, CHECKSUM = encode_tensors("format-1", FACTS, TENSORS)


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(WHOLE)
    return path


def assert_as_sealed(found):
    facts, tensors, checksum = found
    assert facts == FACTS
    assert checksum == CHECKSUM
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        assert (tensor.dtype, tensor.shape) == (TENSORS[name].dtype, TENSORS[name].shape)
        assert torch.equal(tensor, TENSORS[name])


def test_what_was_sealed_comes_back(sealed):
    assert_as_sealed(read_tensors(sealed, "format-1", "thing"))
    assert re.fullmatch("[0-9a-f]{64}", CHECKSUM)


def test_the_checksum_does_not_depend_on_the_order_of_tensors_or_their_place_in_memory():
    assert encode_tensors("format-1", FACTS, dict(reversed(TENSORS.items())))[1] == CHECKSUM
    strided = TENSORS | {"matrix": TENSORS["matrix"].T.contiguous().T, "flag": torch.tensor([True, True, False])[::2]}
    assert not strided["matrix"].is_contiguous()
    assert encode_tensors("format-1", FACTS, strided)[1] == CHECKSUM


@pytest.mark.parametrize(
    ("facts", "tensors"),
    [
        (FACTS | {"number": 0.2}, TENSORS),
        (FACTS, TENSORS | {"matrix": TENSORS["matrix"].view(3, 2)}),
        (FACTS, TENSORS | {"matrix": TENSORS["matrix"].view(torch.int32)}),
        (FACTS, TENSORS | {"matrix": TENSORS["matrix"] + 1}),
        (FACTS, {name.replace("matrix", "matrix2"): tensor for name, tensor in TENSORS.items()}),
        (FACTS, {name: tensor for name, tensor in TENSORS.items() if name != "empty"}),
    ],
    ids=["facts", "shape", "type", "values", "name", "number"],
)
def test_the_checksum_depends_on_everything_else(facts, tensors):
    assert encode_tensors("format-1", facts, tensors)[1] != CHECKSUM


@pytest.mark.parametrize("kept", [0, 4, 8, 100, -100, -1])
def test_a_truncated_file_is_refused(sealed, kept):
    sealed.write_bytes(WHOLE[:kept])
    with pytest.raises(InputError, match=r"x\.safetensors is no intact thing: ") as caught:
        read_tensors(sealed, "format-1", "thing")
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=300)
@given(place=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_wherever_it_is(tmp_path_factory, place, bit):
    path = tmp_path_factory.mktemp("flipped") / "x.safetensors"
    path.write_bytes(WHOLE[:place] + bytes([WHOLE[place] ^ 1 << bit]) + WHOLE[place + 1 :])
    with pytest.raises(InputError, match=r"x\.safetensors (is no intact thing: |has the format )") as caught:
        read_tensors(path, "format-1", "thing")
    assert "\n" not in str(caught.value)


@settings(deadline=None, max_examples=200)
@given(place=st.integers(0, len(WHOLE) - 1), by=st.binary(max_size=3), length=st.integers(0, 3))
def test_a_changed_file_is_refused_or_says_the_same(tmp_path_factory, place, by, length):
    path = tmp_path_factory.mktemp("changed") / "x.safetensors"
    path.write_bytes(WHOLE[:place] + by + WHOLE[place + length :])
    try:
        found = read_tensors(path, "format-1", "thing")
    except InputError:
        return
    assert_as_sealed(found)


def test_another_format_is_named(sealed):
    with pytest.raises(InputError, match=r"x\.safetensors has the format 'format-1'; this version reads format-2"):
        read_tensors(sealed, "format-2", "thing")
    sealed.write_bytes(save({"w": torch.zeros(2)}))
    with pytest.raises(InputError, match="has the format None; this version reads format-1"):
        read_tensors(sealed, "format-1", "thing")


def altered(path, **changes):
    """The file with other metadata, laid out as safetensors wants it."""
    with safe_open(path, framework="pt") as file:
        path.write_bytes(save(dict(TENSORS), {**file.metadata(), **changes}))


@pytest.mark.parametrize("changes", [{"facts": json.dumps(FACTS | {"number": 1})}, {"sha256": "0" * 64}, {"facts": ""}])
def test_altered_facts_are_noticed(sealed, changes):
    altered(sealed, **changes)
    with pytest.raises(InputError, match=r"x\.safetensors is no intact thing: its checksum does not match"):
        read_tensors(sealed, "format-1", "thing")


def test_what_is_not_there_or_no_file_is_refused(tmp_path):
    for path in (tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(InputError, match=f"{path.name} is no intact thing: "):
            read_tensors(path, "format-1", "thing")


def test_facts_are_strict_json():
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_tensors("format-1", {"number": math.nan}, {})
