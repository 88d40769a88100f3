"""A folder that is a static Hugging Face Space: the page, and a README.md whose front matter says so."""

import json
from pathlib import Path

from sparring.exporters.page import page
from sparring.exporters.target import Exported, Options
from sparring.exporters.trained import Trained
from sparring.storage.files import make_folder, write_atomically

CARD = """\
---
title: {title}
emoji: 🥊
colorFrom: blue
colorTo: yellow
sdk: static
app_file: index.html
pinned: false{licence}
---

The generator of {name}, drawn in the browser: `index.html` holds its weights and needs no server. Made with Sparring.
"""


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write index.html and README.md to the folder `out`; raises as the page's `write`."""
    text, parity = page(trained, options)
    data = {"index.html": text.encode(), "README.md": card(trained.name, options.licence or trained.licence).encode()}
    make_folder(out)
    for name, content in data.items():
        write_atomically(out / name, content)
    return Exported(options.to, out, sum(map(len, data.values())), parity)


def card(name: str, licence: str | None) -> str:
    """The Space's README.md; JSON strings are YAML strings, so that a name can hold anything."""
    line = f"\nlicense: {json.dumps(licence)}" if licence else ""
    words = " ".join(name.replace("`", "'").split())
    return CARD.format(title=json.dumps(name), licence=line, name=words)
