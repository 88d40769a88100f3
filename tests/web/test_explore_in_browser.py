"""A user explores `digits` in a real browser: sliders, the plane, a direction of one's own, and a drawing whose z is found."""

import re
import subprocess
import sys

import numpy as np
import pytest

from browser import chromium

playwright = pytest.importorskip("playwright.sync_api", reason='Playwright is missing; pip install "sparring[dev]"')
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason='axe is missing; pip install "sparring[dev]"')
THREE = [(0.3, 0.25), (0.5, 0.18), (0.66, 0.28), (0.6, 0.42), (0.45, 0.48), (0.6, 0.54), (0.68, 0.68), (0.5, 0.8), (0.3, 0.74)]


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page that `sparring play digits` opens, in a folder without runs and without MNIST; all faults are noted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path / "cache"))
    command = [sys.executable, "-m", "sparring", "play", "digits", "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        found = re.match("open (http://127.0.0.1:.*)", process.stdout.readline())
        assert found
        with chromium() as browser:
            page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US").new_page()
            page.set_default_timeout(60_000)
            playwright.expect.set_options(timeout=60_000)
            faults = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
            origin = found[1].split("/?")[0]
            foreign = re.compile(f"(?!{re.escape(origin)}|data:|blob:)")
            page.on("request", lambda request: faults.append(request.url) if foreign.match(request.url) else None)
            page.goto(found[1])
            yield page
            assert faults == []
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stdout.close()


def look_through(page):
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def pixels(page, selector):
    """The grey levels that a canvas shows."""
    script = f"() => [...document.querySelector('{selector}').getContext('2d').getImageData(0, 0, 28, 28).data]"
    return np.array(page.evaluate(script))[::4]


def test_digits_are_explored_and_drawn(page, tmp_path):
    expect = playwright.expect
    caption = page.locator("#explore-caption")
    expect(caption).to_contain_text("drawn in")
    assert "token" not in page.url
    expect(page.locator(".verdict").first).to_contain_text("6 (")
    first = pixels(page, ".picture")
    page.locator("#direction-0").focus()  # the sliders
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".slider output").first).to_have_text("1")
    moved = pixels(page, ".picture")
    assert np.abs(moved.astype(int) - first).max() > 50
    page.get_by_role("application", name="Plane").press("ArrowUp")
    expect(page.locator(".slider output").nth(1)).to_have_text("0.25")
    look_through(page)

    page.get_by_label("as", exact=True).fill("round")  # a direction of one's own
    page.get_by_role("group", name="Name a direction").get_by_role("button", name="Save").click()
    expect(page.get_by_role("slider", name="round")).to_be_visible()
    page.get_by_role("button", name="Keep this picture").click()
    page.get_by_role("application", name="64 samples").press("ArrowRight")
    expect(caption).to_contain_text("sample 1")
    page.get_by_role("button", name="Keep this picture").click()
    with page.expect_download() as download:  # the walk
        page.get_by_role("button", name="Save its z (.npz)").click()
    download.value.save_as(tmp_path / "walk.npz")
    walk = np.load(tmp_path / "walk.npz")["z"]
    assert walk.shape == (17, 64)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as GIF").click()
    download.value.save_as(tmp_path / "walk.gif")
    assert (tmp_path / "walk.gif").read_bytes().startswith(b"GIF89a")

    board = page.get_by_role("application", name="Drawing")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in THREE]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    expect(page.locator(".verdict").nth(1)).to_contain_text("3 (")
    expect(page.locator(".verdict").nth(1)).to_contain_text("logit")
    page.get_by_role("button", name="Find its z").click()
    expect(page.locator("#draw-step")).to_contain_text("of 200: error")
    expect(caption).to_contain_text("Found for the drawing")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Find its z")).to_be_enabled()

    page.get_by_role("button", name="Clear").click()  # the same by keys
    board.focus()
    for key in (" ", *["ArrowDown"] * 8):
        page.keyboard.press(key)
    expect(page.locator(".verdict").nth(1)).to_contain_text("1 (")
    paper = np.full((40, 40, 3), 255, np.uint8)
    paper[8:32, 18:22] = 0  # dark ink on white paper
    from PIL import Image

    Image.fromarray(paper).save(tmp_path / "one.png")
    page.get_by_label("Picture file").set_input_files(tmp_path / "one.png")
    expect(page.locator(".verdict").nth(1)).to_contain_text("1 (")
    assert pixels(page, ".seen")[0] < 20

    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", name="방향")).to_be_visible()
    page.get_by_role("button", name="어둡게").click()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#explore-caption")).to_contain_text("샘플 1")  # the address holds it
    expect(page.get_by_label("찾은 곳").locator("option").last).to_contain_text("(1)")
    look_through(page)
