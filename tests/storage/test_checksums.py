"""Checksums of a folder's files: what is damaged is named, what a kill leaves is not."""

import os
import shutil
import subprocess
import sys

import pytest

from sparring.errors import InputError
from sparring.storage import checksums


@pytest.fixture
def folder(tmp_path):
    for name, data in (("a.txt", b"one"), ("b/c.png", b"two"), ("a.txt", b"three")):
        checksums.write(tmp_path, name, data)
    return tmp_path


def lines(folder) -> list[str]:
    return (folder / checksums.NAME).read_text().splitlines()


def test_what_was_written_is_read(folder):
    assert (checksums.read(folder, "a.txt"), checksums.read(folder, "b/c.png")) == (b"three", b"two")
    assert list(checksums.problems(folder)) == []
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("name", ["a.txt", "b/c.png"])
def test_a_flipped_bit_is_named(folder, name):
    path = folder / name
    path.write_bytes(bytes([path.read_bytes()[0] ^ 4]) + path.read_bytes()[1:])
    with pytest.raises(InputError, match=f"{name} was damaged or changed"):
        checksums.read(folder, name)
    assert [name in problem for problem in checksums.problems(folder)] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_checksums_that_are_a_pipe_are_not_waited_for(folder):
    (folder / checksums.NAME).unlink()
    os.mkfifo(folder / checksums.NAME)
    for use in (checksums.repair, checksums.compact, lambda folder: checksums.read(folder, "a.txt")):
        with pytest.raises(InputError, match="SHA256SUMS is no file"):
            use(folder)
    assert list(checksums.problems(folder)) == [f"{folder / checksums.NAME} is no file"]


def test_every_flipped_bit_among_the_checksums_is_noticed(folder):
    checksums.compact(folder)
    path = folder / checksums.NAME
    whole = path.read_bytes()
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        assert list(checksums.problems(folder)) or place // 8 == len(whole) - 1, (
            place
        )  # an end without a line's end is a kill's


def test_a_file_that_is_gone_is_named(folder):
    (folder / "b" / "c.png").unlink()
    (problem,) = checksums.problems(folder)
    assert problem.startswith(f"cannot read {folder}/b/c.png")


def test_a_kill_between_a_checksum_and_its_file(folder):
    with (folder / checksums.NAME).open("a") as stream:
        stream.write("0" * 64 + "  a.txt\n" + "0" * 30)
    assert list(checksums.problems(folder)) == []
    checksums.write(folder, "a.txt", b"four")
    assert lines(folder)[-2:] == ["0" * 64 + "  a.txt", lines(folder)[-1]]
    checksums.compact(folder)
    assert [line[66:] for line in lines(folder)] == ["a.txt", "b/c.png"]
    assert checksums.read(folder, "a.txt") == b"four"


def test_a_tidy_list_keeps_what_tells_of_damage(folder):
    (folder / "a.txt").write_bytes(b"thrEe")
    checksums.compact(folder)
    assert len(list(checksums.problems(folder))) == 1


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="needs sha256sum")
def test_others_can_check_it(folder):
    checksums.compact(folder)
    assert subprocess.run(["sha256sum", "--check", "--strict", checksums.NAME], cwd=folder, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["/etc/passwd", "../secret", "b/../../secret"])
def test_no_file_outside_the_folder_is_looked_at(folder, name):
    (folder / checksums.NAME).write_text("0" * 64 + f"  {name}\n")
    assert list(checksums.problems(folder)) == [
        f"{folder / checksums.NAME} was damaged: it holds a line that is none of its own"
    ]


def test_files_without_a_checksum_are_read_as_they_are(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one")
    assert checksums.read(tmp_path, "a.txt") == b"one"
    assert list(checksums.problems(tmp_path)) == []
