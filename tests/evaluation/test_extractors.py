import json
import os
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Generator

import shapes
from sparring.config import codec
from sparring.data import Mnist, PictureFolder, Ring
from sparring.data.sets import ImageSet
from sparring.errors import InputError
from sparring.evaluation import Score, extractors
from sparring.evaluation.extractors import ClassifierTraining, classifier_extractor, inception
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.evaluation.extractors.training import distort, train_classifier
from sparring.storage.cache import cache_folder
from sparring.visual import encode_png, grid

SMALL = ClassifierTraining(epochs=2, batch_size=64, shift=1.0)
STILL = ClassifierTraining(rotation=0.0, scaling=0.0, shear=0.0, shift=0.0)
CPU = torch.device("cpu")


def quiet(*_) -> None:
    pass


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def pupil(train: ImageSet, test: ImageSet, seed: int = 0, how: ClassifierTraining = SMALL):
    return train_classifier(ClassifierConfig((4, 8)), how, train, test, seed, quiet)


def same_weights(one, other) -> bool:
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    return shapes.yardstick(shapes.data(folder / "data"), folder)


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder, but for a link to MNIST's files."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "mnist").symlink_to(cache_folder() / "mnist", target_is_directory=True)
    monkeypatch.setenv("SPARRING_CACHE", str(folder))
    return folder


def test_an_extractor_learns_its_classes_and_knows_how_well(made):
    own = classifier_extractor.read(made)
    test = shapes.drawn(200, 2)
    verdicts = own.features(test, CPU).logits.argmax(1)
    assert own.facts.test_accuracy > 0.9
    assert own.facts.test_accuracy == pytest.approx((verdicts == test.labels).double().mean().item())
    for label in range(3):
        assert test.labels is not None
        assert own.facts.confusion[label] == tuple(verdicts[test.labels == label].bincount(minlength=3).tolist())
    assert own.facts.data_fingerprint == test.fingerprint()
    assert (own.facts.name, own.facts.data, own.facts.shape) == ("shapes", "idx-folder", (1, 16, 16))
    assert own.classes == ("0", "1", "2")
    assert made.name == f"{own.label}.safetensors" == f"shapes-{own.hash[:8]}.safetensors"


def test_features_are_those_of_the_pooled_last_layer_whatever_the_batch(made):
    own, images = classifier_extractor.read(made), shapes.drawn(701, 3)
    told = []
    found = own.features(images, CPU, lambda *news: told.append(news))
    assert (found.features.shape, found.logits.shape) == ((701, 128), (701, 3))
    torch.testing.assert_close(own.network.head(found.features), found.logits)
    alone = own.features(images.take(torch.tensor([650])), CPU)
    torch.testing.assert_close(alone.features[0], found.features[650])
    assert told[-1] == (f"features by {own.label}", 701, 701)


def test_the_card_says_what_it_is_worth(made):
    own, card = classifier_extractor.read(made), made.with_suffix(".md").read_text()
    assert own.hash in card
    assert f"{own.facts.test_accuracy:.2%} of 200 right" in card
    assert f"{own.facts.held_back_accuracy:.2%} of them right" in card
    for label, row in enumerate(own.facts.confusion):
        assert f"| **{label}** | {' | '.join(map(str, row))} |" in card


def test_the_same_seed_makes_the_same_extractor_and_another_one_another(tmp_path):
    data, settings = shapes.data(tmp_path / "data", 100, 20), replace(SMALL, epochs=1)
    first, again, other = (
        extractors.train(data, "x", settings=settings, seed=seed, folder=tmp_path / str(place))
        for place, seed in enumerate((3, 3, 4))
    )
    assert first.name == again.name
    assert classifier_extractor.read(first).hash != classifier_extractor.read(other).hash
    assert first.with_suffix(".md").read_text() == again.with_suffix(".md").read_text()


def test_training_leaves_the_users_random_state_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    pupil(shapes.drawn(100, 1), shapes.drawn(20, 2))
    assert torch.equal(torch.rand(3), expected)


