import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import PictureFolder, Ring, check, pictures, resolve
from sparring.data.folder import image_files, picture_folder
from sparring.data.folder.image_files import Shape
from sparring.data.pictures import decode
from sparring.errors import InputError, MachineError


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SPARRING_CACHE", str(folder))
    return folder / "pictures"


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
            InputError,
            match=rf"{half}.1\.png: is 4 x 2 pixels, not 3 x 2 like most; 1 of 4 files is bad; mend.* --set data.size=64",
        ):
            read()


def test_a_bad_file_of_the_test_is_found_before_training(tmp_path):
    put(tmp_path / "train/1.png")
    path = put(tmp_path / "test/1.bmp")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(
        InputError, match=r"1\.bmp: .*; 1 of 2 files is bad; mend .*, or leave them out with --skip-bad \(data.skip_bad=true\)$"
    ):
        PictureFolder(str(tmp_path)).train()


def test_pictures_are_decoded_once_for_both_halves(tmp_path, monkeypatch, cache):
    data, decoded, read = many(tmp_path, 30), [], image_files.read_pixels
    monkeypatch.setattr(image_files, "read_pixels", lambda path, shape: decoded.append(path) or read(path, shape))
    assert (len(data.train()), len(data.test()), len(decoded)) == (27, 3, 30)
    assert torch.equal(data.train().images, PictureFolder(str(tmp_path)).train().images)
    assert len(decoded) == 30
    assert sorted(path.suffix for path in cache.iterdir()) == ["", ".json", ".pixels"]  # the first is the lock


def test_what_was_decoded_before_is_removed(tmp_path, cache):
    many(tmp_path / "a", 3).train()
    many(tmp_path / "b", 3).train()
    many(tmp_path / "a", 4).train()
    assert len(list(cache.glob("*.pixels"))) == 2
    PictureFolder(str(tmp_path / "a"), channels=3).train()
    assert len(list(cache.glob("*.json"))) == 3
    shutil.rmtree(tmp_path / "b")
    many(tmp_path / "a", 5).train()
    assert sorted(path.stat().st_size for path in cache.glob("*.pixels")) == [5 * 6, 4 * 18]


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: bytes([data[0] ^ 1]) + data[1:], lambda data: b""])
@pytest.mark.parametrize("which", ["*.pixels", "*.json"])
def test_a_damaged_cache_is_decoded_anew(tmp_path, cache, which, spoil):
    data = many(tmp_path, 5)
    before = data.train().fingerprint()
    (file,) = cache.glob(which)
    file.write_bytes(spoil(file.read_bytes()))
    assert data.train().fingerprint() == before


def test_a_check_decodes_once_and_what_is_refused_leaves_nothing_behind(tmp_path, cache, monkeypatch):
    data, read = many(tmp_path, 5), []
    (tmp_path / "2.png").write_bytes(b"no picture")
    read_pixels = image_files.read_pixels
    monkeypatch.setattr(image_files, "read_pixels", lambda *given: read.append(given) or read_pixels(*given))
    assert "2.png: holds no picture of a known format; 1 of 6 files is bad; mend or remove" in check(data)["problem"]
    assert [path.name for path in cache.iterdir()] == [".lock"]
    assert len(read) == 5
    for _ in range(2):
        report = check(replace(data, skip_bad=True))
        assert report["num_bad"] == 1
        assert report["train"] + report["test"] == 5
    assert len(read) == 10


def test_a_folder_of_bad_files_alone_is_refused_by_name(tmp_path):
    for name in ("1.png", "2.png"):
        (tmp_path / name).write_bytes(b"no picture")
    report = check(PictureFolder(str(tmp_path), size=8, skip_bad=True))
    assert report["num_bad"] == len(report["bad"]) == 2
    assert report["sizes"] == {}
    assert "holds no picture of a known format; 2 of 2 files are bad; no picture is left" in report["problem"]


def test_several_threads_keep_the_order_and_find_what_is_bad(tmp_path, monkeypatch):
    for number in range(40):
        Image.new("L", (9 + number, 12), 6 * number).save(tmp_path / f"{number:02}.png")
    (tmp_path / "07.png").write_bytes((tmp_path / "07.png").read_bytes()[:60])
    alone = decode(sorted(tmp_path.iterdir()), Shape(8), label="")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(pictures, "_LARGE", 200)  # half of them are decoded one at a time
    several = decode(sorted(tmp_path.iterdir()), Shape(8), label="")
    assert several.pixels.tobytes() == alone.pixels.tobytes()
    assert (several.good, several.bad, several.kinds) == (alone.good, alone.bad, alone.kinds)
    assert several.bad.keys() == {7}


