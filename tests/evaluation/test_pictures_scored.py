"""The general extractor, and scores of any pictures by it."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

import shapes
import sparring
from sparring import data, evaluation
from sparring.data import Mnist, Ring
from sparring.data.sets import ImageSet
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.extractors import PictureTraining, picture_training, views
from sparring.evaluation.extractors.picture_network import prepared
from sparring.evaluation.references import FewReference, ImageReference, reference_for
from sparring.metrics import mmd2_unbiased
from sparring.visual import to_uint8

CPU = torch.device("cpu")
SMALL = PictureTraining(steps=3, batch_size=8)


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def noise(num: int, *shape: int, seed: int = 0) -> ImageSet:
    return ImageSet(torch.randint(256, (num, *shape), generator=rng(seed), dtype=torch.uint8))


@pytest.fixture(scope="module")
def general():
    found = extractors.find("general")
    assert isinstance(found, extractors.PictureExtractor)
    return found


@pytest.fixture(scope="module")
def digits() -> Tensor:
    """600 digits in [-1, 1]."""
    return Mnist().test().batch(torch.arange(600))


def distance(general, images: Tensor, real: Tensor) -> float:
    with torch.no_grad():
        return mmd2_unbiased(*(general.of_tensor(to_uint8(x).float() / 127.5 - 1) for x in (images, real)))


def test_real_pictures_are_nearer_than_blurred_ones_and_those_nearer_than_noise(general, digits):
    real, other = digits.chunk(2)
    slightly, blobs = (views.low_pass(other, torch.full((len(other),), deviation)) for deviation in (1.0, 2.5))
    pixels = 2 * torch.rand(other.shape, generator=rng()) - 1
    found = [distance(general, images, real) for images in (other, slightly, blobs, pixels)]
    assert found == sorted(found)
    assert abs(found[0]) < 0.05 * found[1]


def test_it_is_small_and_its_card_names_it(general):
    (path,) = extractors.SHIPPED.glob("general-*.safetensors")
    assert path.stat().st_size <= 2_500_000
    card = path.with_suffix(".md").read_text()
    assert general.hash in card
    assert f"{general.facts.recognised:.2%}" in card
    assert "MIT" in card
    assert general.weakness is None
    assert general.facts.data_fingerprint is None


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 64, 64), (4, 48, 96), (3, 8, 200)])
def test_it_sees_pictures_of_any_size(general, shape):
    images = noise(5, *shape)
    found = general.features(images, CPU)
    assert (found.features.shape, found.logits.shape) == ((5, 384), (5, 0))
    with torch.no_grad():
        plain = general.network(prepared(images.batch(torch.arange(5))))
    torch.testing.assert_close(found.features, plain, rtol=1e-4, atol=1e-4)


def test_grey_is_repeated_and_what_is_transparent_is_mid_grey():
    grey = torch.rand(2, 1, 64, 64, generator=rng()) * 2 - 1
    assert torch.equal(prepared(grey), grey.expand(-1, 3, -1, -1))
    colours = torch.rand(2, 3, 64, 64, generator=rng()) * 2 - 1
    clear, opaque = (torch.full((2, 1, 64, 64), alpha) for alpha in (-1.0, 1.0))
    assert prepared(torch.cat([colours, clear], 1)).abs().max() == 0
    assert torch.equal(prepared(torch.cat([colours, opaque], 1)), colours)


def test_two_channels_are_refused(general):
    with pytest.raises(InputError, match="takes images of 1, 3 or 4 channels, not of 2"):
        general.features(noise(3, 2, 32, 32), CPU)
    assert extractors.general(noise(3, 2, 32, 32)) is None
    assert extractors.general(Ring(num=10).test()) is None


@pytest.mark.parametrize(
    ("num_train", "num_test", "kind"),
    [(70, 20, type(None)), (80, 20, FewReference), (100, 499, FewReference), (10, 500, ImageReference)],
)
def test_the_number_of_pictures_decides_how_they_are_compared(num_train, num_test, kind):
    own = data.of(noise(num_train, 1, 16, 16).images, test=noise(num_test, 1, 16, 16, seed=1).images)
    found = reference_for(own, CPU)
    assert type(found) is kind
    assert reference_for(own, CPU, general=False) is None


def test_an_extractor_of_the_datas_own_comes_first_and_keeps_its_protocol(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    own = shapes.data(tmp_path / "data", 100, 20)
    path = shapes.yardstick(own, how=replace(shapes.HOW, epochs=1))
    found = reference_for(own, CPU)
    assert type(found) is ImageReference
    assert found.extractor.label == path.stem


@pytest.fixture(scope="module")
def few() -> FewReference:
    own = data.of(shapes.drawn(180, 1).images, test=shapes.drawn(40, 2).images)
    found = reference_for(own, CPU)
    assert isinstance(found, FewReference)
    return found


def test_few_pictures_are_compared_all_together_by_the_kernel_distance(few, general):
    samples = shapes.drawn(200, 3)
    found = {score.metric: score for score in evaluation.score_samples(few, ImageSet(samples.images), 0, few.train)}
    assert "frechet_distance" not in found
    assert next(iter(found)) == "kernel_distance" == few.primary_metric
    score = found["kernel_distance"]
    pictures = ImageSet(torch.cat([few.data.test().images, few.data.train().images]))
    sides = (general.features(ImageSet(samples.images), CPU).features, general.features(pictures, CPU).features)
    assert score.value == pytest.approx(mmd2_unbiased(*sides), rel=1e-9)
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    assert (score.floor, score.protocol.split, score.protocol.num_real) == (0.0, "all", 220)
    assert score.protocol.options == "cubic kernel, unbiased, all pairs"
    assert found["memorisation"].protocol.options.startswith("features, each of 180 training images left out")
    assert {"precision", "recall", "density", "coverage"} < set(found)


def test_copies_are_told_by_memorisation_and_fresh_pictures_are_not(few):
    train = few.train
    fresh, copies = ImageSet(shapes.drawn(180, 3).images), ImageSet(train.images // 4 * 4)
    told = [
        next(s for s in evaluation.score_samples(few, samples, 0, train) if s.metric == "memorisation")
        for samples in (fresh, copies)
    ]
    assert told[0].low is not None
    assert told[0].low < 0.1 < 0.6 < told[1].value
    assert told[1].low is not None
    assert told[1].low > 0.5


def test_samples_of_another_size_are_refused(few):
    with pytest.raises(InputError, match="the pictures are 1 x 20 x 20; those of in-memory-data are 1 x 16 x 16"):
        few.extract(noise(3, 1, 20, 20))


def test_more_pictures_than_are_compared_with_are_drawn_at_random(monkeypatch, few):
    monkeypatch.setattr("sparring.evaluation.references.few.MOST", 100)
    capped = reference_for(few.data, CPU)
    assert isinstance(capped, FewReference)
    assert capped.num_real == 100
    assert torch.equal(capped.reals.images[:40], few.data.test().images)


def own_pictures() -> data.Data:
    return data.of(shapes.drawn(180, 1).images, test=shapes.drawn(40, 2).images)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> sparring.Run:
    settings = {"batch_size": 16, "generator.widths": [8], "discriminator.widths": [8]}
    place = tmp_path_factory.mktemp("runs") / "run"
    return sparring.train("vanilla", data=own_pictures(), settings=settings, rounds=2, out=place, quiet=True)


@pytest.mark.parametrize("is_old", [False, True])
def test_a_run_keeps_its_extractor_and_an_old_one_goes_on_without(run, is_old, tmp_path, general):
    assert run.facts["extractor"] == general.label
    assert (run.path / "checkpoints" / "best.safetensors").is_file()
    copy = shutil.copytree(run.path, tmp_path / "copy")
    if is_old:  # as earlier versions wrote it
        facts = json.loads((copy / "recipe.json").read_text())
        del facts["extractor"]
        (copy / "recipe.json").write_text(json.dumps(facts))
        (copy / "SHA256SUMS").write_text(
            "".join(x for x in (copy / "SHA256SUMS").read_text().splitlines(True) if "recipe.json" not in x)
        )
    again = sparring.resume(copy, rounds=4, data=own_pictures(), quiet=True)
    scores = [event for event in again.journal() if event["event"] == "score"]
    assert [(s["headline"], s["extractor"]) for s in scores] == [("kernel_distance", general.label)] * (1 if is_old else 2)


def test_nt_xent_is_the_definition():
    one, other = (torch.randn(5, 3, generator=rng(seed)).double() for seed in (0, 1))
    paired = torch.tensor([True, True, False, True, False])
    both = [x / x.norm() for x in (*one, *other)]
    expected = []
    for i, x in enumerate(both):
        if paired[i % 5]:
            rest = sum(torch.exp(x @ y / 0.5) for k, y in enumerate(both) if k != i)
            expected.append(-torch.log(torch.exp(x @ both[(i + 5) % 10] / 0.5) / rest))
    torch.testing.assert_close(picture_training.nt_xent(one, other, paired, 0.5), torch.stack(expected))


def test_pictures_are_spoilt_or_left_as_they_are():
    images = shapes.drawn(60, 1).batch(torch.arange(60)).expand(-1, 3, -1, -1)
    found, ways = views.spoilt(images, rng(), 0.5)
    changed = (found != images).flatten(1).any(1)
    assert torch.equal(changed, ways > 0)
    assert 15 < changed.sum() < 45
    assert found.abs().max() <= 1


@pytest.mark.parametrize("spoil", views.SPOILERS)
def test_every_way_to_spoil_keeps_the_shape_and_changes_the_picture(spoil):
    images = shapes.drawn(6, 1, size=29).batch(torch.arange(6)).expand(-1, 3, -1, -1)
    found = spoil(images, images, rng())
    assert found.shape == images.shape
    assert found.isfinite().all()
    assert not torch.equal(found, images)


def test_a_blur_keeps_what_is_even_and_the_mean():
    even = torch.full((2, 1, 20, 20), 0.3)
    torch.testing.assert_close(views.low_pass(even, torch.tensor([1.0, 3.0])), even)
    point = torch.zeros(1, 1, 21, 21)
    point[0, 0, 10, 10] = 1
    blurred = views.low_pass(point, torch.tensor([1.5]))
    assert blurred.sum() == pytest.approx(1, rel=1e-4)
    assert blurred.argmax() == 10 * 21 + 10


def test_without_labels_an_extractor_is_trained_further(monkeypatch, tmp_path, general, sparring_command):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    own = data.of(shapes.drawn(60, 1).images, test=shapes.drawn(60, 2).images)
    first, again, other = (extractors.train_unlabelled(own, "mine", settings=SMALL, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    made = extractors.read(first)
    assert isinstance(made, extractors.PictureExtractor)
    assert (made.facts.start_from, made.facts.steps) == (general.label, 3)
    weight, start = (next(each.network.parameters()) for each in (made, general))
    assert not torch.equal(weight, start)
    found = reference_for(own, CPU)
    assert isinstance(found, FewReference)
    assert found.extractor.label in (first.stem, other.stem)
    assert made.hash in first.with_suffix(".md").read_text()


def test_the_command_trains_on_a_folder_without_labels(tmp_path, sparring_command):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for place, picture in enumerate(shapes.drawn(40, 1).images):
        Image.fromarray(picture[0].numpy()).save(folder / f"{place}.png")
    done = sparring_command("extractor", "train", "pictures", "--epochs", 1, "--out", "here", "--json")
    assert done.status == 0, done.err
    row = json.loads(done.out)
    assert row["test_accuracy"] is None
    assert 0 <= row["recognised"] <= 1
    assert sparring_command("extractor", "train", "pictures", "--name", "general").status == 2


@pytest.mark.parametrize(("images", "words"), [(noise(19, 1, 16, 16), "19 pictures are too few")])
def test_too_few_pictures_to_learn_from_are_refused(images, words, tmp_path):
    own = data.of(images.images, test=noise(20, 1, 16, 16).images)
    with pytest.raises(InputError, match=words):
        extractors.train_unlabelled(own, "mine", settings=SMALL, folder=tmp_path)
    assert not list(tmp_path.iterdir())
