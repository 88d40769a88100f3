import hashlib
import os
import tracemalloc
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

from sparring.data import PictureFolder
from sparring.data.cache import locked
from sparring.data.folder import decoded
from sparring.data.pictures import Decoded, Kinds


@pytest.fixture
def cache(tmp_path_factory, monkeypatch):
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SPARRING_CACHE", str(path))
    return path / "pictures"


def many(path, num):
    path.mkdir(exist_ok=True)
    for level in range(num):
        Image.new("L", (3, 2), level).save(path / f"{level}.png")
    return PictureFolder(str(path))


def test_what_a_killed_decode_left_goes_with_the_next_start(tmp_path, cache):
    data = many(tmp_path / "a", 5)
    data.train()
    part = cache / ".x.pixels.1-0.part"
    part.touch()
    data.train()  # which decodes nothing
    assert not part.exists()


def hold(folder, held, done):
    with locked(folder):
        held.set()
        done.wait(60)


def test_what_another_process_is_writing_stays(tmp_path, cache):
    data = many(tmp_path / "a", 5)
    data.train()
    (cache / ".x.pixels.1-0.part").touch()
    context = get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(cache, held, done))
    other.start()
    assert held.wait(60)
    data.train()  # without waiting for it
    assert (cache / ".x.pixels.1-0.part").exists()
    done.set()
    other.join(60)


@pytest.mark.parametrize(
    "spoil",
    [lambda about: about.unlink(), lambda about: about.write_text("{"), lambda about: about.write_bytes(b"{" * (1 << 25))],
)
def test_what_cannot_be_read_is_swept(tmp_path, cache, spoil):
    many(tmp_path / "a", 3).train()
    (about,) = cache.glob("*.json")
    spoil(about)
    many(tmp_path / "b", 3).train()
    (left,) = cache.glob("*.pixels")
    assert [path.stem for path in cache.glob("*.json")] == [left.stem]
    assert left.stem != about.stem


def test_a_million_bad_files_are_kept_and_found_again(tmp_path, cache):
    num = 1_000_000
    bad = {place: f"is {place} x 3 pixels, not 64 x 64 like most" for place in range(num) if place % 2}
    key = decoded.Key(str(tmp_path), "as they are", "0" * 64)

    def decode(room):
        pixels = room((2, 1, 2, 2))
        pixels[:] = 7
        return Decoded(pixels, [0, 2], bad, Kinds({}, 0, 0))

    kept = decoded.pixels(key, decode)
    assert kept.bad.keys() == bad.keys()
    assert kept.bad[1] == bad[1]
    assert kept.pixels.tolist() == np.full((2, 1, 2, 2), 7).tolist()


def test_a_checksum_is_compared_once_for_as_long_as_the_file_is_the_same(tmp_path, cache, monkeypatch):
    data, hashed, sha256 = many(tmp_path / "a", 5), [], hashlib.sha256

    def count(*values):
        hashed.extend(memoryview(value).nbytes for value in values)
        return sha256(*values)

    monkeypatch.setattr(hashlib, "sha256", count)
    for _ in range(3):
        data.train()
        data.test()
    num_bytes = 5 * 3 * 2
    assert hashed.count(num_bytes) == 2  # when it was written, and when it was read
    (file,) = cache.glob("*.pixels")
    file.write_bytes(file.read_bytes())
    data.train()
    assert hashed.count(num_bytes) == 3


def test_a_listing_of_many_files_is_small(tmp_path, cache):
    """A million take at most 700 MB."""
    num, one = 10_000, tmp_path / "one.png"
    Image.new("L", (3, 2)).save(one)
    (tmp_path / "many").mkdir()
    for number in range(num):
        os.link(one, tmp_path / "many" / f"{number:06}_with_the_long_names_that_scrapers_give_to_their_pictures.png")
    data = PictureFolder(str(tmp_path / "many"), reading=2)
    tracemalloc.start()
    try:
        with data._halves() as halves:
            data._key(halves)
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 700 * num
