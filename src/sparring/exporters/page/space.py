"""A folder that is a static Hugging Face Space: the page, and a README.md whose front matter says so."""

from pathlib import Path

from sparring.exporters.page import page
from sparring.exporters.target import Exported, Options
from sparring.exporters.trained import Trained
from sparring.storage.files import new_folder, write_atomically
from sparring.storage.yaml_text import yaml_text

CARD = """\
---
{settings}---

The generator of {name}, drawn in the browser: `index.html` holds its weights and needs no server. Made with Sparring.
"""


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write index.html and README.md to the folder `out`; raises as the page's `write`."""
    text, parity = page(trained, options)
    data = {"index.html": text.encode(), "README.md": card(trained.name, options.licence or trained.licence).encode()}
    with new_folder(out) as folder:
        for name, content in data.items():
            write_atomically(folder / name, content)
    return Exported(options.to, out, sum(map(len, data.values())), parity)


def card(name: str, licence: str | None) -> str:
    """The Space's README.md; a name can hold anything."""
    settings = {
        "title": name,
        "emoji": "🥊",
        "colorFrom": "blue",
        "colorTo": "yellow",
        "sdk": "static",
        "app_file": "index.html",
    }
    settings |= {"pinned": False} | ({"license": licence} if licence else {})
    return CARD.format(settings=yaml_text(settings), name=" ".join(name.replace("`", "'").split()))