def test_the_test_images_have_no_say_in_the_weights():
    train, test = shapes.drawn(300, 1), shapes.drawn(60, 2)
    shuffled = replace(test, images=test.images.flip(3), labels=torch.randint(3, (60,), generator=rng()))
    honest, misled = (pupil(train, given, how=replace(SMALL, epochs=6, batch_size=16)) for given in (test, shuffled))
    assert same_weights(honest, misled)
    assert honest.held_back_accuracy == misled.held_back_accuracy
    assert honest.test_accuracy > misled.test_accuracy
    assert shuffled.labels is not None
    assert misled.confusion.sum(1).tolist() == shuffled.labels.bincount().tolist()  # rows are labels


def test_the_images_held_back_choose_among_the_epochs(monkeypatch):
    seen = []
    qualities = iter([(0.5, -1.0), (0.7, -2.0), (0.7, -1.5), (0.6, -0.1)])

    def quality(network, held):
        seen.append((len(held), {name: tensor.clone() for name, tensor in network.state_dict().items()}))
        return next(qualities)

    monkeypatch.setattr("sparring.evaluation.extractors.training._quality", quality)
    trained = pupil(shapes.drawn(100, 1), shapes.drawn(20, 2), how=replace(SMALL, epochs=4))
    assert [num for num, _ in seen] == [10] * 4
    assert trained.held_back_accuracy == 0.7
    assert all(torch.equal(seen[2][1][name], tensor) for name, tensor in trained.network.state_dict().items())
    assert not torch.equal(seen[2][1]["head.weight"], seen[3][1]["head.weight"])


def test_what_is_held_back_is_not_learned(monkeypatch):
    learned, held_back = [], []
    train = shapes.drawn(100, 1)
    monkeypatch.setattr("sparring.evaluation.extractors.training.distort", lambda images, *_: images)
    monkeypatch.setattr(
        "sparring.evaluation.extractors.training._learn", lambda network, optimizer, images, labels: learned.append(images)
    )
    monkeypatch.setattr(
        "sparring.evaluation.extractors.training._quality", lambda _, held: held_back.append(held.images) or (0.0, 0.0)
    )
    pupil(train, shapes.drawn(20, 2), how=replace(SMALL, epochs=1, held_back=7))
    seen = ((torch.cat(learned) + 1) * 127.5).round().to(torch.uint8)
    assert (len(seen), len(held_back[0])) == (93, 7)
    pictures = {picture.numpy().tobytes() for picture in torch.cat([seen, held_back[0]])}
    assert pictures == {picture.numpy().tobytes() for picture in train.images}


def test_images_that_are_not_to_be_bent_stay_as_they_are():
    images = shapes.drawn(20, 1).batch(torch.arange(20))
    torch.testing.assert_close(distort(images, STILL, rng()), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("sign", "place"), [(1.0, (6, 4)), (-1.0, (10, 8))])
def test_a_shift_moves_by_whole_pixels_and_brings_in_black(sign, place, monkeypatch):
    monkeypatch.setattr(
        "sparring.evaluation.extractors.training._uniform", lambda num, columns, _: torch.full((num, columns), sign)
    )
    image = torch.full((1, 1, 16, 12), 0.5)
    image[0, 0, 8, 6] = 1.0
    moved = distort(image, replace(STILL, shift=2.0), rng())
    torch.testing.assert_close(moved[0, 0, place[0], place[1]], torch.tensor(1.0), atol=1e-5, rtol=0)
    edge = slice(-2, None) if sign > 0 else slice(0, 2)
    torch.testing.assert_close(moved[0, 0, edge], torch.full((2, 12), -1.0), atol=1e-5, rtol=0)
    torch.testing.assert_close(moved[0, 0, :, edge], torch.full((16, 2), -1.0), atol=1e-5, rtol=0)
    inner = moved[0, 0, :-2, :-2] if sign > 0 else moved[0, 0, 2:, 2:]
    assert (inner > 0.49).all()


def test_every_image_is_bent_by_itself_within_its_ranges():
    image = torch.full((200, 1, 17, 17), -1.0)
    image[:, 0, 8, 8] = 1.0
    moved = distort(image, replace(STILL, shift=3.0), rng(5)) + 1
    places = torch.arange(17.0) - 8
    down, right = ((moved.sum(axis)[:, 0] * places).sum(1) / moved.sum((1, 2, 3)) for axis in (3, 2))
    for offsets in (down, right):
        assert offsets.abs().max() <= 3.001
        assert offsets.min() < -2.7
        assert offsets.max() > 2.7
        assert abs(offsets.mean()) < 5 * 3 / (3 * 200) ** 0.5
    assert abs(torch.stack([down, right]).corrcoef()[0, 1]) < 0.35


