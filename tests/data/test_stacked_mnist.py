import pytest
import torch

from sparring.data import Mnist, StackedMnist, StackedSet
from sparring.errors import InputError


@pytest.fixture(scope="module")
def train() -> StackedSet:
    return StackedMnist().train()


def test_triples_are_drawn_from_all_digits_by_the_protocol(train):
    assert (len(train), train.shape, train.places.shape) == (128_000, (3, 28, 28), (128_000, 3))
    assert len(train.stock) == 70_000
    counts = train.places.flatten().bincount(minlength=70_000).double()
    assert abs(counts.mean() - 3 * 128_000 / 70_000) < 1e-9
    assert abs(counts.var() - counts.mean()) < 0.2  # Poisson, as drawing with replacement gives
    assert counts[60_000:].sum() / counts.sum() == pytest.approx(1 / 7, abs=0.003)
    assert torch.equal(train.places, StackedMnist().train().places)
    assert StackedMnist().test().places.shape == (26_000, 3)
    assert not torch.equal(StackedMnist().test().places[:100], train.places[:100])


def test_a_batch_holds_the_three_digits_that_its_labels_tell(train):
    digits, test = Mnist().train(), Mnist().test()
    images = torch.cat([digits.images, test.images])
    assert digits.labels is not None
    assert test.labels is not None
    labels = torch.cat([digits.labels, test.labels])
    for row in (0, 77, 127_999):
        (image,) = train.batch(torch.tensor([row]))
        for channel in range(3):
            assert torch.equal(image[channel], images[train.places[row, channel], 0].float() / 127.5 - 1)
        a, b, c = labels[train.places[row]].tolist()
        assert train.classes[train.labels[row]] == f"{a}{b}{c}"
    assert len(train.labels.unique()) == 1000


def test_it_weighs_little_more_than_the_digits(train):
    assert train.stock.nbytes + train.places.nbytes + train.labels.nbytes < 60e6


def test_sets_are_cut_and_moved_but_share_their_stock(train):
    rest = train.without_first(127_990)
    assert (len(rest), len(rest.labels), rest.stock is train.stock) == (10, 10, True)
    assert torch.equal(rest.batch(torch.tensor([3])), train.batch(torch.tensor([127_993])))
    assert torch.equal(train.take(torch.tensor([5, 5])).labels, train.labels[[5, 5]])
    assert rest.fingerprint() != train.without_first(127_991).fingerprint()
    assert rest.to("meta").stock.device.type == "meta"


@pytest.mark.parametrize("num", [0, 10_000_001])
def test_impossible_numbers_are_refused(num):
    with pytest.raises(InputError, match=f"stacked-mnist: num is {num}"):
        StackedMnist(num=num)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stock": torch.zeros(2, 3, 3)}, r"stock must be uint8 \[M, H, W\]"),
        ({"places": torch.zeros(4)}, r"places must be int64 \[N, C\]"),
        ({"labels": torch.zeros(3).long()}, r"labels must be int64 \[4\]"),
    ],
)
def test_tensors_of_other_types_and_shapes_are_refused(change, words):
    good = {
        "stock": torch.zeros(2, 3, 3, dtype=torch.uint8),
        "places": torch.zeros(4, 2).long(),
        "labels": torch.zeros(4).long(),
    }
    with pytest.raises(ValueError, match=words):
        StackedSet(**(good | change), classes=("0",))
