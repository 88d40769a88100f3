"""The page of a comparison: whole, well formed, and in need of nothing else; and the plots that are made for it."""

from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from sparring.visual import decode_png, encode_png
from sparring.visual.figure import BLUE, COLOURS, GREY, VERMILION
from sparring.visual.report import Cell, Entry, Picture, Remark, Report, key, render
from sparring.visual.traces import lines_plot, probabilities_plot, scores_plot

VOID = {"meta", "img"}
EVIL = '<b onclick="x">&amp;</b>'


class Page(HTMLParser):
    """Notes every element, and fails on one that is not closed where it should be."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]


def png(width: int, height: int) -> bytes:
    return encode_png(Image.new("L", (width, height), 128))


def entry(letter: str, evaluation: str | None = None) -> Entry:
    frames = [Picture(png(484, 484), "epoch 1", sharp=True), None]
    remarks = [Remark("round 5", EVIL, EVIL, EVIL)]
    return Entry(
        letter, f"{EVIL}{letter}", {"recipe": EVIL, "seed": "0"}, frames, remarks, evaluation, f"sparring evaluate {EVIL}"
    )


REPORT = Report(
    entries=[entry("A"), entry("B", "evaluation at round 5")],
    settings=[(EVIL, [Cell(EVIL), None])],
    moments=["about 5 images", "the last"],
    like=["A and B"],
    plots=[Picture(png(800, 450), EVIL)],
    scores=[(EVIL, [Cell("1.0", "0.9 to 1.1"), Cell("2.0", "", "differs from A by 1.0", "differs"), Cell("0.1"), None])],
    shares=[("0", [Cell("0.1"), None, None, None])],
    protocol=EVIL,
    quick=True,
    groups=["A, B"],
    group_scores=[("recall", [Cell("0.5")])],
    command_line=f"sparring compare {EVIL}",
    version="1.2.3",
)
BARE = replace(
    REPORT,
    entries=[replace(e, frames=[], remarks=[]) for e in REPORT.entries],
    settings=[],
    moments=[],
    like=[],
    plots=[],
    scores=[],
    shares=[],
    groups=[],
    group_scores=[],
)


@pytest.mark.parametrize("report", [REPORT, BARE])
def test_the_page_is_well_formed_and_needs_nothing_else(report):
    text = render(report)
    assert text.startswith("<!doctype html>")
    page = Page(text)
    assert not page.all("script") + page.all("link") + page.all("a") + page.all("iframe")
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))
    assert not any(name in ("href", "srcset", "srcdoc") or name.startswith("on") for _, a in page.elements for name in a)
    assert "url(" not in text
    assert "@import" not in text
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_pictures_arrive_whole_and_are_named():
    images = Page(render(REPORT)).all("img")
    assert [image["alt"] for image in images] == ["epoch 1", "epoch 1", EVIL]
    assert b64decode((images[0]["src"] or "").partition(",")[2]) == png(484, 484)
    assert [image["class"] for image in images] == ["sharp", "sharp", "drawn"]


@pytest.mark.parametrize(("size", "shown"), [(484, 242), (244, 244), (260, 260), (261, 130), (800, 200), (28, 28)])
def test_pixels_stay_whole(size, shown):
    assert Picture(png(size, size), "").shown == (shown, shown)


def test_all_text_is_text():
    assert EVIL not in render(REPORT)
    assert render(REPORT).count("&lt;b onclick=&#34;x&#34;&gt;&amp;amp;&lt;/b&gt;") >= 16


def test_tables_have_a_cell_for_every_column():
    page = render(REPORT)
    for rows in (table.split("</tr>")[:-1] for table in page.split("<table>")[1:]):
        counts = {row.count("<td>") + row.count("<th ") for row in rows}
        assert len(counts) == 1


@pytest.mark.parametrize(
    "words",
    ["prefers-color-scheme: dark", "image-rendering: pixelated", "overflow-x: auto", "width=device-width", "Sparring 1.2.3"],
)
def test_phones_nights_and_pixels_are_thought_of(words):
    assert words in render(REPORT)


def test_a_bare_report_says_what_is_missing():
    text = render(BARE)
    for words in ("None differ:", "no such pictures yet", "Nothing has been written", "None of these runs", "Nothing.</p>"):
        assert words in text


def test_keys_look_like_the_lines():
    assert key(1) == f"border-top: 3px solid {VERMILION}"
    assert key(len(COLOURS)) == f"border-top: 3px dashed {BLUE}"


# Plots


def count(picture: bytes, colour: str) -> int:
    pixels = np.asarray(decode_png(picture).convert("RGB")).astype(int)
    return int((np.abs(pixels - np.array(list(bytes.fromhex(colour[1:])))).max(axis=2) <= 6).sum())


def test_lines_without_points_keep_their_colours():
    for picture in (
        lines_plot("t", "y", {"A": ([], []), "B": ([1, 2], [3, 4])}, "x"),
        probabilities_plot("t", {"A": ([], []), "B": ([1, 2], [0.3, 0.4])}, "x"),
        scores_plot("t", "y", {"A": ([], []), "B": ([1, 2], [3, 4])}, "x", None),
    ):
        assert count(picture, VERMILION) > 200
        assert count(picture, BLUE) == 0


def test_the_seventh_line_is_dashed():
    nothing = {str(i): ([], []) for i in range(len(COLOURS))}
    solid, dashed = ({**empty, "last": ([0, 9], [1, 9])} for empty in ({}, nothing))
    assert 0.4 < count(lines_plot("t", "y", dashed, "x"), BLUE) / count(lines_plot("t", "y", solid, "x"), BLUE) < 0.9


def test_scores_are_drawn_on_a_logarithmic_axis_with_their_floor():
    lines = {"A": ([1, 2, 3], [100.0, 10.0, 1.0])}
    with_floor = scores_plot("t", "y", lines, "x", 0.5)
    assert count(with_floor, GREY) > 400
    assert count(scores_plot("t", "y", lines, "x", None), GREY) < 100
    assert count(scores_plot("t", "y", lines, "x", 0.0), GREY) < 100
    pixels = np.asarray(decode_png(with_floor).convert("RGB")).astype(int)
    blue = np.abs(pixels - np.array(list(bytes.fromhex(BLUE[1:])))).max(axis=2) <= 6
    heights = [np.nonzero(blue[:350, x])[0].mean() for x in np.nonzero(blue[:350].any(0))[0]]
    middle = heights[len(heights) // 2]
    assert middle == pytest.approx((heights[0] + heights[-1]) / 2, abs=5)  # a straight line


@pytest.mark.parametrize("values", [[25.0, 37.0], [3.0, 3.0], [1e-3, 1e5], [-1.0, 2.0], [-1.0, 0.0], [float("inf"), 2.0]])
def test_any_scores_can_be_drawn(values):
    assert decode_png(scores_plot("t", "y", {"A": ([1, 2], values)}, "x", None)).size == (800, 450)
