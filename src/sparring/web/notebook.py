"""`sparring.play`: the page from Python, in a notebook's frame or in the browser."""

import atexit
import os
import socket
import sys
import webbrowser
from html import escape
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from sparring.errors import InputError
from sparring.runs.folders import ROOT
from sparring.runs.notebook import is_notebook
from sparring.web import need_extra
from sparring.web.jupyter import is_remote, notebook_origins

if TYPE_CHECKING:
    from sparring.runs.run import Run
    from sparring.web.server import Server

PATIENCE = 10.0  # seconds for the server's start, and for its end


class Page:
    """A page that a thread of this program serves until `close()`, or until the program ends.

    `url` opens it in a browser; it holds a token, so do not publish it. A notebook shows the page in a frame where it is a
    cell's last value. In a `with` statement it is closed at the end.
    """

    def __init__(self, server: "Server", view: str, height: int, remote: bool) -> None:
        self._server, self._view, self._height, self._remote = server, view, height, remote
        begun = Event()
        self._thread = Thread(target=server.listen, args=(begun.set,), daemon=True, name="sparring-page")
        self._thread.start()
        begun.wait(PATIENCE)
        atexit.register(self.close)

    @property
    def url(self) -> str:
        """The address of the page, with its token."""
        return self._server.access.address(self._view)

    def close(self) -> None:
        """End the page; trainings that were started from it go on."""
        atexit.unregister(self.close)
        self._server.end()
        self._thread.join(PATIENCE)
        self._server.close()

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        ended = "" if self._thread.is_alive() else ", closed"
        return f"<sparring page at {self._server.access.origin}{ended}>"

    def _repr_html_(self) -> str:
        access = self._server.access
        address = escape(access.frame_address(self._view))
        link = f'<a href="{address}" target="_blank" rel="noopener">'
        if self._remote or not access.framed_by:
            forward = f"ssh -L {access.port}:localhost:{access.port} {socket.gethostname()}"
            return (
                f"<p>{link}Sparring</a>: the notebook runs on another machine than the browser, as it seems; "
                f"forward its port with <code>{escape(forward)}</code>, then open the link.</p>"
            )
        return (
            f'<iframe src="{address}" title="Sparring" width="100%" height="{self._height}" style="border: 1px solid #888" '
            f'allow="clipboard-write"></iframe><p>{link}Sparring in a tab of its own</a></p>'
        )


def play(
    run: "Run | str | Path | None" = None,
    *,
    height: int = 800,
    port: int | None = None,
    browser: bool = True,
    origin: str | None = None,
) -> Page:
    """Show the page to watch, steer, fork and explore a run, as `sparring play` does, and go on at once.

    In a notebook the value shows itself as a frame; where the notebook runs on another machine, as a link with what to do.
    Elsewhere the page opens in the browser, or its address is printed.

    Args:
        run: a run, its folder, or a folder of runs; "latest" is the newest run under runs/, and the name of a generator that
            comes with the package opens the view that explores. Default: all runs under runs/.
        height: of the frame, in pixels.
        port: of the page; 0 is any free one. Default: 8451, if it is free.
        browser: open the browser outside a notebook.
        origin: the notebook's address up to the port, such as "http://localhost:8888", which may show the frame; needed only
            where Jupyter's own files do not tell it.

    Returns: a `Page` with `url` and `close()`, which also works in a `with` statement.

    Raises InputError where there is no such run, the port is taken, origin is no address, or the extra `web` is not installed.
    """
    need_extra()
    from sparring.web.server import Address, Server, folder_and_view

    root, view = folder_and_view(_place(run))
    in_notebook = is_notebook()
    framed_by = notebook_origins(origin) if in_notebook or origin else ()
    server = Server(root, Address(port=port), framed_by=framed_by)
    page = Page(server, view, height, is_remote() and not origin)
    if not in_notebook and not (browser and _has_screen() and webbrowser.open(page.url)):
        print(f"open {page.url}")
    return page


def _place(run: "Run | str | Path | None") -> str | Path:
    place = getattr(run, "path", ROOT if run is None else run)
    if not isinstance(place, str | Path):
        raise InputError(f"run is a {type(place).__name__}; it must be a run, the folder of one, or a folder of runs")
    return place


def _has_screen() -> bool:
    """False where only a browser in the terminal could open, which would stop the program."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