def test_a_quarter_turn_turns(monkeypatch):
    monkeypatch.setattr("sparring.evaluation.extractors.training._uniform", lambda num, columns, _: torch.ones(num, columns))
    images = shapes.drawn(3, 1).batch(torch.arange(3))
    turned = distort(images, replace(STILL, rotation=90.0), rng())
    torch.testing.assert_close(turned, images.rot90(1, (2, 3)), atol=1e-4, rtol=0)


def of_one_class(num: int) -> ImageSet:
    return replace(shapes.drawn(num, 1), labels=torch.ones(num, dtype=torch.int64))


@pytest.mark.parametrize(
    ("train", "test", "words"),
    [
        (ImageSet(shapes.drawn(50, 1).images), shapes.drawn(20, 2), "these data have no labels"),
        (shapes.drawn(50, 1), ImageSet(shapes.drawn(20, 1).images), "these data have no labels"),
        (Ring(num=50).train(), Ring(num=50).test(), "these data have no labels"),
        (of_one_class(50), shapes.drawn(20, 2), "these data have only one"),
        (shapes.drawn(9, 1), shapes.drawn(20, 2), "9 pictures are too few"),
        (shapes.drawn(50, 1), shapes.drawn(9, 2), "9 pictures are too few"),
        (shapes.drawn(50, 1, size=15), shapes.drawn(20, 2, size=15), r"at least 16 x 16 pixels, not \[1, 15, 15\]"),
        (shapes.drawn(50, 1), shapes.drawn(20, 2, size=18), "differ in shape or classes"),
        (shapes.drawn(50, 1), replace(shapes.drawn(20, 2), classes=("0", "1", "2", "3")), "differ in shape or classes"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused(train, test, words):
    with pytest.raises(InputError, match=words):
        pupil(train, test)


def test_ten_images_are_enough():
    assert pupil(shapes.drawn(10, 1), shapes.drawn(10, 2)).confusion.sum() == 10


def test_a_folder_for_each_class_is_learned_too(tmp_path):
    images = shapes.drawn(120, 1)
    assert images.labels is not None
    for place, label in enumerate(images.labels.tolist()):
        folder = tmp_path / "pictures" / ("lying", "standing", "ring")[label]
        folder.mkdir(parents=True, exist_ok=True)
        picture = images.batch(torch.tensor([place]))
        (folder / f"{place}.png").write_bytes(encode_png(grid(picture, 1, padding=0)))
    data = PictureFolder(str(tmp_path / "pictures"))
    own = classifier_extractor.read(extractors.train(data, "x", settings=replace(SMALL, epochs=1), folder=tmp_path))
    assert own.classes == ("lying", "ring", "standing")
    assert own.facts.data == "picture-folder"


@pytest.mark.parametrize("name", ["", "Digits", "my digits", "a/b", "../a", "ziffern-ä", "inception"])
def test_names_that_name_no_file_are_refused_before_any_work(name, tmp_path):
    with pytest.raises(InputError, match="cannot name an extractor"):
        extractors.train(PictureFolder(str(tmp_path / "missing")), name, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_number_of_epochs_is_checked():
    with pytest.raises(InputError, match="epochs is 0; it must be at least 1"):
        ClassifierTraining(epochs=0)


def copied(path: Path, folder: Path, name: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / (name or path.name)
    copy.write_bytes(path.read_bytes())
    return copy


def test_a_file_whose_name_has_another_hash_is_refused(made, tmp_path):
    for name in ("shapes-00000000", f"other-{made.stem[-8:]}"):
        path = copied(made, tmp_path, f"{name}.safetensors")
        with pytest.raises(InputError, match=f"{name}.safetensors holds the extractor {made.stem}: its name and its content"):
            classifier_extractor.read(path)
    assert classifier_extractor.read(copied(made, tmp_path, "mine.safetensors")).label == made.stem


def test_altered_weights_are_noticed(made, tmp_path):
    data = bytearray(made.read_bytes())
    data[-100] ^= 1
    path = tmp_path / made.name
    path.write_bytes(data)
    with pytest.raises(InputError, match="is no intact extractor: its checksum does not match"):
        classifier_extractor.read(path)


def test_weights_of_another_network_are_refused(made, tmp_path):
    own = classifier_extractor.read(made)
    path = classifier_extractor.write(tmp_path, replace(own.facts, network=ClassifierConfig((16, 32, 64))), own.network)
    with pytest.raises(InputError, match="the weights do not fit its settings: features"):
        classifier_extractor.read(path)


def test_other_images_than_it_learned_from_are_refused(made):
    own = classifier_extractor.read(made)
    for images, size in (
        (shapes.drawn(3, 1, size=18), "1 x 18 x 18"),
        (ImageSet(torch.zeros(3, 3, 16, 16, dtype=torch.uint8)), "3 x 16 x 16"),
    ):
        with pytest.raises(InputError, match=f"{own.label} takes images of 1 x 16 x 16, not of {size}"):
            own.features(images, CPU)


def test_an_extractor_is_found_by_label_by_name_and_by_file(made, own_cache):
    cached = copied(made, own_cache / "extractors")
    assert cached in extractors.files()
    for name in ("shapes", made.stem, str(made), str(cached)):
        assert extractors.find(name).label == made.stem
    with pytest.raises(InputError, match=f"unknown extractor 'shape'; did you mean '{made.stem}'"):
        extractors.find("shape")
    with pytest.raises(InputError, match=r"unknown extractor 'qqq'; the choices are .*inception"):
        extractors.find("qqq")
    with pytest.raises(InputError, match=r"missing\.safetensors is no intact extractor"):
        extractors.find("missing.safetensors")


def test_of_two_with_one_name_the_newer_is_found(made, own_cache):
    old = copied(made, own_cache / "extractors")
    own = classifier_extractor.read(made)
    new = classifier_extractor.write(own_cache / "extractors", replace(own.facts, seed=9), own.network)
    os.utime(old, ns=(1, 1))
    assert classifier_extractor.read(new).hash != own.hash
    assert extractors.find("shapes").hash == classifier_extractor.read(new).hash
    os.utime(new, ns=(0, 0))
    assert extractors.find("shapes").hash == own.hash


def test_it_is_found_by_the_test_images_whatever_holds_them(made, own_cache, tmp_path):
    test = shapes.drawn(200, 2)
    assert extractors.own(test) is None
    copied(made, own_cache / "extractors")
    for same in (test, shapes.data(tmp_path / "elsewhere").test()):
        found = extractors.own(same)
        assert found is not None
        assert found.label == made.stem
    assert extractors.own(shapes.drawn(200, 3)) is None
    assert extractors.own(Ring(num=10).test()) is None


def test_mnists_extractor_is_found_for_its_images_in_a_folder_of_ones_own(tmp_path):
    test = Mnist().test()
    found = extractors.own(test)
    assert found is not None
    assert test.labels is not None
    folder = shapes.write_idx(tmp_path / "mine", Mnist(held_back=59_000).train(), test)
    own = extractors.own(folder.test())
    assert own is not None
    assert own.label == found.label
    assert (found.features(test.take(torch.arange(500)), CPU).logits.argmax(1) == test.labels[:500]).double().mean() > 0.9


def test_training_puts_it_where_it_is_found(own_cache, tmp_path):
    data = shapes.data(tmp_path / "data", 100, 20)
    path = extractors.train(data, "mine", settings=replace(SMALL, epochs=1))
    assert path.parent == own_cache / "extractors"
    found = extractors.own(data.test())
    assert found is not None
    assert found.label == path.stem


def test_inception_without_its_weights_says_where_they_are(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    with pytest.raises(InputError, match=re.escape(f"not at {tmp_path}/torch/hub/checkpoints/{inception.FILE}")) as caught:
        extractors.find("inception")
    assert f"download {inception.URL} and name the file: inception:FILE" in str(caught.value)
    with pytest.raises(InputError, match=r"Inception's weights are not at nowhere\.pth"):
        extractors.find("inception:nowhere.pth")


def test_another_file_than_inceptions_is_refused_by_its_hash(tmp_path):
    (tmp_path / "x.pth").write_bytes(b"abc")
    with pytest.raises(InputError, match=r"x\.pth is not the published .*: its SHA-256 is ba7816bf"):
        extractors.find(f"inception:{tmp_path / 'x.pth'}")


def test_the_commands_list_and_train(sparring_command, own_cache, tmp_path):
    shapes.data(tmp_path / "Shapes", 100, 20)
    done = sparring_command("extractor", "train", "Shapes/", "--epochs", 1, "--json")
    assert done.status == 0, done.err
    made = json.loads(done.out)
    assert re.fullmatch("shapes-[0-9a-f]{8}", made["extractor"])
    assert Path(made["file"]) == own_cache / "extractors" / f"{made['extractor']}.safetensors"
    rows = json.loads(sparring_command("extractor", "list", "--json").out)
    row = next(row for row in rows if row["extractor"] == made["extractor"])
    assert (row["shape"], row["classes"], row["data"]) == ([1, 16, 16], 3, "idx-folder")
    assert row["test_accuracy"] == made["test_accuracy"]
    printed = sparring_command("extractor", "list").out
    assert f"\n{made['extractor']}: {made['file']}\n" in printed
    assert f" {made['test_accuracy']:.2%} " in printed
    said = sparring_command("extractor", "train", "Shapes", "--epochs", 1, "--name", "named", "--out", "here").out
    assert re.match(r"named-[0-9a-f]{8}: [\d.]+% of the test images right, \d+ s\nhere/named-[0-9a-f]{8}\.safetensors\n$", said)


def test_a_forged_beginning_of_the_hash_is_not_enough(tmp_path, monkeypatch):
    path = tmp_path / "x.pth"
    path.write_bytes(b"abc")
    published = inception.SHA256
    monkeypatch.setattr(inception.hashlib, "sha256", lambda _: SimpleNamespace(hexdigest=lambda: published[:-1] + "0"))
    with pytest.raises(InputError, match="is not the published"):
        inception.load(path)


@pytest.mark.parametrize(
    ("accuracy", "classes", "weak"),
    [(0.53, (50, 50), True), (0.74, (50, 50), True), (0.75, (50, 50), False), (0.92, (90, 10), True), (0.96, (90, 10), False),
     (0.6, (10,) * 10, False), (1.0, (10, 0), True)],
)  # fmt: skip
def test_an_extractor_near_chance_is_weak(made, accuracy, classes, weak):
    own = classifier_extractor.read(made)
    rows = tuple(tuple(num if column == label else 0 for column in range(len(classes))) for label, num in enumerate(classes))
    names = tuple(map(str, range(len(classes))))
    given = replace(own, facts=replace(own.facts, classes=names, confusion=rows, test_accuracy=accuracy))
    assert (given.weakness is not None) is weak


def test_the_mark_of_a_weak_extractor_is_on_its_scores(own_cache, tmp_path, sparring_command):
    train, test = shapes.drawn(1000, 1), shapes.drawn(200, 2)
    guessed = (replace(images, labels=torch.randint(3, (len(images),), generator=rng())) for images in (train, test))
    shapes.write_idx(tmp_path / "data", *guessed)
    done = sparring_command("extractor", "train", "data", "--epochs", 1, "--json")
    assert json.loads(done.out)["weak"] is True
    assert "the extractor is weak, and scores by it say little: " in done.err
    assert "say little\n\n## Predictions" in next((own_cache / "extractors").glob("data-*.md")).read_text()
    rows = json.loads(sparring_command("extractor", "list", "--json").out)
    assert [row["weak"] for row in rows] == [row["extractor"].startswith("data-") for row in rows]
    np.savez("x.npz", images=shapes.drawn(1000, 5).images[:, 0].numpy())
    scored = json.loads(sparring_command("evaluate", "x.npz", "--against", "data", "--json").out)["scores"]
    assert all("of its test images right" in score["protocol"]["weak_extractor"] for score in scored)
    assert "(weak: " in sparring_command("evaluate", "x.npz", "--against", "data").out.replace("\n", " ")
    assert "by a weak extractor" in str(codec.decode(Score, scored[0], "score"))
