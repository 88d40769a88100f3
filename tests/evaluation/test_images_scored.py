import pytest
import torch
from torch import Generator

import shapes
from sparring import evaluation
from sparring.data import Mnist
from sparring.data.sets import ImageSet, PointSet
from sparring.errors import InputError
from sparring.evaluation import extractors
from sparring.evaluation.references import ImageReference
from sparring.evaluation.references.images import images_of
from sparring.metrics import RealNeighbours, expected_coverage
from sparring.metrics.memorisation import audit

CPU = torch.device("cpu")
ALWAYS = ["frechet_distance", "classifier_score", "class_entropy", "missing_classes", "largest_class"]


def image_standard(data, extractor: str | None = None) -> ImageReference:
    found = evaluation.reference_for(data, CPU, extractor)
    assert isinstance(found, ImageReference)
    return found


@pytest.fixture(scope="module")
def mnist() -> ImageReference:
    return image_standard(Mnist())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache with a yardstick for shapes, and these themselves."""
    folder = tmp_path_factory.mktemp("shapes")
    shapes.yardstick(shapes.data(folder / "data", 1200, 300), folder / "extractors")
    return folder


@pytest.fixture
def standard(folder, monkeypatch) -> ImageReference:
    monkeypatch.setenv("SPARRING_CACHE", str(folder))
    return image_standard(shapes.IdxFolder(str(folder / "data")))


def noise(num: int, size: int, seed: int = 0) -> ImageSet:
    rng = Generator().manual_seed(seed)
    return ImageSet(torch.randint(0, 256, (num, 1, size, size), generator=rng, dtype=torch.uint8))


def by_name(found):
    return {score.metric: score for score in found}


def test_test_images_against_themselves_are_perfect(standard):
    seen = standard.extract(standard.test)
    values = standard.quick_metrics(seen) | standard.costly_metrics(seen)[0]
    assert abs(values["frechet_distance"]) < 1e-6
    assert (values["precision"], values["recall"], values["coverage"]) == (1, 1, 1)
    assert values["missing_classes"] == 0


def test_those_of_mnist_are_as_well(mnist):
    values = mnist.quick_metrics(mnist.real)
    assert abs(values["frechet_distance"]) < 1e-6
    assert values["classifier_score"] > 9
    assert values["missing_classes"] == 0


def test_the_last_training_images_score_exactly_the_floor(mnist):
    found = by_name(evaluation.quick_scores(mnist, mnist.data.train().without_first(60_000 - evaluation.QUICK), 0))
    assert list(found) == [*ALWAYS, *(f"share_{digit}" for digit in range(10))]
    for score in found.values():
        assert score.value == pytest.approx(score.floor, rel=1e-9)  # products over other rows may end in other last digits
    assert 0 < found["frechet_distance"].value < 1
    assert found["classifier_score"].value > 9


def test_noise_is_hundreds_of_times_the_floor(mnist):
    found = evaluation.quick_scores(mnist, noise(evaluation.QUICK, 28), 0)[0]
    assert (found.metric, found.protocol.num_samples) == ("frechet_distance", 2000)
    assert found.floor is not None
    assert found.value > 100 * found.floor


def test_the_protocol_says_how_a_score_was_taken(standard, folder):
    found = evaluation.score_samples(standard, shapes.drawn(1000, 5), seed=7)
    assert [score.metric for score in found] == [
        *ALWAYS,
        *("share_0", "share_1", "share_2", "kernel_distance", "precision", "recall", "density", "coverage"),
    ]
    names = by_name(found)
    protocol = names["kernel_distance"].protocol
    assert protocol.extractor == next((folder / "extractors").glob("*.safetensors")).stem
    assert protocol.extractor.endswith(protocol.extractor_hash[:8])
    assert protocol.data_fingerprint == shapes.drawn(300, 2).fingerprint()
    assert (protocol.num_samples, protocol.num_real, protocol.seed) == (1000, 300, 7)
    assert protocol.options == "cubic kernel, unbiased, subsets of 300"  # there are no 1,000 test images
    assert names["recall"].protocol.options == "k = 3"
    assert names["coverage"].protocol.options == "k = 5"
    assert names["recall"].protocol.interval == "8 subsamples of 250"
    assert names["coverage"].protocol.interval == "jackknife"
    assert names["coverage"].ceiling == expected_coverage(1000, 300, 5)
    assert (names["class_entropy"].ceiling, names["precision"].ceiling) == (None, None)
    assert 2.9 < (names["classifier_score"].ceiling or 0) <= 3
    assert all(score.floor is not None for score in found)
    assert sum(names[f"share_{label}"].value for label in range(3)) == pytest.approx(1)


def test_other_real_pictures_score_near_the_floor_and_one_class_does_not(standard):
    real = shapes.drawn(1000, 5)
    good = by_name(evaluation.score_samples(standard, real, 0))
    distance = good["frechet_distance"]
    assert distance.floor is not None
    assert distance.value < 3 * distance.floor
    assert good["coverage"].value > 0.8
    assert real.labels is not None
    many = shapes.drawn(4000, 6)
    assert many.labels is not None
    one = by_name(evaluation.score_samples(standard, many.take((many.labels == 1).nonzero()[:1000, 0]), 0))
    assert one["frechet_distance"].value > 20 * distance.value
    assert one["missing_classes"].value == 2
    assert one["largest_class"].value > 0.97
    assert one["recall"].value < 0.5


def test_copies_of_training_images_are_told_from_new_ones(standard):
    train, real = standard.data.train(), shapes.drawn(1000, 5)
    copied, new = (
        evaluation.score_samples(standard, samples, 0, train)[-1] for samples in (train.take(torch.arange(1000)), real)
    )
    assert copied.metric == "memorisation"
    assert copied.value == 1
    assert abs(new.value) < 0.3
    assert copied.protocol.options == f"pixels, 1,200 training images {train.fingerprint()[:8]}"
    found = audit(real.images.flatten(1), train.images.flatten(1), images_of(standard.test).images.flatten(1))
    assert found.interval is not None
    assert (new.low, new.high) == pytest.approx(found.interval)
    assert new.protocol.interval == f"binomial, {found.effective_num:.0f} independent"
    assert found.interval[0] < 0 < found.interval[1]


@pytest.mark.parametrize("place", [3, 8])
def test_samples_that_are_alike_say_nothing_of_memorisation(standard, place):
    train = standard.data.train()
    alike = ImageSet(shapes.drawn(20, 5).images[place : place + 1].expand(1000, -1, -1, -1).contiguous())
    found = by_name(evaluation.score_samples(standard, alike, 0, train))["memorisation"]
    assert (found.low, found.high) == (None, None)
    assert found.protocol.interval == "none: the samples are too much alike"


def test_the_same_samples_and_seed_give_the_same_scores_and_another_seed_other_intervals(standard):
    samples = shapes.drawn(1000, 5)
    first, again, other = (evaluation.quick_scores(standard, samples, seed) for seed in (1, 1, 2))
    assert first == again
    assert [score.value for score in first] == [score.value for score in other]
    assert first[0].low != other[0].low


def test_what_is_known_of_the_real_images_is_computed_once(standard, folder, monkeypatch):
    evaluation.score_samples(standard, shapes.drawn(1000, 5), 0)
    kept = {path: path.read_bytes() for path in (folder / "scores").iterdir()}
    assert len(kept) >= 3  # features, radii and the floor
    expected = [*standard.real.features.tolist(), evaluation.floor(standard, 1000)]
    fail = pytest.fail
    monkeypatch.setattr(
        "sparring.evaluation.extractors.classifier_extractor.ClassifierExtractor.features",
        lambda *_: fail("features once more"),
    )
    monkeypatch.setattr(RealNeighbours, "of", lambda *_: fail("radii once more"))
    anew = image_standard(standard.data)
    assert [*anew.real.features.tolist(), evaluation.floor(anew, 1000)] == expected
    assert torch.equal(anew.neighbours.radii_precision, standard.neighbours.radii_precision)
    assert torch.equal(anew.neighbours.radii_coverage, standard.neighbours.radii_coverage)


def test_what_was_damaged_in_the_cache_is_computed_anew(standard, folder, capsys):
    before = evaluation.score_samples(standard, shapes.drawn(1000, 5), 0)
    for path in (folder / "scores").iterdir():
        path.write_bytes(path.read_bytes()[:-3])
    assert evaluation.score_samples(image_standard(standard.data), shapes.drawn(1000, 5), 0) == before
    assert capsys.readouterr() == ("", "")


def test_other_test_images_have_radii_of_their_own(standard, tmp_path):
    other = shapes.write_idx(tmp_path / "other", shapes.drawn(20, 1), shapes.drawn(300, 9))
    theirs = image_standard(other, standard.extractor.label).neighbours
    assert not torch.equal(theirs.features, standard.neighbours.features)
    assert not torch.equal(theirs.radii_coverage, standard.neighbours.radii_coverage)


def test_a_quick_score_reads_the_training_images_once(standard, monkeypatch):
    reads = []
    whole = shapes.IdxFolder.train
    monkeypatch.setattr(shapes.IdxFolder, "train", lambda self, progress=None: reads.append(1) or whole(self))
    for seed in range(3):
        evaluation.quick_scores(standard, shapes.drawn(1000, 5), seed)
    assert len(reads) == 1


def test_another_extractor_can_be_named(standard):
    named = image_standard(standard.data, standard.extractor.label)
    assert named.extractor_names == standard.extractor_names
    with pytest.raises(InputError, match="unknown extractor 'nothing'"):
        evaluation.reference_for(standard.data, CPU, "nothing")


def test_data_that_no_yardstick_knows_have_no_standard(standard, tmp_path):
    other = shapes.write_idx(tmp_path / "other", shapes.drawn(20, 1), shapes.drawn(20, 9))
    assert extractors.own(other.test()) is None
    assert evaluation.reference_for(other, CPU) is None


def test_points_and_other_sizes_are_refused(standard):
    with pytest.raises(InputError, match="these are points, and the data set holds images"):
        evaluation.quick_scores(standard, PointSet(torch.zeros(1000, 2)), 0)
    with pytest.raises(InputError, match="takes images of 1 x 16 x 16, not of 1 x 28 x 28"):
        evaluation.quick_scores(standard, noise(1000, 28), 0)
