"""YAML that says what the JSON said, whatever a text in it holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.storage.yaml_text import yaml_text

yaml = pytest.importorskip("yaml")

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    [
        "true",
        "no",
        "null",
        "~",
        "1.5",
        "1e5",
        "0x1f",
        "2026-11-27",
        "a: b",
        "- a",
        "#",
        "---",
        "...",
        "\ufeff",
        "\x85",
        "\u2028",
        "é",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_it_is_read_as_it_was(value):
    assert yaml.safe_load(yaml_text(value)) == (value or None)


@given(TEXTS)
def test_a_text_stays_on_its_line(text):
    assert yaml_text({"a": text, "b": [text]}).splitlines() == [f"a: {_own(text)}", "b:", f"- {_own(text)}"]


def _own(text):
    return yaml_text({"a": text}).removeprefix("a: ").removesuffix("\n")


def test_it_is_what_people_write():
    value = {
        "tags": ["gan", "a b"],
        "index": [{"name": "x", "results": [{"type": "y", "value": 1e-05}]}],
        "empty": {},
        "n": math.inf,
    }
    assert yaml_text(value) == (
        'tags:\n- gan\n- "a b"\nindex:\n- name: x\n  results:\n  - type: "y"\n    value: 1.0e-05\nempty: {}\n"n": .inf\n'
    )
