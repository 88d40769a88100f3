"""Fashion-MNIST, Kuzushiji-MNIST and CIFAR-10, from a web server on this machine with small files of the same formats."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest

from sparring.config.registry import name_of
from sparring.data import Cifar10, FashionMnist, IdxFolder, Kmnist, cifar10, moved, resolve
from sparring.data.remote.fetch import RemoteFile
from sparring.data.remote.sources import Mirror
from sparring.errors import InputError


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """A function that serves these files below /data/, and gives the address and what was asked for."""
    servers = []

    def start(files):
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                answer = files.get(self.path.removeprefix("/data/"))
                self.send_response(404 if answer is None else 200)
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, format, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/data/", asked

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def described(name, data):
    return RemoteFile(name, hashlib.md5(data).hexdigest(), len(data))


@pytest.fixture(params=[FashionMnist, Kmnist])
def like_mnist(request, serve, four_files, monkeypatch):
    """Fashion-MNIST has checksums of unpacked bytes, Kuzushiji-MNIST those of its gzipped files."""
    packed = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in four_files.items()}
    url, asked = serve(packed)
    kept = four_files if request.param is FashionMnist else packed
    monkeypatch.setattr(request.param, "files", tuple(described(name, data) for name, data in kept.items()))
    monkeypatch.setattr(request.param, "sources", (Mirror(url, packs=kept is four_files),))
    return request.param(), asked, packed, kept


def test_sets_like_mnist_are_fetched_once_and_kept(like_mnist, tmp_path):
    data, asked, packed, kept = like_mnist
    assert not data.is_cached()
    train = data.train()
    assert train.images.flatten().tolist() == list(range(30))
    assert train.labels is not None
    assert train.labels.tolist() == [0, 1, 2, 1, 0]
    assert len(data.test()) == 3
    assert asked == [f"/data/{name}" for name in packed]
    assert data.is_cached()
    for name, content in kept.items():
        assert [path.read_bytes() for path in tmp_path.rglob(name)] == [content]


def test_what_a_mirror_damaged_is_refused(like_mnist):
    data, _, packed, kept = like_mnist
    packed["t10k-labels-idx1-ubyte.gz"] = gzip.compress(b"\0\0\x08\x01\0\0\0\x03\x03\x01\x07", mtime=0)
    advice = "put them, gzipped or not, into" if "t10k-labels-idx1-ubyte" in kept else "put them into"
    with pytest.raises(InputError, match=rf"could not fetch t10k-labels-idx1-ubyte.* \(.*{advice} .*{name_of(data)}$"):
        data.train()


def test_fashion_mnist_may_be_gzipped_in_any_way(four_files, monkeypatch, tmp_path):
    """Debian's files and those of the authors hold the same bytes, but their gzip headers differ."""
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    monkeypatch.setattr(FashionMnist, "files", tuple(described(name, data) for name, data in four_files.items()))
    monkeypatch.setattr(FashionMnist, "sources", ())
    (tmp_path / "fashion-mnist").mkdir()
    for name, data in four_files.items():
        assert not FashionMnist().is_cached()
        (tmp_path / "fashion-mnist" / f"{name}.gz").write_bytes(gzip.compress(data, compresslevel=1, mtime=77))
    assert FashionMnist().is_cached()
    assert len(FashionMnist().train()) == 5


@pytest.mark.parametrize("damage", [slice(-9), slice(12), slice(0), slice(2, None)])
def test_a_damaged_gzipped_file_is_fetched_anew(serve, four_files, monkeypatch, tmp_path, caplog, damage):
    packed = {f"{name}.gz": gzip.compress(data) for name, data in four_files.items()}
    url, asked = serve(packed)
    monkeypatch.setattr(FashionMnist, "files", tuple(described(name, data) for name, data in four_files.items()))
    monkeypatch.setattr(FashionMnist, "sources", (Mirror(url),))
    folder = tmp_path / "cache" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, data in packed.items():
        (folder / name).write_bytes(data[damage] if name.startswith("t10k-images") else data)
    assert len(FashionMnist().test()) == 3
    assert asked == ["/data/t10k-images-idx3-ubyte.gz"]
    assert "t10k-images-idx3-ubyte" in caplog.text


@pytest.fixture
def debians(four_files, monkeypatch, tmp_path):
    """A folder elsewhere with the files of "Fashion-MNIST"."""
    monkeypatch.setattr(FashionMnist, "files", tuple(described(name, data) for name, data in four_files.items()))
    folder = tmp_path / "debian"
    folder.mkdir()
    for name, data in four_files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(data))
    return folder


