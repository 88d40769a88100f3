"""npm packages, with a stand-in for npm; mirrors are tested in test_fetch.py against a server."""

import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import sparring
from sparring.data.remote.fetch import RemoteFile, SourceError
from sparring.data.remote.sources import NpmPackage

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


CACHED = """
import sys
import sparring.data
sparring.data.Mnist().train()
sparring.data.listing()
print(*sorted(name for name in sys.modules if name.startswith("sparring.data.remote.")))
"""


def test_what_fetches_is_imported_when_something_has_to_be_fetched():
    done = subprocess.run([sys.executable, "-c", CACHED], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "sparring.data.remote.fetch sparring.data.remote.sources\n"), done.stderr


def test_only_what_fetches_knows_programs_and_the_web():
    package = Path(sparring.__file__).parent / "data"
    heavy = re.compile(r"^\s*(import|from) (subprocess|socket|http|urllib\.(request|error))\b", re.MULTILINE)
    found = {file.relative_to(package).as_posix() for file in package.rglob("*.py") if heavy.search(file.read_text("utf-8"))}
    assert found == {"remote/mirror.py", "remote/npm.py"}
