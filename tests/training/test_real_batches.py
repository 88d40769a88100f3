import pytest
import torch

from sparring.data.sets import ImageSet, StackedSet
from sparring.training import real_batches
from sparring.training.engine import Engine
from sparring.training.real_batches import batches_of
from tiny import SETTINGS, miniature

CPU = torch.device("cpu")


def images(num=40, size=256):
    return ImageSet(torch.randint(0, 256, (num, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)))


def test_large_batches_take_the_memory_of_the_last_but_one():
    data = images()
    real = batches_of(data, 48)
    chosen = [torch.arange(start, start + 48) % 40 for start in range(6)]
    found = [real.batch(indices, None) for indices in chosen[:2]]
    for indices in chosen[2:]:
        before = found[-1].clone()
        found.append(real.batch(indices, None))
        assert torch.equal(found[-1], data.batch(indices))
        assert torch.equal(found[-2], before)
        assert found[-1].data_ptr() == found[-3].data_ptr()


def test_batches_of_other_sizes_fit_in():
    data = images()
    real = batches_of(data, 60)
    for num in (50, 60, 45, 60, 60, 45, 48):
        indices = torch.arange(num) % 40
        assert torch.equal(real.batch(indices, None), data.batch(indices))


def test_small_batches_are_their_own():
    real = batches_of(images(size=8), 16)
    found = [real.batch(torch.arange(16), None) for _ in range(4)]
    assert len({batch.data_ptr() for batch in found}) == 4


def test_other_data_are_gathered_as_they_are(monkeypatch):
    monkeypatch.setattr(real_batches, "_LARGE", 0)
    data = StackedSet(
        torch.zeros(5, 4, 4, dtype=torch.uint8), torch.zeros(6, 3, dtype=torch.int64), torch.zeros(6, dtype=torch.int64), ()
    )
    assert batches_of(data, 2).batch(torch.arange(2), None).shape == (2, 3, 4, 4)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_used_memory_changes_no_training(name, tmp_path, monkeypatch):
    recipe = miniature(name, tmp_path, journal='{"rounds": 1}')
    states = []
    for large in (1 << 62, 0):
        monkeypatch.setattr(real_batches, "_LARGE", large)
        engine = Engine.build(recipe, recipe.data.train(), 0, CPU)
        for round_ in range(4):
            engine.numbers(engine.train_round(round_))
        states.append([tensor for network in engine.gan.networks for tensor in network.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