def test_a_folder_with_the_files_of_a_public_set_is_that_set(debians):
    before = sorted(debians.iterdir())
    data = resolve(str(debians))
    assert data == FashionMnist(path=str(debians))
    assert data.train().classes[7] == "sneaker"
    assert len(FashionMnist(held_back=2, path=str(debians)).train()) == 3
    data.fetch()
    assert sorted(debians.iterdir()) == before


def test_a_folder_with_one_other_byte_is_the_users_own(debians, four_files):
    name = "train-images-idx3-ubyte"
    (debians / f"{name}.gz").write_bytes(gzip.compress(four_files[name][:-1] + b"\xff"))
    assert resolve(str(debians)) == IdxFolder(str(debians))


def test_a_public_set_in_a_folder_is_looked_for_where_it_moved(debians, tmp_path):
    kept = FashionMnist(held_back=1, path=str(debians))
    elsewhere = debians.rename(tmp_path / "elsewhere")
    assert moved(str(elsewhere), kept) == FashionMnist(held_back=1, path=str(elsewhere))


def test_a_public_set_in_a_folder_that_was_damaged_since_is_refused(debians):
    data = resolve(str(debians))
    (debians / "t10k-labels-idx1-ubyte.gz").unlink()
    assert not data.is_cached()
    with pytest.raises(InputError, match="debian no longer holds t10k-labels-idx1-ubyte of fashion-mnist, whole; name the"):
        data.test()


@pytest.mark.parametrize("part", [FashionMnist, Kmnist])
def test_the_files_known_are_those_of_the_public_sets(part):
    files = part.files
    assert [file.name.split("-")[0] for file in files] == ["train", "train", "t10k", "t10k"]
    assert len({file.md5 for file in files}) == 4
    assert len(part.classes) == 10
    assert all(str(source.url).startswith("https://") for source in part.sources)


def record(label, seed):
    return bytes([label]) + np.random.default_rng(seed).integers(0, 256, 3072, dtype=np.uint8).tobytes()


def archive(members):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


MEMBERS = {
    "cifar-10-batches-bin/batches.meta.txt": b"airplane\n",
    **{name: record(place, place) + record(9, 10 + place) for place, name in enumerate(cifar10.TRAIN)},
    cifar10.TEST[0]: record(5, 99),
}


@pytest.fixture
def cifar(serve, monkeypatch):
    def start(members):
        packed = archive(members)
        url, asked = serve({"cifar-10-binary.tar.gz": packed})
        monkeypatch.setattr(cifar10, "ARCHIVE", described("cifar-10-binary.tar.gz", packed))
        monkeypatch.setattr(cifar10, "SOURCES", (Mirror(url, packs=False),))
        return Cifar10(), asked

    return start


def test_cifar_is_read_from_its_binary_records(cifar, tmp_path):
    data, asked = cifar(MEMBERS)
    assert not data.is_cached()
    train, test = data.train(), data.test()
    assert (train.shape, len(train), len(test)) == ((3, 32, 32), 10, 1)
    assert train.labels is not None
    assert train.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
    assert train.images[3].flatten().tolist() == list(record(9, 11)[1:])
    assert train.classes[5] == "dog"
    assert asked == ["/data/cifar-10-binary.tar.gz"]
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.name != ".lock"] == [
        "cifar-10-binary.tar.gz"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({cifar10.TRAIN[2]: b""}, "data_batch_3.bin holds 0 bytes"),
        ({cifar10.TRAIN[0]: record(1, 1)[:-1]}, "data_batch_1.bin holds 3,072 bytes, which are no records of 3,073"),
        ({cifar10.TRAIN[4]: record(10, 1)}, "data_batch_5.bin has a class 10; CIFAR-10 has 0 to 9"),
    ],
)
def test_other_records_are_refused(cifar, change, words):
    data, _ = cifar(MEMBERS | change)
    with pytest.raises(InputError, match=words):
        data.train()


def test_missing_members_are_named(cifar):
    data, _ = cifar({name: content for name, content in MEMBERS.items() if "test" not in name})
    assert len(data.train()) == 10
    with pytest.raises(InputError, match=r"lacks cifar-10-batches-bin/test_batch\.bin"):
        data.test()


def test_a_plain_mirror_reads_no_more_than_was_promised(serve):
    url, _ = serve({"x": b"0" * 10_000_000})
    told = []
    ((_, data),) = Mirror(url, packs=False)([RemoteFile("x", "", 5)], lambda *news: told.append(news))
    assert data == b"0" * 6
    assert told == [("x", 5, 5)]
