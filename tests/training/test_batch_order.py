import pytest
import torch

from sparring.training import batch_order as order_module
from sparring.training.batch_order import BatchOrder

KINDS = ["file", "shuffled", "with-replacement"]


def epoch(order: BatchOrder, number: int) -> list[int]:
    per = order.batches_per_epoch
    return torch.cat([order.indices(batch) for batch in range(number * per, (number + 1) * per)]).tolist()


def test_file_order_is_the_same_every_epoch():
    order = BatchOrder("file", 10, 4, seed=0)
    assert [order.indices(batch).tolist() for batch in range(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3]]


def test_every_epoch_is_another_permutation():
    order = BatchOrder("shuffled", 50, 8, seed=0)
    epochs = [epoch(order, number) for number in range(4)]
    assert all(sorted(images) == list(range(50)) for images in epochs)
    assert len({tuple(images) for images in epochs}) == 4
    assert list(range(50)) not in epochs


def test_the_seed_determines_the_order():
    for kind in ("shuffled", "with-replacement"):
        same, other = BatchOrder(kind, 50, 8, seed=0), BatchOrder(kind, 50, 8, seed=1)
        assert torch.equal(BatchOrder(kind, 50, 8, seed=0).indices(2), same.indices(2))
        assert not torch.equal(same.indices(2), other.indices(2))


@pytest.mark.parametrize("kind", ["file", "shuffled"])
def test_the_last_batch_of_an_epoch_may_be_short(kind):
    order = BatchOrder(kind, 60_000, 256, seed=0)
    assert order.batches_per_epoch == 235
    assert [len(order.indices(batch)) for batch in (0, 233, 234, 235, 469)] == [256, 256, 96, 256, 96]


def test_batches_that_fit_are_all_full():
    order = BatchOrder("shuffled", 55_000, 100, seed=0)
    assert order.batches_per_epoch == 550
    assert len(order.indices(549)) == 100


def test_a_batch_larger_than_the_data_is_the_whole():
    order = BatchOrder("shuffled", 5, 8, seed=0)
    assert order.batches_per_epoch == 1
    assert sorted(order.indices(3).tolist()) == [0, 1, 2, 3, 4]


def test_draws_with_replacement():
    order = BatchOrder("with-replacement", 10, 64, seed=0)
    batches = [order.indices(batch) for batch in range(50)]
    assert all(len(batch) == 64 for batch in batches)
    assert not torch.equal(batches[0], batches[1])
    counts = torch.bincount(torch.cat(batches), minlength=10)
    assert counts.sum() == 3200
    assert len(counts) == 10
    assert 240 < counts.min() <= counts.max() < 400  # 320 expected, standard deviation 17


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("num_images", "batch_size"), [(10, 4), (12, 4), (3, 8)])
def test_images_before_counts_what_was_shown(kind, num_images, batch_size):
    order, shown = BatchOrder(kind, num_images, batch_size, seed=0), 0
    for batch in range(9):
        assert order.images_before(batch) == shown
        shown += len(order.indices(batch))


@pytest.mark.parametrize("kind", KINDS)
def test_it_can_be_entered_anywhere(kind):
    forwards = [BatchOrder(kind, 10, 4, seed=3).indices(batch).tolist() for batch in range(12)]
    order_module._in_order.cache_clear()
    order = BatchOrder(kind, 10, 4, seed=3)
    backwards = [order.indices(batch).tolist() for batch in reversed(range(12))]
    assert backwards[::-1] == forwards


@pytest.mark.parametrize("kind", KINDS)
def test_indices_select(kind):
    indices = BatchOrder(kind, 10, 4, seed=0).indices(1)
    assert indices.dtype == torch.int64
    assert indices.device.type == "cpu"


@pytest.mark.parametrize("kind", ["file", "shuffled"])
@pytest.mark.parametrize("batch_size", [4, 7, 25])
def test_whole_batches_go_on_into_the_next_epoch(kind, batch_size):
    order = BatchOrder(kind, 10, batch_size, seed=3, full_batches=True)
    shown = torch.cat([order.indices(batch) for batch in range(40)])
    assert len(shown) == 40 * batch_size == order.images_before(40)
    for epoch in range(len(shown) // 10):
        assert shown[10 * epoch : 10 * epoch + 10].sort().values.tolist() == list(range(10))
