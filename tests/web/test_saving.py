"""The saved page: one file that shows what was seen, without scripts and requests, in both languages."""

import re

import pytest

import sparring
from browser import chromium
from web.serving import add, make_run, rounds

HOSTILE = """<img src=x onerror=alert(1)>"'</style></title></head><script>alert(2)</script>"""
LOOKS = {"en": ("light", "Losses", "G's loss"), "ko": ("dark", "손실", "G 손실")}


@pytest.fixture
def hostile_run(tmp_path):
    """A run whose name, recipe, warnings, score and end want to be markup."""
    run = make_run(tmp_path / HOSTILE.replace("/", "∕"), rounds(100), name=HOSTILE)
    place = {name: rounds(100)[-1][name] for name in ("round", "epoch", "images", "seconds")}
    warnings = [
        {"event": "warning", "cause": cause, "text": HOSTILE, "advice": HOSTILE, **place} for cause in ("collapse", HOSTILE)
    ]
    score = {"event": "score", **place, "headline": HOSTILE, HOSTILE: 3.0}
    steer = {"event": "steer", **place, "order": HOSTILE, "of": HOSTILE, "refused": HOSTILE}
    sample = {"event": "sample", **place, "file": "samples/round_000100.png"}
    add(run, [*warnings, score, steer, sample, {"event": "end", "round": 100, "ending": "finished", "reason": HOSTILE}])
    return run


def test_what_is_seen_becomes_one_file(hostile_run, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with chromium() as browser, sparring.play(hostile_run, port=0, browser=False) as page:
        for lang, (look, heading, column) in LOOKS.items():
            window = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
            window.set_default_timeout(60_000)
            window.goto(f"{page.url}&lang={lang}&look={look}")
            window.get_by_role("heading", name=heading).wait_for()
            window.locator(".pictures img").wait_for()
            playwright.expect(window.locator(".pictures img")).to_have_js_property("naturalWidth", 1)
            with window.expect_download() as download:
                window.get_by_role("button", name={"en": "Save this page", "ko": "이 화면 저장"}[lang]).click()
            assert re.fullmatch(r"sparring-100-img-src-[\w-]+\.html", download.value.suggested_filename)
            download.value.save_as(tmp_path / f"{lang}.html")
            check(browser, tmp_path / f"{lang}.html", lang, heading, column)


def check(browser, path, lang, heading, column) -> None:
    """Open the file without a network; a script, a request or a message would be a fault."""
    window = browser.new_context(offline=True, java_script_enabled=True).new_page()
    faults = []
    window.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
    window.on("console", lambda message: faults.append(message.text))
    window.on("request", lambda request: request.url.startswith(("file:", "data:image/png;")) or faults.append(request.url))
    window.goto(path.as_uri())
    window.get_by_role("heading", name=heading).wait_for()
    assert window.evaluate("document.documentElement.lang") == lang
    assert window.locator("script, link, a, iframe, input, button, [onerror], [style]").count() == 0
    assert "default-src 'none'" in (window.locator("meta[http-equiv]").get_attribute("content") or "")
    shown = window.locator("main").inner_text()
    assert shown.count("<script>alert(2)</script>") >= 7  # name, recipe, reason, two warnings, score, order
    assert window.title().endswith(HOSTILE.replace("/", "∕"))
    charts = window.locator(".chart")
    assert charts.count() == 3
    assert charts.locator("img").count() == charts.locator("table").count() == 3
    assert window.evaluate("[...document.images].every((image) => image.naturalWidth > 0 && image.hasAttribute('alt'))")
    window.get_by_text(re.compile("Data table|데이터 표")).nth(1).click()  # tables open without a script
    assert window.get_by_role("columnheader", name=column).is_visible()
    assert window.get_by_role("row", name="0.5").count() >= 100
    assert faults == []
    window.close()
