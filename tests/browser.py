"""A real browser for the tests of pages: the system's Chromium, or the one that Playwright installs."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ADVICE = "install one with `apt-get install chromium`, or with `playwright install chromium`"


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A browser without a display; the test is skipped, with a reason that says how to get one, where there is none."""
    api = pytest.importorskip("playwright.sync_api", reason='Playwright is missing; pip install "sparring[dev]"')
    own = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
    with api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        except api.Error as error:
            pytest.skip(f"no browser starts here ({error.message.splitlines()[0]}); {ADVICE}")
        yield browser
        browser.close()
