"""A Korean document has what the English one has, section by section: rows of tables, links, pictures, names in code."""

import re
from collections import Counter

import pytest
from blocks import ROOT, TRANSLATIONS

_NAMES = [name.rpartition("/")[2] for pair in TRANSLATIONS.items() for name in pair]
LANGUAGES = {*_NAMES, *(f"ko/{name}" for name in _NAMES)}
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
    pytest.param(pair, id=f"{korean} {pair[0].split(chr(10))[0]}")
    for korean, english in TRANSLATIONS.items()
    for pair in zip(sections(english), sections(korean), strict=True)
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
    named = ((target or picture).removeprefix("../") for target, picture in found)
    return Counter(name for name in named if name not in LANGUAGES)


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
