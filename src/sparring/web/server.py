"""The server itself: a free port, a token, and an end at once although streams are open."""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from sparring.errors import InputError
from sparring.runs import shipped
from sparring.runs.folders import ROOT, latest
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex, identity
from sparring.web.safety import Access

PORT = 8451


@dataclass(frozen=True)
class Address:
    """Where the page is served; port 0 is any free one. allowed: further names by which browsers may call it."""

    host: str = "127.0.0.1"
    port: int | None = None
    allowed: tuple[str, ...] = ()


def serve(place: str, address: Address, announce: Callable[[str], None], data_roots: tuple[Path, ...] = ()) -> None:
    """Show the runs under `place`, or the run that it is, until Ctrl-C; `announce` gets the address once the page is there.

    Raises InputError where there is no such folder, or the address is not to be had.
    """
    root, view = folder_and_view(place)
    with closing(Server(root, address, data_roots)) as server, suppress(KeyboardInterrupt):  # the usual end
        server.listen(lambda: announce(server.access.address(view)))


def folder_and_view(place: str | Path) -> tuple[Path, str]:
    """The folder of runs to serve, and the query of what the page shows first.

    `place` is a run, a folder of runs, `latest`, or a generator that comes with the package. runs/ is made where it is missing.
    """
    folder, view = latest() if str(place) == "latest" else Path(place), ""
    if str(place) in shipped.names() and not folder.exists():
        folder, view = ROOT, f"view=explore&of={place}"
    if folder == ROOT:
        ROOT.mkdir(exist_ok=True)
    if (folder / "recipe.json").is_file():
        view = f"run={identity(folder, folder)}"
    return folder, view


class Server(uvicorn.Server):
    """Announces itself once it listens, and tells the streams to end as soon as it is to end."""

    def __init__(
        self, root: Path, address: Address, data_roots: tuple[Path, ...] = (), framed_by: tuple[str, ...] = ()
    ) -> None:
        if not root.is_dir():
            raise InputError(f"there is no folder {root}; name a run, or a folder of runs")
        self._listener = _bound(address)
        port = self._listener.getsockname()[1]
        self.access = Access(secrets.token_urlsafe(32), port, address.host, address.allowed, framed_by)
        app = make_app(RunIndex(root), self.access, data_roots)
        options = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1, "server_header": False}
        super().__init__(uvicorn.Config(app, **options))
        self._state = app.state

    def listen(self, announce: Callable[[], None]) -> None:
        """Answer requests until the end, after `announce`."""
        self._announce = announce
        self.run(sockets=[self._listener])

    def end(self) -> None:
        """End soon, from any thread."""
        self._state.closing = self.should_exit = True

    def close(self) -> None:
        """Give back the port, and end the process that draws."""
        self._listener.close()
        self._state.worker.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._state.closing = True
        self._state.worker.stop()  # which ends the requests that wait for it
        super().handle_exit(sig, frame)


def _bound(address: Address) -> socket.socket:
    """A socket at the address: the usual port, or a free one where that is taken and none was asked for."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    ports = [PORT, 0] if address.port is None else [address.port]
    reason = ""
    for port in ports:
        listener = socket.socket(family)
        if os.name == "posix":  # on Windows it would share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address.host.strip("[]"), port))
            return listener
        except (OSError, UnicodeError, OverflowError) as error:
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
    raise InputError(f"cannot serve at {address.host}, port {ports[0]}: {reason}; name another with --host or --port")
