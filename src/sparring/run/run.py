"""A run on disk: a folder that can be read without Sparring, and resumed with it."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from sparring import codec
from sparring.errors import InputError, MachineError
from sparring.files import read_json, write_json
from sparring.recipe import Recipe
from sparring.run import checkpoint, journal, scorebook
from sparring.run.checkpoint import Checkpoint
from sparring.run.generator import Generator
from sparring.run.scorebook import Evaluation

SCHEMA = 1
ROOT = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run's folder and what its recipe.json says."""

    path: Path
    recipe: Recipe
    seed: int
    facts: dict[str, Any]

    @classmethod
    def create(cls, out: Path | None, recipe: Recipe, seed: int, facts: dict[str, Any]) -> "Run":
        """Make the folder and write recipe.json; InputError where the folder holds something already."""
        path = out or ROOT / f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.name}-seed{seed}"
        refuse_used(path)
        try:
            for folder in ("samples", "checkpoints"):
                (path / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the run {path}: {error.strerror}; name another folder with --out") from None
        return cls(path, recipe, seed, {"schema": SCHEMA, "seed": seed, **facts}).with_recipe(recipe)

    def with_recipe(self, recipe: Recipe) -> "Run":
        """The same run under this recipe (of another length, say), written to recipe.json."""
        write_json(self.path / "recipe.json", self.facts | {"recipe": codec.encode(recipe)})
        return replace(self, recipe=recipe)

    @classmethod
    def open(cls, name: str | Path) -> "Run":
        """The run in a folder, or the newest one under runs/ for "latest"; InputError where there is none."""
        path = latest() if str(name) == "latest" else Path(name)
        if not (path / "recipe.json").is_file():
            raise InputError(f"{path} is no run: it has no recipe.json; name a folder that `sparring train` made, or latest")
        facts = read_json(path / "recipe.json")
        schema = facts.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise InputError(f"{path}/recipe.json has schema {schema}; this version reads up to {SCHEMA}: update Sparring")
        try:
            recipe = codec.decode(Recipe, facts.pop("recipe", None), "recipe")
        except InputError as error:
            hint = "; if the part is your own, name the file that registers it: --with FILE.py"
            raise InputError(f"{error}{hint if 'unknown' in str(error) else ''}") from None
        return cls(path, recipe, codec.decode(int, facts.get("seed"), "seed"), facts)

    @classmethod
    def of_checkpoint(cls, file: Path) -> "Run":
        """The run whose folder `checkpoints/` holds this file."""
        return cls.open(file.absolute().parent.parent)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (C, H, W) or (D,)."""
        return codec.decode(tuple[int, ...], self.facts.get("shape"), "shape")

    def journal(self) -> Iterator[dict[str, Any]]:
        """The events of the journal, in order."""
        return journal.read(self.path / "journal.jsonl")

    def newest_checkpoint(self) -> tuple[Checkpoint, list[str]]:
        """The newest intact checkpoint, and a sentence on each newer one that is not; InputError where none is."""
        problems = []
        for path in checkpoint.paths(self.path / "checkpoints"):
            try:
                return checkpoint.read(path), problems
            except InputError as error:
                problems.append(str(error))
        found = "; ".join(problems) or "checkpoints/ is empty: it stopped before the first was saved"
        raise InputError(f"{self.path} has no intact checkpoint ({found})")

    @cached_property
    def generator(self) -> Generator:
        """The generator of the newest intact checkpoint."""
        return self.generator_of(self.newest_checkpoint()[0])

    def generator_of(self, saved: Checkpoint) -> Generator:
        """The generator in one of the run's checkpoints."""
        prefix = "generator.network."
        weights = {name.removeprefix(prefix): t for name, t in saved.tensors.items() if name.startswith(prefix)}
        return Generator.build(self.recipe, self.shape, weights)

    def sample(self, num: int = 16, seed: int = 0) -> Tensor:
        """Generated images [num, *shape] in [-1, 1]; the same seed, the same images."""
        return self.generator.sample(num, seed)

    def scores(self) -> list[Evaluation]:
        """All evaluations, the quick ones of the training among them, in the order in which they were made."""
        return scorebook.read(self.path / "scores.jsonl")

    def frames(self) -> list[Path]:
        """The pictures of the fixed z, in order of time: what the animation is made of."""
        drawn = [event["file"] for event in self.journal() if event["event"] == "sample"]
        fixed = [self.path / file for file in drawn if re.fullmatch(r"samples/(epoch|round)_\d+\.png", file)]
        return [path for path in fixed if path.is_file()]

    def rounds(self) -> list[dict[str, Any]]:
        """What the journal holds of rounds, in order."""
        return [event for event in self.journal() if event["event"] == "round"]

    def _repr_png_(self) -> bytes | None:
        """In a notebook a run shows its newest picture."""
        frames = self.frames()
        return frames[-1].read_bytes() if frames else None


def latest(root: Path = ROOT) -> Path:
    """The run under `root` that was started last; InputError where there is none."""
    runs = [path.parent for path in root.rglob("recipe.json")]
    if not runs:
        raise InputError(f"there is no run under {root}/ yet; train one with `sparring train vanilla`")
    return max(runs, key=lambda path: (path / "recipe.json").stat().st_mtime_ns)


def has_begun(path: Path, launch: str | None) -> bool:
    """Whether a launch of several processes, now restarted, can go on with what it left here; what it cannot, it removes.

    InputError where somebody else's run is here.
    """
    if not (path / "recipe.json").is_file():
        if not any(file.is_file() for file in path.rglob("*")):
            shutil.rmtree(path, ignore_errors=True)
        return False
    if Run.open(path).facts.get("launch") != launch:
        refuse_used(path)
    if checkpoint.paths(path / "checkpoints"):
        return True
    shutil.rmtree(path)
    return False


def refuse_used(path: Path) -> None:
    """InputError unless a run may be made here: nothing there yet, or an empty folder."""
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; name a new or an empty folder with --out")
        if path.is_dir() and any(path.iterdir()):
            raise InputError(f"{path} is not empty; name a new or an empty folder with --out, or `sparring resume {path}`")
    except OSError as error:
        raise MachineError(f"cannot look into {path}: {error.strerror}") from None
