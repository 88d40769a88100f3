"""One visit to a GPU: its device, its time, and the file that every finding goes to at once."""

import hashlib
import json
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

import sparring
from sparring import recipes
from sparring.api.resolve import resolve
from sparring.data.folder.picture_folder import PictureFolder
from sparring.data.sets import Dataset, ImageSet
from sparring.recipe import Recipe
from sparring.training.engine import Engine
from tiny import VARIANTS

T = TypeVar("T")

MAIN = ("flash", "vanilla", "dcgan", "r3", "photo", "sngan")
NAMES = (*MAIN, *sorted(set(recipes.names()) - set(MAIN)), *VARIANTS)


@dataclass
class Visit:
    """The device, the folder of the findings, and the seconds that the visit may take; `few`: a rehearsal, of little of all."""

    out: Path
    device: torch.device
    seconds: float
    few: bool = False
    num_errors: int = 0
    is_cut: bool = False  # for lack of time
    began: float = field(default_factory=time.monotonic)

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return self.seconds - (time.monotonic() - self.began)

    def within(self, seconds: float, items: Iterable[T], few: int = 1) -> Iterator[T]:
        """The items, as long as more than these seconds remain; in a rehearsal the first `few`, however long they take."""
        for number, item in enumerate(items):
            if self.few and number >= few:
                return
            if self.left < seconds and not self.few:
                self.is_cut = True
                return
            yield item

    def tell(self, section: str, **facts: Any) -> None:
        """Print a finding, and add it to found.jsonl."""
        at = round(time.monotonic() - self.began, 1)
        line = json.dumps({"section": section, "at": at, **facts}, default=str)
        print(line, flush=True)
        with (self.out / "found.jsonl").open("a") as file:
            file.write(line + "\n")

    @contextmanager
    def telling(self, section: str, **facts: Any) -> Iterator[dict[str, Any]]:
        """Tell the finding that the block fills; an error in the block is told with it, and goes no further."""
        start = time.monotonic()
        try:
            yield facts
        except Exception as error:
            self.num_errors += 1
            facts["error"] = f"{type(error).__name__}: {str(error)[:500]}"
            calls = traceback.extract_tb(error.__traceback__)[-6:]
            facts["where"] = [f"{Path(call.filename).name}:{call.lineno}:{call.name}" for call in calls]
        self.tell(section, **facts, seconds=round(time.monotonic() - start, 2))

    def synchronize(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.is_cuda:
            torch.cuda.synchronize()


def code() -> str:
    """A digest of the package's Python files."""
    files = sorted(Path(sparring.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def known_sections(found: Path, machine: dict[str, Any]) -> set[str]:
    """The sections that an earlier visit, of which a file in this folder tells, has done in full on such a machine."""
    known = set()
    for file in found.glob("*.jsonl"):
        is_alike = False
        for one in map(json.loads, file.read_text().splitlines()):
            if one["section"] == "machine":
                is_alike = all(one.get(name) == machine[name] for name in ("code", "torch", "device"))
            elif one["section"] == "section" and is_alike and one.get("in_full"):
                known.add(one["name"])
    return known


def recipe_of(name: str, pixels: int | None = None, **changes: Any) -> Recipe:
    """A recipe or variant by name, with some fields replaced; `pixels`: of coloured pictures in place of its own data."""
    changes |= {"data": PictureFolder("", size=pixels, channels=3)} if pixels else {}
    base, settings = VARIANTS.get(name, (name, {}))
    return replace(resolve(recipes.get(base), settings), **changes)


def data_of(recipe: Recipe) -> Dataset:
    """The recipe's training data; for a folder of pictures, random ones of its size."""
    data = recipe.data
    return _pictures(data.size or 64) if isinstance(data, PictureFolder) else _loaded(data)


@cache
def _pictures(size: int) -> ImageSet:
    rng = torch.Generator().manual_seed(0)
    return ImageSet(torch.randint(0, 256, (2000, 3, size, size), dtype=torch.uint8, generator=rng))


@cache
def _loaded(data: Any) -> Dataset:
    return data.train()


def engine_of(name: str, device: torch.device, fast: bool = True, graphed: bool | None = None, **changes: Any) -> Engine:
    """An engine of this recipe or variant, seed 0; some fields of the recipe may be replaced."""
    recipe = recipe_of(name, **changes)
    return Engine.build(recipe, data_of(recipe), 0, device, fast=fast, graphed=graphed)
