import json
import logging

import pytest
from PIL import Image

from sparring.data import PictureFolder
from sparring.data.folder import image_files
from sparring.errors import InputError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))


def folder(path, *names):
    for level, name in enumerate(names):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 2), level).save(path / name)
    return PictureFolder(str(path), reading=2)


def levels(examples):
    return examples.images[:, 0, 0, 0].tolist()


def labels(examples):
    assert examples.labels is not None
    return examples.labels.tolist()


@pytest.mark.parametrize(
    "halves", [("train", "test"), ("Train", "Test"), ("TRAIN", "val"), ("training_set", "test_set"), ("train", "validation")]
)
def test_halves_are_known_in_every_spelling(tmp_path, caplog, halves):
    names = [f"{half}/{kind}/{n}.png" for half in halves for kind in ("cat", "dog") for n in (1, 2)]
    data = folder(tmp_path, *names)
    assert (len(data.train()), len(data.test()), data.train().classes) == (4, 4, ("cat", "dog"))
    assert f"trains on {halves[0]} (4 pictures), tests with {halves[1]} (4)" in caplog.text


def test_validation_is_passed_over_where_there_is_a_test_and_told(tmp_path, caplog):
    data = folder(tmp_path, "train/1.png", "val/1.png", "test/1.png")
    assert (levels(data.train()), levels(data.test())) == ([0], [2])
    assert "passed over: val" in caplog.text


def test_a_single_half_is_divided_and_keeps_its_classes(tmp_path):
    data = folder(tmp_path, *[f"Train/{kind}/{n}.png" for kind in ("cat", "dog") for n in range(6)])
    assert (len(data.train()), len(data.test()), data.train().classes) == (11, 1, ("cat", "dog"))


def test_two_folders_for_one_half_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds Train and training, both for the training; keep one"):
        folder(tmp_path, "Train/1.png", "training/1.png", "test/1.png").train()


def test_two_domains_are_no_classes(tmp_path):
    data = folder(tmp_path, *[f"{half}{domain}/{n}.png" for half in ("train", "test") for domain in "AB" for n in (1, 2)])
    with pytest.raises(InputError, match=r"two domains, testA, testB, trainA, trainB, .*; name one of them, such as .*trainA$"):
        data.train()


def test_runs_of_earlier_versions_keep_their_labels(tmp_path, caplog):
    folder(tmp_path, *[f"{half}/{n}.png" for half in ("Train", "val") for n in range(6)], "10/1.png", "2/1.png")
    old = PictureFolder(str(tmp_path)).train()
    assert old.classes == ("10", "2", "Train", "val")
    assert not caplog.text


def test_classes_stand_in_natural_order(tmp_path):
    data = folder(tmp_path, *[f"{kind}/{n}.png" for kind in ("10", "2", "1", "x10y", "x9y") for n in (1, 2)])
    assert data.train().classes == ("1", "2", "10", "x9y", "x10y")


def test_labels_of_stylegan_come_before_the_folders(tmp_path):
    names = [f"{n // 6:05}/img{n:08}.png" for n in range(12)]
    data = folder(tmp_path, *names)
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[name, n % 3] for n, name in enumerate(names)]}))
    train = data.train()
    assert (train.classes, labels(train)) == (("0", "1", "2"), [level % 3 for level in levels(train)])
    assert labels(data.test()) == [level % 3 for level in levels(data.test())]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": None}))
    assert data.train().labels is None
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[name, 1] for name in names[1:]]}))
    with pytest.raises(InputError, match=r"dataset\.json of .* has no label for 00000/img00000000\.png, one of 1 such files"):
        data.train()
    (tmp_path / "dataset.json").write_text('{"of": "another program"}')
    assert data.train().classes == ("00000", "00001")


def test_photographs_that_cannot_be_read_here_are_counted(tmp_path, caplog):
    data = folder(tmp_path, "1.png", "2.png")
    for name in ("a.heic", "b.HEIC", "c.jxl"):
        (tmp_path / name).write_bytes(b"something")
    assert len(data.train()) == 1
    assert "2 .heic and 1 .jxl passed over, a format not read here; convert them" in caplog.text
    for name in ("1.png", "2.png"):
        (tmp_path / name).unlink()
    with pytest.raises(InputError, match=r"holds no picture that can be read here: 2 \.heic and 1 \.jxl"):
        data.train()


@pytest.mark.parametrize("suffix", [".jfif", ".avif"])
def test_further_formats_are_read_where_pillow_can(tmp_path, suffix):
    if suffix not in image_files.suffixes():
        pytest.skip("this Pillow cannot")
    for n in range(3):
        Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / f"{n}{suffix}", format="JPEG" if suffix == ".jfif" else "AVIF")
    assert len(PictureFolder(str(tmp_path), reading=2).train()) == 2


def test_bad_files_are_left_out_where_that_is_asked_for(tmp_path, caplog):
    names = [f"{kind}/{n:02}.png" for kind in ("cat", "dog") for n in range(10)]
    whole = folder(tmp_path, *names)
    expected = {
        level: label for half in (whole.train(), whole.test()) for level, label in zip(levels(half), labels(half), strict=True)
    }
    (tmp_path / names[3]).write_bytes(b"no picture")
    with pytest.raises(InputError, match="1 of 20 files is bad; mend or remove such files, or leave them out with --skip-bad"):
        whole.train()
    data = PictureFolder(str(tmp_path), reading=2, skip_bad=True)
    train, test = data.train(), data.test()
    assert sorted(levels(train) + levels(test)) == [level for level in range(20) if level != 3]
    for half in (train, test):
        assert labels(half) == [expected[level] for level in levels(half)]
    assert caplog.record_tuples[0][1] == logging.WARNING
    assert "left out: 1 of 20 files" in caplog.text
    with pytest.raises(InputError, match="1 of 20 files is bad"):  # though the others are in the cache
        whole.train()
    for name in names:
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"20 of 20 files are bad; no picture is left$"):
        data.train()


