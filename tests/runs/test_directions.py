"""The directions that a user has named, as a file."""

import json

import pytest

from sparring.errors import InputError
from sparring.runs import directions


def test_directions_are_named_renamed_and_removed(tmp_path):
    path = tmp_path / directions.FILE
    assert directions.read(path) == ()
    directions.save(path, "slant", [1, 2.5])
    directions.save(path, "굵기", [0.0, 1.0])
    directions.save(path, "slant", [3.0, 4.0])
    assert [(own.name, own.vector) for own in directions.read(path)] == [("굵기", (0.0, 1.0)), ("slant", (3.0, 4.0))]
    directions.save(path, "slant", None)
    assert [own.name for own in directions.read(path)] == ["굵기"]
    assert json.loads(path.read_text("utf-8"))["format"] == directions.FORMAT


@pytest.mark.parametrize(
    ("name", "vector"), [("", [1.0]), ("x" * 61, [1.0]), ("a\nb", [1.0]), ("a", []), ("a", ["b"]), ("a", [1e9]), ("a", {})]
)
def test_bad_ones_are_refused_and_nothing_is_written(tmp_path, name, vector):
    with pytest.raises(InputError):
        directions.save(tmp_path / directions.FILE, name, vector)
    assert not [*tmp_path.iterdir()]


def test_no_more_than_fit_a_page_and_no_damaged_file_or_link(tmp_path):
    path = tmp_path / directions.FILE
    for number in range(directions.MOST):
        directions.save(path, str(number), [1.0])
    with pytest.raises(InputError, match="at most 32"):
        directions.save(path, "more", [1.0])
    (tmp_path / "link.json").symlink_to(path)
    with pytest.raises(InputError, match="is a link"):
        directions.read(tmp_path / "link.json")
    path.write_text('{"format": "sparring-directions-1", "directions": [{"name": 3, "vector": []}]}')
    with pytest.raises(InputError, match=r"directions\.0"):
        directions.read(path)
