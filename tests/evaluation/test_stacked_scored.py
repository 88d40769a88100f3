import pytest
import torch

from sparring import evaluation
from sparring.data import Mnist, StackedMnist
from sparring.data.sets import ImageSet
from sparring.errors import InputError
from sparring.evaluation.references import StackedReference

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def standard() -> StackedReference:
    found = evaluation.reference_for(StackedMnist(), CPU)
    assert isinstance(found, StackedReference)
    return found


def real(num: int) -> ImageSet:
    return ImageSet(StackedMnist().train().stack(torch.arange(num)))


def by_name(found):
    return {score.metric: score for score in found}


def test_floors_are_those_of_the_protocol(standard):
    assert standard.known_floor(26_000)["mode_kl"] == pytest.approx(0.0276, abs=0.001)
    assert standard.known_floor(26_000)["modes"] == 1000
    assert standard.known_floor(26_000) == standard.known_floor(26_000)
    assert standard.default_num_samples == 26_000
    assert standard.known_floor(1000)["modes"] < 700


def test_real_triples_are_read_as_their_labels_and_lie_at_the_floor(standard):
    seen = standard.extract(real(1000))
    assert (seen.features[:, 0].long() == StackedMnist().train().labels[:1000]).double().mean() > 0.98
    found, perfect = by_name(evaluation.score_samples(standard, real(1000), 0)), standard.known_floor(1000)
    assert found["mode_kl"].value == pytest.approx(perfect["mode_kl"], abs=0.06)
    assert found["mode_kl_excess"].value == pytest.approx(found["mode_kl"].value - perfect["mode_kl"])
    assert abs(found["modes"].value - perfect["modes"]) < 40
    assert found["mode_kl"].floor == perfect["mode_kl"]
    assert (found["modes"].ceiling, found["modes"].low, found["mode_kl_excess"].floor) == (1000, None, 0)
    assert found["mode_kl"].protocol.extractor.startswith("digits-")
    assert found["mode_kl"].protocol.num_samples == 1000


def test_one_triple_alone_is_far_from_it(standard):
    one = by_name(evaluation.quick_scores(standard, ImageSet(real(1).images.expand(1000, -1, -1, -1).contiguous()), 0))
    assert (one["modes"].value, one["mode_kl"].value) == (1, pytest.approx(torch.tensor(1000.0).log().item()))
    assert next(iter(one)) == StackedReference.primary_metric


def test_pictures_of_one_channel_are_refused(standard):
    with pytest.raises(InputError, match="the pictures are 1 x 28 x 28; those of stacked-mnist are 3 x 28 x 28"):
        standard.extract(Mnist().test())
