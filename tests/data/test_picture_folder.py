import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import PictureFolder, image_files
from sparring.errors import InputError


def put(path, level=0, colour=None, width=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    mode, value = ("RGB", colour) if colour else ("L", level)
    Image.new(mode, (width, 2), value).save(path)
    return path


def levels(examples):
    return examples.images[:, 0, 0, 0].tolist()


def labels_of(examples):
    assert examples.labels is not None
    return examples.labels.tolist()


def many(folder, num):
    for level in range(num):
        put(folder / f"{level:03}.png", level)
    return PictureFolder(str(folder))


@pytest.mark.parametrize(("num", "num_test"), [(2, 1), (9, 1), (19, 1), (20, 2), (47, 4)])
def test_a_tenth_is_the_test_split(tmp_path, num, num_test):
    data = many(tmp_path, num)
    train, test = levels(data.train()), levels(data.test())
    assert len(test) == num_test
    assert sorted(train + test) == list(range(num))
    assert train == sorted(train)
    assert test == sorted(test)


def test_the_tenth_depends_on_the_number_of_pictures_alone(tmp_path):
    assert levels(many(tmp_path / "a", 40).test()) == levels(many(tmp_path / "b", 40).test()) == [0, 8, 28, 33]
    for name in ("x", "y"):
        for level in range(20):
            put(tmp_path / "c" / name / f"{level}.png", level, width=5)
    data = PictureFolder(str(tmp_path / "c"))
    assert levels(data.test()) == [sorted(range(20), key=str)[place % 20] for place in (0, 8, 28, 33)]
    assert labels_of(data.test()) == [0, 0, 1, 1]
    assert labels_of(data.train()) == [0] * 18 + [1] * 18
    assert data.train().classes == data.test().classes == ("x", "y")


def test_folders_train_and_test_are_the_halves(tmp_path):
    for level, name in enumerate(["train/b.png", "train/a.png", "test/a.png", "beside.png", "valid/a.png"]):
        put(tmp_path / name, level)
    data = PictureFolder(str(tmp_path))
    assert (levels(data.train()), levels(data.test())) == ([1, 0], [2])
    assert data.train().labels is None


def test_only_one_of_them_is_a_folder_like_others(tmp_path):
    for level in range(3):
        put(tmp_path / "train" / f"{level}.png", level)
    assert len(PictureFolder(str(tmp_path)).train()) == 2


def test_classes_are_those_of_both_halves(tmp_path):
    for name in ("train/dog/1.png", "train/ant/1.png", "test/cat/1.png", "test/dog/1.png"):
        put(tmp_path / name)
    data = PictureFolder(str(tmp_path))
    assert data.train().classes == data.test().classes == ("ant", "cat", "dog")
    assert (labels_of(data.train()), labels_of(data.test())) == ([0, 2], [1, 2])


def test_one_class_in_each_half_makes_two(tmp_path):
    put(tmp_path / "train/dog/1.png")
    put(tmp_path / "test/cat/1.png")
    assert labels_of(PictureFolder(str(tmp_path)).train()) == [1]


@pytest.mark.parametrize("half", ["train", "test"])
def test_both_halves_have_colour_or_neither(tmp_path, half):
    for level, name in enumerate(["train/1.png", "train/2.png", "test/1.png"]):
        put(tmp_path / name, level)
    data = PictureFolder(str(tmp_path))
    assert data.train().shape == data.test().shape == (1, 2, 3)
    put(tmp_path / half / "3.png", colour=(9, 8, 7))
    assert data.train().shape == data.test().shape == (3, 2, 3)


def test_grey_pictures_stored_as_rgb_stay_grey_in_both_halves(tmp_path):
    for half in ("train", "test"):
        put(tmp_path / half / "1.png", colour=(5, 5, 5))
    data = PictureFolder(str(tmp_path))
    assert data.train().shape == data.test().shape == (1, 2, 3)


@pytest.mark.parametrize("half", ["train", "test"])
def test_both_halves_have_one_size(tmp_path, half):
    for name in ("train/1.png", "test/1.png", "train/2.png", "test/2.png"):
        put(tmp_path / name)
    put(tmp_path / half / "1.png", width=4)
    for read in (PictureFolder(str(tmp_path)).train, PictureFolder(str(tmp_path)).test):
        with pytest.raises(
            InputError, match=rf"{half}.1\.png: is 4 x 2 pixels, not 3 x 2 like most; 1 of 4 files is bad; mend"
        ):
            read()


def test_a_bad_file_of_the_test_is_found_before_training(tmp_path):
    put(tmp_path / "train/1.png")
    path = put(tmp_path / "test/1.bmp")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"1\.bmp: .*; 1 of 2 files is bad; mend or remove such files$"):
        PictureFolder(str(tmp_path)).train()