def test_a_picture_beside_the_classes_is_named_and_left_out(tmp_path, caplog):
    names = [f"{kind}/{n}.png" for kind in ("cat", "dog") for n in range(20)]
    data = folder(tmp_path, *names, "title.png", "icon.png")
    train, test = data.train(), data.test()
    assert (len(train), len(test), train.classes) == (36, 4, ("cat", "dog"))
    assert "left out beside the folders of 2 classes: icon.png, title.png" in caplog.text
    folder(tmp_path, "third.png")  # more than one in twenty
    assert data.train().labels is None


def test_a_picture_beside_the_classes_of_a_half(tmp_path, caplog):
    data = folder(tmp_path, *[f"{half}/{kind}/{n}.png" for half in ("train", "test") for kind in "ab" for n in range(9)])
    folder(tmp_path, "test/title.png")
    assert (len(data.train()), len(data.test()), labels(data.test())) == (18, 18, [0] * 9 + [1] * 9)
    assert "left out beside the folders of 2 classes: title.png" in caplog.text


def test_the_test_has_its_share_of_every_class(tmp_path):
    data = folder(tmp_path, *[f"{kind}/{n:03}.png" for kind, num in (("a", 100), ("b", 40), ("c", 21)) for n in range(num)])
    train, test = data.train(), data.test()
    counts = [labels(test).count(label) for label in range(3)]
    assert (len(train), len(test), sum(counts)) == (145, 16, 16)
    assert [abs(count - num / 10) <= 1 for count, num in zip(counts, (100, 40, 21), strict=True)] == [True] * 3
    assert sorted(levels(train) + levels(test)) == list(range(161))
    assert levels(test) == levels(folder(tmp_path).test())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_labels_of_a_table(tmp_path, caplog, encoding):
    names = [f"{n // 6:05}/img{n}.png" for n in range(12)]
    data = folder(tmp_path, *names)
    rows = [f"{name.removesuffix('.png')},{('고양이', '개', '2', '10')[n % 4]},{n / 7}" for n, name in enumerate(names)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,kind,weight", *rows, "gone.png,x,1"]), encoding=encoding)
    train = data.train()
    assert train.classes == ("2", "10", "개", "고양이")
    assert labels(train) == [(3, 2, 0, 1)[level % 4] for level in levels(train)]
    assert "the classes are those of its column kind; passed over: weight" in caplog.text
    (tmp_path / "labels.csv").write_text("\n".join(row.replace("/", "\\") for row in rows[1:]), encoding=encoding)
    with pytest.raises(InputError, match=r"labels\.csv of .* has no label for 00000/img0\.png, one of 1 such files"):
        data.train()


def test_a_table_of_several_attributes(tmp_path, caplog):
    data = folder(tmp_path, *[f"{n}.png" for n in range(24)])
    rows = [f"{n}.png,{n / 7},{('10', '2')[n % 2]},{'abc'[n % 3]},{n},same,{'x' if n else ''}" for n in range(24)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,weight,size,kind,number,one,gap", *rows]))
    train = data.train()
    assert train.classes == tuple(f"size={size},kind={kind}" for size in ("2", "10") for kind in "abc")
    assert train.values == ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2))
    assert labels(train) == [3 * (level % 2 == 0) + level % 3 for level in levels(train)]
    told = "the classes are combinations of its columns size, kind; passed over: weight, number, one, gap"
    assert told in caplog.text


def test_quantities_of_a_table_stand_beside_its_classes(tmp_path, caplog):
    data = folder(tmp_path, *[f"{n}.png" for n in range(60)])
    rows = [f"{n}.png,{n / 8 - 2},{'ab'[n % 2]},{n}" for n in range(60)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,weight,kind,number", *rows]))
    train = data.train()
    weights = ("-2..0.5", "0.5..3", "3..5.375")
    assert train.classes == tuple(f"kind={kind},weight={weight}" for kind in "ab" for weight in weights)
    assert labels(train) == [3 * (level % 2) + level // 20 for level in levels(train)]
    assert "combinations of its columns kind, weight in 3 intervals; passed over: number" in caplog.text


def test_vectors_of_a_dataset_json(tmp_path, caplog):
    data = folder(tmp_path, *[f"{n}.png" for n in range(60)])
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[f"{n}.png", [n / 8, 1.0]] for n in range(60)]}))
    train = data.train()
    assert len(train.classes) == 5
    assert train.classes[0] == "label0=0..1.5"
    assert labels(train) == [level // 12 for level in levels(train)]
    assert "the classes are those of its column label0 in 5 intervals; passed over: label1" in caplog.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,age\n" + "".join(f"{n}.png,{n / 7}\n" for n in range(12)), "its 12 values for 12 pictures are no classes"),
        ("file,kind\n0.png\n", "row 2 has no second column; it needs the columns file and class"),
        ("", "it is empty"),
        ("file,kind\n", "no row has a picture and its class"),
        ("0.png,\n1.png,\n", "no row has a picture and its class"),
        ('file,kind\n0.png,"' + "x" * 200_000, "it is no table of text in UTF-8"),
    ],
)
def test_a_table_without_classes_is_passed_over(tmp_path, caplog, text, words):
    data = folder(tmp_path, *[f"{n}.png" for n in range(12)])
    (tmp_path / "labels.csv").write_text(text)
    assert data.train().labels is None
    assert f"labels.csv is passed over: {words}" in caplog.text
