import pytest

from sparring.data.folder import intervals


def test_intervals_hold_as_many_numbers_each():
    texts = [f"{n / 4}" for n in range(-20, 20)]
    found = intervals.divided(texts)
    assert found is not None
    assert found[0] == "-5..-3.75"
    assert found[-1] == "3.75..4.75"
    assert {found.count(name) for name in found} == {5}
    for text, name in zip(texts, found, strict=True):
        assert intervals.holding(text, found) == name
    assert intervals.holding("4.76", found) is None
    assert intervals.holding("4,75", found) == "3.75..4.75"


@pytest.mark.parametrize(
    ("texts", "most", "expected"),
    [
        (["0", "0", "0", "0", "1", "2"], 3, ["0..1", "0..1", "0..1", "0..1", "1..2", "1..2"]),
        (["1", "2", "3", "4"], 2, None),  # they count
        (["1.5", "2", "3", "4"], 2, ["1.5..3", "1.5..3", "3..4", "3..4"]),
        (["0.5", "1.5", "nan"], 2, None),
        (["0.5", "1.5", ""], 2, None),
        (["0.5", "1.5", "0.5"], 2, None),  # a single interval
        (["1e-9", "2", "123456789.5", "3"], 2, ["1e-09..3", "1e-09..3", "3..1.23457e+08", "3..1.23457e+08"]),
    ],
)
def test_what_is_a_quantity(texts, most, expected):
    assert intervals.divided(texts, most) == expected


def test_names_of_classes_are_no_intervals():
    assert [intervals.ends(name) for name in ("cat", "..", "a..b", "1", "1..2")] == [None, None, None, None, (1.0, 2.0)]
    assert intervals.holding("1", ["cat", "dog"]) is None
