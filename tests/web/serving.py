"""Runs as files, made without a training, and clients of a server that shows them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from sparring.web.app import make_app
from sparring.web.run_index import RunIndex
from sparring.web.safety import Access

TOKEN = "the-token"
PORT = 8451
BASE = f"http://127.0.0.1:{PORT}"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c636060606000000005000167a6e3fb0000000049454e44ae426082"
)


def rounds(num: int, **numbers: float) -> list[dict[str, Any]]:
    """Lines of the first rounds."""
    fixed = {"g_loss": 0.5, "d_loss": 1.5, "d_real": 0.6, "d_fake": 0.4} | numbers
    return [
        {"event": "round", "round": r, "epoch": 1 + r // 100, "images": 64 * r, "seconds": r / 10, **fixed}
        for r in range(1, num + 1)
    ]


def make_run(path: Path, events: Iterable[dict[str, Any]] = (), name: str = "ring") -> Path:
    """A run's folder with a recipe, a journal and one picture."""
    (path / "samples").mkdir(parents=True)
    length = {"epochs": None, "images": None, "rounds": 200, "minutes": None}
    recipe = {"name": name, "length": length}
    (path / "recipe.json").write_text(json.dumps({"schema": 1, "num_images": 6400, "recipe": recipe, "shape": [2]}))
    add(path, events)
    (path / "samples" / "round_000100.png").write_bytes(PNG)
    return path


def add(path: Path, events: Iterable[dict[str, Any]]) -> None:
    """Append lines to the journal."""
    with (path / "journal.jsonl").open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(event) + "\n" for event in events)


def client(root: Path, access: Access | None = None, **options: Any) -> TestClient:
    """A browser that has opened the address with the token."""
    access = access or Access(TOKEN, PORT)
    found = TestClient(make_app(RunIndex(root), access), base_url=BASE, follow_redirects=False, **options)
    found.cookies.set(access.cookie, access.token)
    return found
