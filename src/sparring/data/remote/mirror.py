"""Downloads from a folder on the web; imported when something has to be fetched."""

import gzip
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from urllib.error import URLError

from sparring.data.remote.fetch import RemoteFile, SourceError, teller
from sparring.data.remote.sources import Mirror
from sparring.data.sets import Progress
from sparring.data.streams import Capped, in_short, read_up_to


def download(mirror: Mirror, files: Sequence[RemoteFile], progress: Progress | None) -> Iterator[tuple[RemoteFile, bytes]]:
    """The files one after another, unchecked; SourceError at the first that the mirror cannot give."""
    for file in files:
        try:
            yield file, _download(mirror, file, progress)
        except (OSError, EOFError, zlib.error, HTTPException) as error:
            raise SourceError(in_short(error.reason if isinstance(error, URLError) else error)) from error


def _download(mirror: Mirror, file: RemoteFile, progress: Progress | None) -> bytes:
    address = f"{mirror.url}{file.name}{'.gz' if mirror.packs else ''}"
    with urllib.request.urlopen(address, timeout=mirror.timeout_s) as response:
        if not mirror.packs:
            return read_up_to(response, file.size + 1, teller(file, progress))
        packed = Capped(response, file.size + file.size // 100 + 4096)  # gzip adds less to what it cannot shrink
        with gzip.GzipFile(fileobj=packed) as unpacked:
            return read_up_to(unpacked, file.size + 1, teller(file, progress))
