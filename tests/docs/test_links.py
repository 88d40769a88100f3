"""Links between the documents: the files and the headings that they name are there."""

import re

import pytest
from blocks import DOCUMENTS, ROOT


@pytest.mark.parametrize("document", [*DOCUMENTS, "CHANGELOG.md", "benchmarks/README.md"])
def test_links_lead_somewhere(document):
    targets = re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', _text(ROOT / document))
    missing = [
        link for pair in targets for link in pair if link and not link.startswith("http") and not _is_there(document, link)
    ]
    assert missing == []


def _is_there(document: str, link: str) -> bool:
    name, _, heading = link.partition("#")
    path = (ROOT / document).parent / name if name else ROOT / document
    return path.exists() and (not heading or heading in _headings(path))


def _headings(path) -> set[str]:
    """As GitHub turns headings into anchors."""
    found = re.findall(r"^#+ (.*)$", _text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def _text(path) -> str:
    """Without blocks of code."""
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
