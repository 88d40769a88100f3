import gzip

import pytest

from sparring.data import IdxFolder
from sparring.errors import InputError


def labels_of(examples):
    assert examples.labels is not None
    return examples.labels


@pytest.fixture
def folder(tmp_path, four_files):
    for name, data in four_files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_both_halves_are_read_with_the_classes_of_both(folder):
    data = IdxFolder(str(folder))
    train, test = data.train(), data.test()
    assert (len(train), len(test), train.shape) == (5, 3, (1, 2, 3))
    assert labels_of(train).tolist() == [0, 1, 2, 1, 0]
    assert train.images[1].flatten().tolist() == [6, 7, 8, 9, 10, 11]
    assert train.classes == test.classes == ("0", "1", "2", "3")
    assert data.is_cached()


def test_gzipped_files_are_read_alike(folder):
    expected = IdxFolder(str(folder)).train().fingerprint()
    raw = folder / "train-images-idx3-ubyte"
    raw.with_name(f"{raw.name}.gz").write_bytes(gzip.compress(raw.read_bytes()))
    raw.unlink()
    assert IdxFolder(str(folder)).train().fingerprint() == expected


def test_the_first_training_images_are_held_back(folder):
    data = IdxFolder(str(folder), held_back=2)
    assert labels_of(data.train()).tolist() == [2, 1, 0]
    assert len(data.test()) == 3


def test_too_many_cannot_be_held_back(folder):
    with pytest.raises(InputError, match="held_back is -1"):
        IdxFolder(str(folder), held_back=-1)
    with pytest.raises(InputError, match="the first 5 of 5"):
        IdxFolder(str(folder), held_back=5).train()


def test_a_missing_folder_is_named(tmp_path):
    data = IdxFolder(str(tmp_path / "absent"))
    assert not data.is_cached()
    with pytest.raises(InputError, match=r"there is no folder .*absent"):
        data.train()


def test_missing_files_are_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    data = IdxFolder(str(folder))
    assert not data.is_cached()
    with pytest.raises(InputError, match="lacks t10k-labels-idx1-ubyte;"):
        data.train()


def test_counts_must_agree(folder, encode):
    (folder / "train-labels-idx1-ubyte").write_bytes(encode([4]))
    with pytest.raises(InputError, match="5 images but 4 labels"):
        IdxFolder(str(folder)).train()


def test_a_truncated_file_is_named(folder, four_files):
    (folder / "t10k-images-idx3-ubyte").write_bytes(four_files["t10k-images-idx3-ubyte"][:-1])
    with pytest.raises(InputError, match="t10k-images-idx3-ubyte holds only 33 bytes"):
        IdxFolder(str(folder)).test()
