import pytest

from sparring.data import Gaussian1d, IdxFolder, ImageSet, Mnist, PointSet, Ring, resolve
from sparring.errors import InputError
from sparring.registry import name_of, names


def test_names_resolve_to_parts_with_their_defaults():
    assert resolve("mnist") == Mnist()
    assert resolve("gaussian-1d") == Gaussian1d()
    assert resolve("ring") == Ring()


def test_a_folder_resolves_to_its_idx_files_wherever_it_is_named_from(tmp_path, four_files, monkeypatch):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, data in four_files.items():
        (folder / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    assert resolve("./mnist") == resolve(str(folder)) == IdxFolder(str(folder))
    assert resolve("mnist") == Mnist()


@pytest.mark.parametrize("name", ["minst", "Mnist", "gaussian1d"])
def test_unknown_names_are_answered_with_the_nearest(name):
    with pytest.raises(InputError, match=r"neither a data set nor a folder; did you mean '(mnist|gaussian-1d)'"):
        resolve(name)


def test_pictures_and_files_are_answered_with_what_is_needed(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"")
    with pytest.raises(InputError, match="a data folder holds MNIST's four IDX files"):
        resolve(str(tmp_path))
    with pytest.raises(InputError, match="is a file; name the folder that holds MNIST's four IDX files"):
        resolve(str(tmp_path / "cat.png"))


def test_a_part_that_needs_a_path_says_so():
    with pytest.raises(InputError, match="idx-folder has no default path"):
        resolve("idx-folder")


@pytest.mark.parametrize("name", names("data"))
def test_every_registered_data_set_keeps_the_contract(name, tmp_path, four_files):
    for file, content in four_files.items():
        (tmp_path / file).write_bytes(content)
    data = resolve(str(tmp_path) if name == "idx-folder" else name)
    assert name_of(data) == name
    assert data.summary
    assert "\n" not in data.summary
    data.fetch()
    assert data.is_cached()
    for examples in (data.train(), data.test()):
        assert isinstance(examples, ImageSet | PointSet)
        assert len(examples) > 0
    assert data.train().fingerprint() == data.train().fingerprint() != data.test().fingerprint()
    assert data in {data}
