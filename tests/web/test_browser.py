"""Watching in a real browser: the list, a run, moving through time; both languages, light and dark, window and phone."""

import json
import re

import pytest

from web.pages import PATIENCE, look_through, opened, served
from web.serving import add, make_run, rounds

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

START = {"event": "start", "recipe": "ring", "seed": 0, "length": "200 rounds"}
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def runs(tmp_path):
    """Two runs, one of which has a hostile name and a warning."""
    calm, bad = make_run(tmp_path / "calm", rounds(100)), make_run(tmp_path / HOSTILE, rounds(100), name=HOSTILE)
    (calm / "samples" / "round_000050.png").write_bytes((calm / "samples" / "round_000100.png").read_bytes())
    for number in (50, 100):
        place = {name: rounds(number)[-1][name] for name in ("round", "epoch", "images", "seconds")}
        add(calm, [{"event": "sample", **place, "file": f"samples/round_{number:06}.png"}])
    add(bad, [{"event": "warning", "round": 60, "cause": "collapse", "text": HOSTILE, "advice": HOSTILE}])
    return tmp_path


def test_watching(runs):
    expect = playwright.expect
    expect.set_options(timeout=PATIENCE)
    with served(runs) as address, opened(address) as page:
        assert "token" not in page.url
        expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
        expect(page.get_by_text("G has collapsed")).to_be_visible()
        look_through(page)

        page.get_by_role("link", name="calm").click()
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
        add(runs / "calm", [line | {"round": 101} for line in rounds(101)[100:]])
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

        page.route("**/api/stream*", lambda route: route.abort())  # as where the server has ended
        page.get_by_role("link", name="Sparring").click()
        expect(page.get_by_role("alert")).to_contain_text("does not answer")


def test_seeds_and_a_family(tmp_path):
    """Several seeds as mean and band, and a fork beside its parent from the fork on; by the keyboard."""
    expect = playwright.expect
    expect.set_options(timeout=PATIENCE)
    for seed, loss in enumerate((0.5, 1.5)):
        make_run(tmp_path / "pop" / f"seed{seed}", [START | {"time": f"2026-11-27T0{seed}"}, *rounds(100, g_loss=loss)])
    fork = make_run(tmp_path / "fork", [*rounds(50)])
    facts = json.loads((fork / "recipe.json").read_text())
    parent = {"run": str(tmp_path / "pop" / "seed0"), "round": 80, "started": "2026-11-27T00"}
    (fork / "recipe.json").write_text(json.dumps(facts | {"parent": parent}))

    with served(tmp_path) as address, opened(address) as page:
        page.get_by_role("button", name="pop: 2 seeds").click()
        expect(page.get_by_role("heading", name="pop (2 seeds)")).to_be_visible()
        legend = page.locator(".chart", has=page.get_by_role("heading", name="Losses")).locator(".legend")
        expect(legend).to_contain_text("G's loss, least to greatest 0.5 … 1.5")
        expect(legend).to_contain_text("G's loss, mean 1")
        look_through(page)

        page.get_by_role("link", name="Family tree").click()
        expect(page.get_by_role("link", name="fork, fork at round 80")).to_be_visible()
        look_through(page)
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save this page").click()
        assert saved.value.suggested_filename == "sparring.html"
        text = saved.value.path().read_text(encoding="utf-8")
        assert "<svg" in text
        assert re.findall(r"<(?:a|script)\b", text) == []
        page.get_by_role("link", name="fork, fork at round 80").press("Enter")
        expect(page.locator(".time output")).to_have_text("Round 130")  # the fork's 50 come after its parent's 80
        page.locator("#time").press("Home")
        expect(page.locator(".time output")).to_have_text("Round 80")
        expect(page.get_by_role("button", name="Replay to round")).to_be_hidden()
        look_through(page)
