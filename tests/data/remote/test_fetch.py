import gzip
import hashlib
import http.server
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sparring.data.remote.fetch import RemoteFile, SourceError, are_cached, ensure
from sparring.data.remote.sources import Mirror
from sparring.errors import InputError, MachineError
from sparring.storage.cache import cache_folder

IMAGES = b"images" * 1000
LABELS = b"labels" * 10


def described(name, data):
    return RemoteFile(name, hashlib.md5(data).hexdigest(), len(data))


FILES = (described("images", IMAGES), described("labels", LABELS))


class Site:
    """A web server on this machine: answers by path, and a list of what was asked for."""

    def __init__(self):
        self.answers = {"/images.gz": gzip.compress(IMAGES), "/labels.gz": gzip.compress(LABELS)}
        self.asked = []
        self.delay_s = 0.0
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.asked.append(self.path)
                time.sleep(site.delay_s)
                answer = site.answers.get(self.path)
                self.send_response(404 if answer is None else 200)
                self.end_headers()
                self.wfile.write(answer or b"")

            def log_message(self, format, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    site.server.shutdown()
    thread.join()
    site.server.server_close()


def nowhere(files, progress):
    raise SourceError("no network")
    yield


def by_hand(contents):
    """A source that gives these contents, right or wrong."""

    def source(files, progress):
        yield from ((file, contents[file.name]) for file in files)

    return source


def test_files_are_fetched_once_and_kept(site, tmp_path):
    folder = tmp_path / "new" / "cache"
    told = []
    assert ensure(FILES, folder, [Mirror(site.url)], lambda *news: told.append(news)) == [IMAGES, LABELS]
    assert site.asked == ["/images.gz", "/labels.gz"]
    assert told == [("images", 6000, 6000), ("labels", 60, 60)]
    assert (folder / "images").read_bytes() == IMAGES
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "images", "labels"]
    assert ensure(FILES, folder, [nowhere]) == [IMAGES, LABELS]


def test_a_bomb_is_not_unpacked(site, tmp_path):
    """Far more than the file can be: refused as soon as one byte too many has come."""
    site.answers["/images.gz"] = gzip.compress(bytes(30_000_000), compresslevel=1)
    told = []
    with pytest.raises(InputError, match="images has more bytes, not 6000"):
        ensure(FILES, tmp_path, [Mirror(site.url)], lambda *news: told.append(news))
    assert told == [("images", 6000, 6000)]


def endless_gzip_header():
    return b"\x1f\x8b\x08\x08" + bytes(6) + b"name" * 100_000  # a name that does not end within what may be read


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Not Found"),
        (b"", "images has only 0 bytes, not 6000"),
        (b"<html>Welcome to this hotel's network</html>", "Not a gzipped file"),
        (gzip.compress(IMAGES)[:-9], "ended before the end-of-stream"),
        (gzip.compress(IMAGES)[:-8] + bytes(8), "CRC check failed"),
        (gzip.compress(IMAGES)[:10] + bytes(200), "."),
        (gzip.compress(IMAGES[:-1]), "images has only 5999 bytes, not 6000"),
        (gzip.compress(IMAGES.upper()), "images has the MD5 "),
        (endless_gzip_header(), "sends more than the file can hold"),
        (gzip.compress(b"") * 1000, "sends more than the file can hold"),
    ],
    ids=["404", "empty", "html", "truncated", "crc", "garbled", "short", "md5", "header", "members"],
)
def test_bad_answers_are_refused_with_their_reason(site, tmp_path, answer, words):
    site.answers["/images.gz"] = answer
    with pytest.raises(InputError, match=words) as raised:
        ensure(FILES, tmp_path, [Mirror(site.url)])
    assert "could not fetch images, labels (127.0.0.1:" in str(raised.value)
    assert str(raised.value).endswith(f"put them, gzipped or not, into {tmp_path}")
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_the_next_source_gives_what_the_first_could_not(site, tmp_path):
    site.answers["/labels.gz"] = None
    asked = []

    def second(files, progress):
        asked.extend(file.name for file in files)
        return by_hand({"labels": LABELS})(files, progress)

    assert ensure(FILES, tmp_path, [nowhere, Mirror(site.url), second, nowhere]) == [IMAGES, LABELS]
    assert asked == ["labels"]