def test_a_disk_without_room_is_told_before_it_is_filled(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", refuse, raising=False)
    with pytest.raises(MachineError, match=r"cannot write .*: No space left on device \(it needs 0\.00 MiB"):
        many(tmp_path, 5).train()


# size, fit, channels


def test_pictures_of_any_size_become_one_size(tmp_path):
    for number, size in enumerate([(64, 48), (40, 90), (33, 32), (32, 32)]):
        Image.new("RGB", size, (9, 90, 200)).save(tmp_path / f"{number}.png")
    with pytest.raises(InputError, match=r"like most; 3 of 4 files are bad; .*--set data\.size=64"):
        PictureFolder(str(tmp_path)).train()
    for fit in ("crop", "stretch"):
        images = PictureFolder(str(tmp_path), size=32, fit=fit).train().images
        assert images.shape == (3, 3, 32, 32)
        assert images.flatten(2).unique(dim=2).flatten(1).tolist() == [[9, 90, 200]] * 3


def test_the_middle_is_cut_out_or_all_is_squeezed(tmp_path):
    wide = np.zeros((8, 24), np.uint8)
    wide[:, 8:16] = 240
    for name in "ab":
        Image.fromarray(wide).save(tmp_path / f"{name}.png")
    cut = PictureFolder(str(tmp_path), size=8).train().images[0, 0]
    assert cut.unique().tolist() == [240]
    squeezed = PictureFolder(str(tmp_path), size=8, fit="stretch").train().images[0, 0].float()
    assert squeezed[:, 0].max() < 20
    assert squeezed[:, 3:5].min() > 220


def test_scaling_is_antialiased(tmp_path):
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    for name in "ab":
        Image.fromarray(stripes).save(tmp_path / f"{name}.png")
    small = PictureFolder(str(tmp_path), size=16).train().images.float()
    assert (small - 127.5).abs().max() < 11  # taking every fourth pixel would give 0 or 255


def test_pictures_smaller_than_the_size_are_refused(tmp_path):
    many(tmp_path, 3)
    with pytest.raises(
        InputError, match=r"is 3 x 2 pixels, smaller than 16 x 16; choose a smaller size, or data.enlarge=true; 3 of 3"
    ):
        PictureFolder(str(tmp_path), size=16).train()


@pytest.mark.parametrize("fit", ["crop", "stretch"])
def test_pictures_smaller_than_the_size_are_enlarged_with_one_warning(tmp_path, fit, caplog):
    many(tmp_path, 3)
    Image.new("L", (16, 20), 9).save(tmp_path / "large.png")
    data = PictureFolder(str(tmp_path), size=16, fit=fit, enlarge=True)
    for _ in range(2):  # decoded, and from the cache as a new process would find them
        caplog.clear()
        picture_folder._warn_once.cache_clear()
        train, test = data.train(), data.test()
        assert sorted([*levels(train), *levels(test)]) == [0, 1, 2, 9]
        assert train.shape == (1, 16, 16)
        data.train()
        (record,) = caplog.records
        assert record.getMessage() == f"{tmp_path}: 3 of 4 pictures are smaller than 16 x 16 pixels and were enlarged"
    with pytest.raises(InputError, match=r"choose a smaller size, or data.enlarge=true; 3 of 4"):
        PictureFolder(str(tmp_path), size=16, fit=fit).train()


@pytest.mark.parametrize(
    ("channels", "pixel"), [(None, [200, 100, 50]), (1, [124]), (3, [200, 100, 50]), (4, [200, 100, 50, 255])]
)
def test_channels_are_as_many_as_asked_for(tmp_path, channels, pixel):
    for name in "ab":
        put(tmp_path / f"{name}.png", colour=(200, 100, 50))
    assert PictureFolder(str(tmp_path), channels=channels).train().images[0, :, 0, 0].tolist() == pixel


def test_alpha_is_kept_where_it_is_asked_for(tmp_path):
    for name in "ab":
        Image.new("RGBA", (4, 4), (10, 20, 30, 40)).save(tmp_path / f"{name}.png")
    assert PictureFolder(str(tmp_path), channels=4).train().images[0, :, 0, 0].tolist() == [10, 20, 30, 40]


@pytest.mark.parametrize(("reading", "pixel"), [(1, [10, 20, 30, 0]), (2, [0, 0, 0, 0])])
def test_what_alpha_hides_is_black_but_for_runs_of_version_0_1(tmp_path, reading, pixel):
    for name in "ab":
        Image.new("RGBA", (4, 4), (10, 20, 30, 0)).save(tmp_path / f"{name}.png")
    for kept in (1, 2, reading):  # each has a file of its own in the cache
        images = PictureFolder(str(tmp_path), channels=4, reading=kept).train().images
    assert images[0, :, 0, 0].tolist() == pixel


def test_a_large_jpeg_stands_upright_when_scaled(tmp_path):
    picture = Image.new("RGB", (640, 320))
    picture.paste((255, 255, 255), (0, 0, 320, 320))
    exif = Image.Exif()
    exif[0x0112] = 6  # its left is to be at the top
    for name in "ab":
        picture.save(tmp_path / f"{name}.jpg", exif=exif)
    pixels = PictureFolder(str(tmp_path), size=32, fit="stretch").train().images[0, 0].int()
    assert pixels[:14].min() > 240 > 15 > pixels[18:].max()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 0}, "size is 0; it must be in 1"),
        ({"size": 5000}, "size is 5000"),
        ({"size": (48, 5000)}, r"size is \[48, 5000\]"),
        ({"size": (48,)}, r"size is \[48\]; .* a height and a width, such as \[48,96\]"),
        ({"channels": 2}, "channels is 2; it must be"),
        ({"background": "sky"}, "background is 'sky'; it must be a colour"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        PictureFolder("x", **settings)


def test_no_folder_named_yet_says_how(tmp_path):
    assert not PictureFolder("").is_cached()
    with pytest.raises(InputError, match="no folder is named; name yours with --data FOLDER"):
        PictureFolder("").train()


def test_another_folder_takes_a_recipes_place_in_its_shape(tmp_path):
    many(tmp_path, 3)
    assert resolve(str(tmp_path), PictureFolder("", size=64, channels=3)) == PictureFolder(
        str(tmp_path), size=64, channels=3, reading=2
    )
    assert resolve(str(tmp_path), Ring()) == PictureFolder(str(tmp_path), enlarge=True, reading=2, background="white")
    assert resolve("ring", PictureFolder("", size=64)) == Ring()


# empty folders


@pytest.mark.parametrize("full", [("cat/1.png", "cat/2.png"), ("cat/1.png", "dog/1.png"), ("cat/x/1.png", "dog/1.png")])
def test_an_empty_class_folder_is_named(tmp_path, full):
    for name in full:
        put(tmp_path / name)
    (tmp_path / "emu").mkdir()
    with pytest.raises(InputError, match=r"emu holds no picture, though the folders beside it do; fill it or remove it"):
        PictureFolder(str(tmp_path)).train()


def test_an_empty_class_folder_in_a_half_is_named(tmp_path):
    for name in ("train/a/1.png", "train/b/1.png", "test/a/1.png"):
        put(tmp_path / name)
    (tmp_path / "test" / "b").mkdir()
    with pytest.raises(InputError, match=r"test.b holds no picture"):
        PictureFolder(str(tmp_path)).fetch()


def test_folders_beside_pictures_that_are_no_classes_may_be_empty(tmp_path):
    many(tmp_path, 3)
    (tmp_path / "empty").mkdir()
    assert len(PictureFolder(str(tmp_path)).train()) == 2


# memory and survey


def test_pictures_are_mapped_and_not_held(tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    for number in range(40):
        Image.fromarray(np.roll(rows, number, axis=0)).save(tmp_path / f"{number:02}.png")
    data = PictureFolder(str(tmp_path))
    train, test = data.train(), data.test()
    assert train.images.untyped_storage().nbytes() == 40 * 16 * 16 * 3  # one map for both halves
    assert torch.equal(train.to("cpu").batch(torch.tensor([0, 35]))[1], train.images[35].float() / 127.5 - 1)
    assert (len(train), len(test)) == (36, 4)


def test_a_survey_names_what_is_bad_and_counts_sizes(tmp_path):
    many(tmp_path, 4)
    put(tmp_path / "wide.png", colour=(1, 2, 3), width=9)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    report = check(PictureFolder(str(tmp_path)))
    assert (report["pictures"], report["num_bad"], report["sizes"]) == (6, 2, {"3 x 2": 4, "9 x 2": 1})
    assert report["stored_grey"] == 4
    assert list(report["bad"]) == [str(tmp_path / name) for name in ("broken.png", "wide.png")]
    assert "2 of 6 files are bad" in report["problem"]
    assert "train" not in report


def test_a_survey_of_good_pictures_tells_what_training_would_meet(tmp_path):
    for name, level in (("cat/1", 1), ("cat/2", 1), ("cat/3", 3), ("dog/1", 9)):
        put(tmp_path / f"{name}.png", level)
    report = check(PictureFolder(str(tmp_path)))
    assert "problem" not in report
    assert report["train"] + report["test"] == report["pictures"] == 4
    assert report["shape"] == "1 x 2 x 3"
    assert set(report["per_class"]) == {"cat", "dog"}
    assert report["decode_seconds"] >= 0 <= report["read_seconds_per_epoch"]


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
    with pytest.raises(InputError, match=r"there is no folder or .zip file .*absent"):
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
