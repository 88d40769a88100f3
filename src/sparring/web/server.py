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
from starlette.applications import Starlette

from sparring.errors import InputError
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex
from sparring.web.safety import Access

PORT = 8451


@dataclass(frozen=True)
class Address:
    """Where the page is served; port 0 is any free one. allowed: further names by which browsers may call it."""

    host: str = "127.0.0.1"
    port: int | None = None
    allowed: tuple[str, ...] = ()


def serve(root: Path, address: Address, announce: Callable[[str], None], data_roots: tuple[Path, ...] = ()) -> None:
    """Show the runs under `root`, or the run that it is, until Ctrl-C; `announce` gets the address once the page is there.

    Raises InputError where there is no such folder, or the address is not to be had.
    """
    if not root.is_dir():
        raise InputError(f"there is no folder {root}; name a run, or a folder of runs")
    with closing(_bound(address)) as listener:
        access = Access(secrets.token_urlsafe(32), listener.getsockname()[1], address.host, address.allowed)
        app = make_app(RunIndex(root), access, data_roots)
        server = _Server(app, lambda: announce(access.address()))
        with suppress(KeyboardInterrupt):  # the usual end
            server.run(sockets=[listener])
        app.state.worker.close()


class _Server(uvicorn.Server):
    """Announces itself once it listens, and tells the streams to end as soon as a signal comes."""

    def __init__(self, app: Starlette, announce: Callable[[], None]):
        options = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1, "server_header": False}
        super().__init__(uvicorn.Config(app, **options))
        self._state, self._announce = app.state, announce

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
