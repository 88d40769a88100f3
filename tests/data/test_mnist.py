import hashlib

import pytest
import torch

from sparring.data.mnist import Mnist
from sparring.data.remote.fetch import RemoteFile, SourceError
from sparring.errors import InputError


def labels_of(examples):
    assert examples.labels is not None
    return examples.labels


@pytest.fixture
def tiny(monkeypatch, tmp_path, four_files):
    """MNIST with four tiny files and a source that counts how often it is asked."""
    files = [RemoteFile(name, hashlib.md5(data).hexdigest(), len(data)) for name, data in four_files.items()]
    asked = []

    def source(wanted, progress):
        asked.append([file.name for file in wanted])
        yield from ((file, four_files[file.name]) for file in wanted)

    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    monkeypatch.setattr(Mnist, "files", tuple(files))
    monkeypatch.setattr(Mnist, "sources", (source,))
    return asked


def test_the_real_thing():
    train, test = Mnist().train(), Mnist().test()
    assert (len(train), len(test), train.shape) == (60_000, 10_000, (1, 28, 28))
    assert labels_of(train)[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert labels_of(train).bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert abs(train.images.float().mean() / 255 - 0.1307) < 1e-4
    assert train.classes == test.classes == tuple("0123456789")
    assert Mnist().is_cached()


def test_the_first_are_held_back_from_the_training_images_alone():
    train = Mnist().train()
    rest = Mnist(held_back=5000)
    assert torch.equal(rest.train().images, train.images[5000:])
    assert torch.equal(labels_of(rest.train()), labels_of(train)[5000:])
    assert len(rest.test()) == 10_000


@pytest.mark.parametrize("held_back", [-1, 60_000])
def test_more_than_there_are_cannot_be_held_back(held_back):
    with pytest.raises(InputError, match=f"mnist: held_back is {held_back}; choose from 0 to 59999"):
        Mnist(held_back=held_back)


def test_the_first_load_fetches_all_four(tiny, tmp_path):
    assert not Mnist().is_cached()
    assert len(Mnist().train()) == 5
    assert Mnist().is_cached()
    assert len(Mnist().test()) == 3
    assert [len(files) for files in tiny] == [4]
    assert (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").is_file()


def test_a_damaged_file_is_found_at_the_next_load(tiny, tmp_path):
    Mnist().fetch()
    labels = tmp_path / "mnist" / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x07")
    assert Mnist().is_cached()
    assert labels_of(Mnist().train()).tolist() == [0, 1, 2, 1, 0]
    assert tiny[1:] == [["train-labels-idx1-ubyte"]]


def test_offline_the_error_says_what_to_do(tiny, tmp_path, monkeypatch):
    def dead(wanted, progress):
        raise SourceError("no network")

    monkeypatch.setattr(Mnist, "sources", (dead,))
    with pytest.raises(InputError, match=f"no network.*put them, gzipped or not, into {tmp_path / 'mnist'}"):
        Mnist().train()


def test_progress_passes_through(tiny, monkeypatch):
    told = []
    source = Mnist.sources[0]

    def telling(wanted, progress):
        progress("half way", 1, 2)
        return source(wanted, progress)

    monkeypatch.setattr(Mnist, "sources", (telling,))
    Mnist().fetch(lambda *news: told.append(news))
    assert told == [("half way", 1, 2)]
