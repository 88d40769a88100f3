import pytest
import torch

from sparring.evaluation import cache


def as_made(found):
    return found.keys() == {"x"} and found["x"].shape == (2,)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))


def counted(made: list, value: float = 1.0):
    def make():
        made.append(value)
        return {"x": torch.tensor([value, 2.0], dtype=torch.float64)}

    return make


def files(tmp_path):
    return list((tmp_path / "cache" / "scores").iterdir())


def test_what_was_made_once_is_read(tmp_path):
    made = []
    for _ in range(3):
        found = cache.tensors(("a", 1), counted(made), as_made)
        assert found["x"].tolist() == [1.0, 2.0]
        assert found["x"].dtype == torch.float64
    assert len(made) == len(files(tmp_path)) == 1


def test_each_dependency_has_its_own_file(tmp_path):
    made = []
    for place, key in enumerate([("a", 1), ("a", "1"), ("a", 1, 2), ("a1",)]):
        assert cache.tensors(key, counted(made, place), as_made)["x"][0] == place
    assert len(made) == len(files(tmp_path)) == 4


@pytest.mark.parametrize("damage", [lambda data: data[:50], lambda data: data[:-1] + bytes([data[-1] ^ 1]), lambda _: b""])
def test_a_damaged_file_is_made_anew_without_a_word(tmp_path, damage, capsys):
    made = []
    cache.tensors(("a",), counted(made), as_made)
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    for _ in range(2):
        assert cache.tensors(("a",), counted(made), as_made)["x"].tolist() == [1.0, 2.0]
    assert len(made) == 2
    assert capsys.readouterr() == ("", "")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.mkdir", fail)
    made: list[int] = []
    for _ in range(2):
        assert torch.equal(cache.tensors(("a",), counted(made), as_made)["x"], counted([])()["x"])
    assert len(made) == 2


def test_a_result_of_something_else_under_this_name_is_made_anew(tmp_path):
    cache.tensors(("a",), counted([]), as_made)
    cache.tensors(("b",), counted([], 5.0), as_made)
    a, b = sorted(files(tmp_path), key=lambda path: path.stat().st_mtime_ns)
    a.write_bytes(b.read_bytes())
    made = []
    assert cache.tensors(("a",), counted(made), as_made)["x"].tolist() == [1.0, 2.0]
    assert len(made) == 1


def test_a_result_of_another_shape_is_made_anew():
    cache.tensors(("a",), lambda: {"x": torch.zeros(3)}, as_made)
    made = []
    assert cache.tensors(("a",), counted(made), as_made)["x"].tolist() == [1.0, 2.0]
    assert len(made) == 1