def test_a_source_that_lies_is_passed_over(tmp_path):
    lie, truth = by_hand({"images": IMAGES, "labels": b"x"}), by_hand({"labels": LABELS})
    assert ensure(FILES, tmp_path, [lie, truth]) == [IMAGES, LABELS]


def test_offline_the_error_names_every_source_and_the_place(tmp_path):
    dead = Mirror("http://127.0.0.1:9/")
    with pytest.raises(InputError) as raised:
        ensure(FILES, tmp_path, [dead, nowhere])
    words = str(raised.value)
    assert "images, labels" in words
    assert "127.0.0.1:9: Connection refused" in words
    assert "no network" in words
    assert str(tmp_path) in words
    assert "\n" not in words


def test_a_silent_site_is_given_up(site, tmp_path):
    site.delay_s = 0.5
    with pytest.raises(InputError, match="timed out"):
        ensure(FILES, tmp_path, [Mirror(site.url, timeout_s=0.1)])


@pytest.mark.parametrize("damage", [b"", IMAGES[:-1], IMAGES + b"x", IMAGES.upper()])
def test_a_damaged_file_is_fetched_anew_with_one_warning(site, tmp_path, caplog, damage):
    ensure(FILES, tmp_path, [Mirror(site.url)])
    (tmp_path / "images").write_bytes(damage)
    site.asked.clear()
    with caplog.at_level(logging.WARNING, "sparring"):
        assert ensure(FILES, tmp_path, [Mirror(site.url)]) == [IMAGES, LABELS]
    assert site.asked == ["/images.gz"]
    assert (tmp_path / "images").read_bytes() == IMAGES
    assert [record.name for record in caplog.records] == ["sparring"]
    assert "images has" in caplog.text


def test_a_half_written_file_of_a_killed_process_does_no_harm(tmp_path):
    for name in (".images.7.part", ".images.99999.part", ".other.7.part"):
        (tmp_path / name).write_bytes(b"half")
    ensure(FILES, tmp_path, [by_hand({"images": IMAGES, "labels": LABELS})])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", ".other.7.part", "images", "labels"]


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    sentence = r"images: No space left on device \(it needs 0.01 MiB, .* are free\); SPARRING_CACHE may name another"
    with pytest.raises(MachineError, match=sentence):
        ensure(FILES, tmp_path, [by_hand({"images": IMAGES, "labels": LABELS})])
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_is_the_machines_fault(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError, match=r"cannot use .*file"):
        ensure(FILES, tmp_path / "file" / "cache", [nowhere])


FETCHER = """
import sys
from pathlib import Path
from sparring.data.remote.fetch import RemoteFile, ensure
from sparring.data.remote.sources import Mirror
url, folder, *files = sys.argv[1:]
files = [RemoteFile(name, md5, int(size)) for name, md5, size in (file.split(",") for file in files)]
print("ready", flush=True)
sys.stdin.read()
ensure(files, Path(folder), [Mirror(url)])
"""


def test_of_two_processes_one_fetches(site, tmp_path):
    site.delay_s = 0.3
    files = [f"{file.name},{file.md5},{file.size}" for file in FILES]
    command = [sys.executable, "-c", FETCHER, site.url, str(tmp_path), *files]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"ready\n"
        other.stdin.close()  # go
        assert ensure(FILES, tmp_path, [Mirror(site.url)]) == [IMAGES, LABELS]
        assert other.wait(60) == 0
    assert sorted(site.asked) == ["/images.gz", "/labels.gz"]
    assert (tmp_path / "images").read_bytes() == IMAGES


def test_files_count_as_cached_by_name_and_size(tmp_path):
    assert not are_cached(FILES, tmp_path / "absent")
    (tmp_path / "images").write_bytes(IMAGES)
    (tmp_path / "labels").write_bytes(LABELS[:-1])
    assert not are_cached(FILES, tmp_path)
    (tmp_path / "labels").write_bytes(LABELS)
    assert are_cached(FILES, tmp_path)


def test_the_cache_folder_is_the_users_or_the_one_that_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SPARRING_CACHE")
    assert cache_folder().is_absolute()
    assert cache_folder() != Path.home()
    assert "sparring" in cache_folder().parts[-2:] or cache_folder().name == "sparring"
