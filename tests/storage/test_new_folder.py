"""A folder that gets its name once it is full, or never."""

import pytest

from sparring.errors import MachineError
from sparring.storage.files import new_folder


def test_it_has_its_name_at_the_end(tmp_path):
    with new_folder(tmp_path / "made") as part:
        (part / "file").write_text("x")
        assert not (tmp_path / "made").exists()
    assert (tmp_path / "made/file").read_text() == "x"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def fill(folder, then):
    with new_folder(folder) as part:
        (part / "file").write_text("x")
        then()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_nothing(tmp_path, error):
    def fail():
        raise error

    with pytest.raises(error):
        fill(tmp_path / "made", fail)
    assert not [*tmp_path.iterdir()]


def test_a_name_that_is_taken_meanwhile_is_left_alone(tmp_path):
    other = tmp_path / "made/other"
    with pytest.raises(MachineError, match="made"):
        fill(tmp_path / "made", lambda: other.mkdir(parents=True))
    assert [*tmp_path.rglob("*")] == [tmp_path / "made", other]
