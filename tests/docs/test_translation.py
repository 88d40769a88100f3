"""The Korean README has what the English one has, section by section: rows of tables, links, pictures, names in code."""

import re
from collections import Counter

import pytest
from blocks import ROOT

LANGUAGES = {"README.md", "README.ko.md"}
"""Each links to the other."""


def sections(document: str) -> list[str]:
    """The text under each heading; headings in blocks of code are comments."""
    parts, fenced = [""], False
    for line in (ROOT / document).read_text(encoding="utf-8").splitlines():
        fenced ^= line.startswith("```")
        if line.startswith("#") and not fenced:
            parts.append("")
        parts[-1] += line + "\n"
    return parts


PAIRS = [
    pytest.param(pair, id=pair[0].split("\n")[0]) for pair in zip(sections("README.md"), sections("README.ko.md"), strict=True)
]


@pytest.mark.parametrize("pair", PAIRS)
def test_a_section_has_the_same_rows_links_and_pictures(pair):
    english, korean = ((rows(text), links(text)) for text in pair)
    assert korean == english


@pytest.mark.parametrize("pair", PAIRS)
def test_a_section_names_the_same_code(pair):
    english, korean = (set(re.findall(r"`([^`\n]+)`", _without_blocks(text))) for text in pair)
    translated = {code: code.replace("NAME", "이름").replace("path/to/folder", "폴더") for code in english}
    assert {code for code in english if not {code, translated[code]} & korean} == set()


def rows(text: str) -> int:
    return sum(line.startswith("|") for line in _without_blocks(text).splitlines())


def links(text: str) -> Counter:
    found = re.findall(r"\]\(([^)]+)\)|<img src=\"([^\"]+)\"", _without_blocks(text))
    return Counter(target or picture for target, picture in found if target not in LANGUAGES)


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
