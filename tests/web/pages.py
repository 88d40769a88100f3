"""The page in a real browser: its server, a window without other hosts, and what axe says of a view."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from browser import chromium

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python"
)
PATIENCE = 60_000  # ms


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address that `sparring play` prints; it ends at once by Ctrl-C, though the page's stream is open."""
    command = [sys.executable, "-m", "sparring", "play", str(root), "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    found = re.match("open (http://127.0.0.1:.*)", process.stdout.readline())
    assert found
    yield found[1]
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 5
    process.stdout.close()


@contextmanager
def opened(address: str) -> Iterator[Any]:
    """A page at 1280 x 800; requests to other hosts are refused, and they and all errors are faults."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
        page, faults, origin = context.new_page(), [], address.split("/?")[0]
        page.set_default_timeout(PATIENCE)

        def guard(route: Any) -> None:
            if route.request.url.startswith((origin, "data:", "blob:")):
                return route.continue_()
            faults.append(route.request.url)
            return route.abort()

        def note(message: Any) -> None:
            if message.type == "error" and not re.search("400|ERR_FAILED", message.text):
                faults.append(message.text)

        page.route("**/*", guard)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", note)
        page.goto(address)
        yield page
        assert faults == []


def look_through(page: Any) -> None:
    """No violation of WCAG 2 A and AA that axe can see, and nothing wider than the window."""
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
