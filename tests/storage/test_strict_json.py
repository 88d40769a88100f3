import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.errors import InputError
from sparring.storage import strict_json

scalars = st.none() | st.booleans() | st.integers(-(10**300), 10**300) | st.floats(allow_nan=False, allow_infinity=False)
letters = st.characters(exclude_categories=("Cs", "Cc"))
values = st.recursive(
    scalars | st.text(letters),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(letters), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


@given(values)
def test_what_json_writes_is_read_back(value):
    text = json.dumps(value)
    assert strict_json.parse(text, "x") == value
    assert strict_json.parse(text.encode(), "x") == value
    assert strict_json.parse(json.dumps(value, ensure_ascii=False, indent=2).encode(), "x") == value


@given(st.binary(max_size=60) | st.text(st.sampled_from('[]{},:"\\u0d8 1-.eE+truefalsn'), max_size=40))
def test_any_text_is_a_value_or_an_input_error_of_one_line(text):
    said = ""
    try:
        found = strict_json.parse(text, "here")
    except InputError as error:
        said = str(error)
    else:
        assert found == json.loads(text)
    assert not said or (said.startswith("here is no ") and said.isprintable())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no valid JSON: Expecting value"),
        ("{} {}", "no valid JSON: Extra data"),
        (b"\xff", "no valid JSON: .*codec can't decode byte 0xff"),
        ("NaN", "no valid JSON: NaN is no number"),
        ("[-Infinity]", "no valid JSON: -Infinity is no number"),
        ("1e999", "no valid JSON: 1e999 is too large"),
        ("9" * 5000, "no valid JSON: .*limit"),
        ("9" * 400, "no valid JSON: a whole number has 400 digits"),
        ('{"a": 1, "b": 2, "a": 1}', "no valid JSON: it gives 'a' twice"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', "no valid JSON: it gives 'c' twice"),
        ('"\\ud800"', r"no valid JSON: a string holds the character U\+D800"),
        ('{"\\udfff": 1}', r"no valid JSON: a string holds the character U\+DFFF"),
        ('"\\u001b[2J"', r"no valid JSON: a string holds the character U\+001B"),
        ('"\\u009b2J"', r"no valid JSON: a string holds the character U\+009B"),
        (nested(65), "no JSON of ours: it is nested deeper than 64 levels"),
        (nested(100_000), "no JSON of ours: it is nested deeper than 64 levels"),
        ('{"a":' * 100_000, "no JSON of ours: it is nested deeper than 64 levels"),
        (" " * (strict_json.LONGEST + 1), "no JSON of ours: it is longer than 16 MiB"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_trusted_is_refused(text, words):
    with pytest.raises(InputError, match=f"f.json is {words}"):
        strict_json.parse(text, "f.json")


def test_what_is_unusual_and_harmless_is_read():
    assert strict_json.parse(nested(64), "x") == json.loads(nested(64))
    assert strict_json.parse('"\\ud83d\\ude00 \\u3000\\n\\t żółw 한글"', "x") == "😀 \u3000\n\t żółw 한글"
    assert strict_json.parse("1e-999", "x") == 0
    assert math.isclose(strict_json.parse("1" + "0" * 300, "x"), 1e300)


@given(st.text(max_size=1000))
def test_quoted_text_is_short_and_harmless(text):
    for quoted in (strict_json.one_line(text), strict_json.shown(text)):
        assert quoted.isprintable()
        assert len(quoted) <= 2 * 80


def test_quoted_text_keeps_what_fits():
    assert strict_json.one_line("a \n b\x1b[2J") == "a b\\x1b[2J"
    assert strict_json.shown({"a": [1, None]}) == '{"a": [1, null]}'
    assert strict_json.one_line("x" * 1000) == "x" * 80 + " ... " + "x" * 40
