"""The story of a user, in a real browser: start `ring` from the form, watch it, slow D down, fork, compare, explore `digits`.

It begins in English and ends in Korean; every request to another host is refused.
"""

import re

import pytest

from web.pages import PATIENCE, look_through, opened, served

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")


def test_the_story(tmp_path):
    expect = playwright.expect
    expect.set_options(timeout=PATIENCE)
    with served(tmp_path) as address, opened(address) as page:
        expect(page.get_by_text("There is no run yet")).to_be_visible()
        start(page, expect)
        (parent,) = tmp_path.glob("*ring*/")
        slow_d_down(page, expect)
        assert '"of": "d_lr", "value": 0.5' in (parent / "journal.jsonl").read_text()
        page.get_by_role("button", name="한국어").click()
        fork(page, expect)
        (child,) = set(tmp_path.glob("*ring*/")) - {parent}
        compare(page, expect, parent.name, child.name)
        explore(page, expect)


def start(page, expect) -> None:
    page.get_by_role("link", name="New training").click()
    page.get_by_label("Recipe").select_option("ring")
    expect(page.get_by_text("Eight narrow modes on a circle")).to_be_visible()
    page.locator("#unit").select_option("rounds")
    page.locator("#length").fill("100000")
    page.get_by_label("batch_size").fill("0")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_have_text("batch_size is 0; it must be at least 1")
    page.get_by_label("batch_size").fill("16")
    look_through(page)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".badge")).to_have_text("running")
    expect(page.get_by_role("heading", name="Losses")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^▶ [\d,]+ · \d+-\d+-ring"))


def slow_d_down(page, expect) -> None:
    page.get_by_label("Of", exact=True).select_option("d_lr")
    page.get_by_role("group", name="Factor").get_by_role("button", name="Set").click()
    expect(page.get_by_text("factor lr of D × 0.5")).to_be_visible()
    page.get_by_role("button", name="Checkpoint").click()
    expect(page.get_by_role("button", name="Fork or fine-tune")).to_be_visible()
    look_through(page)
    page.get_by_text("Stop and save …").click()
    page.get_by_role("button", name="Stop and save").click()
    expect(page.locator(".badge")).to_have_text("stopped")


def fork(page, expect) -> None:
    page.get_by_role("button", name="갈래 만들기 또는 미세 조정").click()
    expect(page.get_by_label("batch_size")).to_have_value("16")  # as its parent
    expect(page.get_by_text("원 위의 좁은 모드 8개")).to_be_visible()
    page.get_by_label("batch_size").fill("0")
    page.get_by_role("button", name="확인").click()
    expect(page.get_by_role("alert")).to_have_text("batch_size에 0 값은 쓸 수 없습니다. 조건: 1 이상")
    page.get_by_label("batch_size").fill("32")
    page.locator("#unit").select_option("rounds")
    page.locator("#length").fill("60")
    page.get_by_role("button", name="확인").click()
    expect(page.locator(".command").last).to_contain_text("--from")
    look_through(page)
    page.get_by_role("button", name="시작").click()
    expect(page.locator(".badge")).to_have_text("완료")


def compare(page, expect, parent: str, child: str) -> None:
    """The page of a fork shows it over its parent."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(child)
    expect(page.get_by_role("heading", level=1)).to_contain_text(parent)
    losses = page.locator(".chart", has=page.get_by_role("heading", name="손실"))
    for name in (parent, child):
        expect(losses.locator(".legend")).to_contain_text(f"G 손실 · {name}")


def explore(page, expect) -> None:
    page.get_by_role("link", name="살펴보기").click()
    page.get_by_label("생성자").select_option("digits")
    slider = page.get_by_role("slider", name=re.compile("^1 "))
    expect(slider).to_be_visible()
    picture = page.locator("canvas").first
    before = picture.evaluate("canvas => canvas.toDataURL()")
    slider.fill("2")
    page.wait_for_function("before => document.querySelector('canvas').toDataURL() !== before", arg=before)
    look_through(page)
