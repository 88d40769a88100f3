"""The story of a user, in a real browser: watch, move through time, start, steer, stop, fork; in both languages.

Every request to another host is refused, and each view is looked through for accessibility by axe.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from web.serving import add, make_run, rounds

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install axe-playwright-python"
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no browser: apt-get install chromium")

START = {"event": "start", "recipe": "ring", "seed": 0, "length": "200 rounds"}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def server(tmp_path):
    """The address that `sparring play` prints for two runs, one of which has a hostile name and a warning."""
    calm, bad = make_run(tmp_path / "calm", rounds(100)), make_run(tmp_path / HOSTILE, rounds(100), name=HOSTILE)
    (calm / "samples" / "round_000050.png").write_bytes((calm / "samples" / "round_000100.png").read_bytes())
    for number in (50, 100):
        place = {name: rounds(number)[-1][name] for name in ("round", "epoch", "images", "seconds")}
        add(calm, [{"event": "sample", **place, "file": f"samples/round_{number:06}.png"}])
    add(bad, [{"event": "warning", "round": 60, "cause": "collapse", "text": HOSTILE, "advice": HOSTILE}])
    command = [sys.executable, "-m", "sparring", "play", str(tmp_path), "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    found = re.match("open (http://127.0.0.1:.*)", process.stdout.readline())
    assert found
    yield found[1]
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert process.wait(20) == 0
    assert time.monotonic() - began < 5  # at once, though the page's stream is open
    process.stdout.close()


@pytest.fixture
def page(server):
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US").new_page()
        page.set_default_timeout(60_000)
        playwright.expect.set_options(timeout=60_000)
        faults, origin = [], server.split("/?")[0]

        def note(fault: str, is_one: bool = True) -> None:
            if is_one:
                faults.append(fault)

        page.on("pageerror", lambda error: note(str(error)))
        page.on(
            "console",
            lambda message: note(message.text, message.type == "error" and not re.search("400|ERR_FAILED", message.text)),
        )
        page.on("request", lambda request: note(request.url, not request.url.startswith((origin, "data:"))))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(server)
        yield page
        assert faults == []


def look_through(page) -> None:
    """No violation of WCAG 2 A and AA that axe can see, and nothing wider than the window."""
    found = axe.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
    assert found.response["violations"] == [], found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_story(page, tmp_path):
    expect = playwright.expect
    assert "token" not in page.url
    expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
    expect(page.get_by_text("G has collapsed")).to_be_visible()
    look_through(page)

    page.get_by_role("link", name="calm").click()  # watch
    expect(page.get_by_role("heading", name="Losses")).to_be_visible()
    expect(page).to_have_title(re.compile("100 · calm"))
    picture = page.locator(".pictures img")
    expect(picture).to_have_attribute("src", re.compile("round_000100"))
    page.locator(".chart summary").first.click()
    expect(page.get_by_role("columnheader", name="G's loss")).to_be_visible()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")
    expect(picture).to_have_attribute("src", re.compile("round_000050"))
    assert "t=50" in page.url
    page.get_by_label("Axis").select_option("images")
    page.keyboard.press("ArrowLeft")  # the select has the focus, and keeps its keys
    expect(picture).to_have_attribute("src", re.compile("round_000"))
    add(tmp_path / "calm", [line | {"round": 101} for line in rounds(101)[100:]])
    expect(page).to_have_title(re.compile("101 · calm"))  # by the stream
    look_through(page)

    page.get_by_role("button", name="한국어").click()
    expect(page.get_by_role("heading", name="손실")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ko"
    page.get_by_role("button", name="어둡게").click()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_role("heading", name="손실")).to_be_visible()
    look_through(page)
    page.reload()
    expect(page.get_by_label("가로축")).to_have_value("images")  # the address holds the state
    page.get_by_role("button", name="English").click()
    page.set_viewport_size({"width": 1280, "height": 800})

    page.get_by_role("link", name="New training").click()  # start
    page.get_by_label("Recipe").select_option("ring")
    page.get_by_label("Length", exact=True).first.select_option("rounds")
    page.locator("#length").fill("100000")
    page.get_by_label("batch_size").fill("0")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_have_text("batch_size is 0; it must be at least 1")
    page.get_by_label("batch_size").fill("16")
    look_through(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".badge")).to_have_text("running")

    page.get_by_label("Of", exact=True).select_option("d_lr")  # steer
    page.get_by_role("group", name="Factor").get_by_role("button", name="Set").click()
    expect(page.get_by_text("factor lr of D × 0.5")).to_be_visible()
    page.get_by_role("button", name="Checkpoint").click()
    expect(page.get_by_role("button", name="Fork or fine-tune")).to_be_visible()
    look_through(page)
    page.get_by_text("Stop and save …").click()
    page.get_by_role("button", name="Stop and save").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    (run,) = Path(tmp_path).glob("*ring*/")
    assert '"of": "d_lr", "value": 0.5' in (run / "journal.jsonl").read_text()

    page.get_by_role("button", name="Fork or fine-tune").click()  # fork
    expect(page.get_by_label("batch_size")).to_have_value("16")  # as its parent
    page.get_by_role("button", name="Check").click()
    expect(page.locator(".command")).to_contain_text("--from")

    page.route("**/api/stream*", lambda route: route.abort())  # as where the server has ended
    page.get_by_role("link", name="Sparring").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer")


def test_seeds_and_a_family(page, server, tmp_path):
    """Several seeds as mean and band, and a fork beside its parent from the fork on; by the keyboard."""
    expect = playwright.expect
    for seed, loss in enumerate((0.5, 1.5)):
        make_run(tmp_path / "pop" / f"seed{seed}", [START | {"time": f"2026-11-27T0{seed}"}, *rounds(100, g_loss=loss)])
    fork = make_run(tmp_path / "fork", [*rounds(50)])
    facts = json.loads((fork / "recipe.json").read_text())
    parent = {"run": str(tmp_path / "pop" / "seed0"), "round": 80, "started": "2026-11-27T00"}
    (fork / "recipe.json").write_text(json.dumps(facts | {"parent": parent}))

    page.get_by_role("button", name="pop: 2 seeds").click()
    expect(page.get_by_role("heading", name="pop (2 seeds)")).to_be_visible()
    legend = page.locator(".chart", has=page.get_by_role("heading", name="Losses")).locator(".legend")
    expect(legend).to_contain_text("G's loss, least to greatest 0.5 … 1.5")
    expect(legend).to_contain_text("G's loss, mean 1")
    look_through(page)

    page.get_by_role("link", name="Family tree").click()
    expect(page.get_by_role("link", name="fork, fork at round 80")).to_be_visible()
    look_through(page)
    page.get_by_role("link", name="fork, fork at round 80").press("Enter")
    expect(page.locator(".time output")).to_have_text("Round 130")  # the fork's 50 come after its parent's 80
    page.locator("#time").press("Home")
    expect(page.locator(".time output")).to_have_text("Round 80")
    expect(page.get_by_role("button", name="Replay to round")).to_be_hidden()
    look_through(page)