def test_the_test_decodes_no_more_than_it_needs(tmp_path, monkeypatch):
    data, decoded, read = many(tmp_path, 30), [], image_files.read_pixels
    monkeypatch.setattr(image_files, "read_pixels", lambda path: decoded.append(path) or read(path))
    assert len(data.test()) == len(decoded) == 3
    put(tmp_path / "001.png", colour=(1, 1, 1))  # grey, but only its pixels can tell
    put(tmp_path / "002.png", colour=(0, 0, 2))
    put(tmp_path / "003.png", colour=(0, 0, 3))
    decoded.clear()
    assert data.test().shape == (3, 2, 3)
    assert len(decoded) == 5


def test_the_first_training_images_are_held_back(tmp_path):
    many(tmp_path, 20)
    whole, rest = PictureFolder(str(tmp_path)), PictureFolder(str(tmp_path), held_back=5)
    assert levels(rest.train()) == levels(whole.train())[5:]
    assert levels(rest.test()) == levels(whole.test())


def test_too_many_cannot_be_held_back(tmp_path):
    many(tmp_path, 5)
    with pytest.raises(InputError, match="picture-folder: held_back is -1"):
        PictureFolder(str(tmp_path), held_back=-1)
    with pytest.raises(InputError, match="the first 4 of 4"):
        PictureFolder(str(tmp_path), held_back=4).train()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no picture; at least 2 are needed"),
        (["1.png"], "holds only one picture; at least 2 are needed"),
        (["train/1.png", "train/2.png", "test/notes.txt"], "test holds no picture; both train and test must"),
        (["test/1.png", "test/2.png", "train/notes.txt"], "train holds no picture; both train and test must"),
    ],
)
def test_too_few_pictures_are_refused(tmp_path, names, words):
    for name in names:
        put(tmp_path / name) if name.endswith("png") else (tmp_path / name).parent.mkdir()
    data = PictureFolder(str(tmp_path))
    assert not data.is_cached()
    for ask in (data.fetch, data.train, data.test):
        with pytest.raises(InputError, match=words):
            ask()


def test_a_missing_folder_is_named(tmp_path):
    data = PictureFolder(str(tmp_path / "absent"))
    assert not data.is_cached()
    with pytest.raises(InputError, match=r"there is no folder .*absent"):
        data.train()


def test_what_is_there_is_told_without_reading_it(tmp_path):
    (tmp_path / "1.png").write_bytes(b"no picture")
    (tmp_path / "2.png").write_bytes(b"no picture")
    data = PictureFolder(str(tmp_path))
    assert data.is_cached()
    data.fetch()


def test_pictures_changed_since_are_read_anew(tmp_path):
    data = many(tmp_path, 2)
    before = data.train().fingerprint()
    for name in ("000.png", "001.png"):
        put(tmp_path / name, 99)
    assert data.train().fingerprint() != before


def test_progress_is_told_under_the_folders_name(tmp_path):
    told = []
    many(tmp_path, 20).train(lambda *news: told.append(news))
    assert told[-1] == (tmp_path.name, 40, 40)


def test_images_become_batches(tmp_path):
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "1.png")
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / "2.png")
    assert PictureFolder(str(tmp_path)).train().batch(torch.tensor([0])).tolist() == [[[[-1.0, 1.0]]]]
