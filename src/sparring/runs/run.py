"""A run on disk: a folder that can be read without Sparring, and resumed with it."""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from torch import Tensor

from sparring.config import codec
from sparring.errors import InputError, MachineError, check, naming
from sparring.recipe import Recipe
from sparring.runs import checkpoint, journal, scorebook
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.generator import SavedGenerator, sample_shape
from sparring.runs.scorebook import Evaluation
from sparring.storage import checksums, strict_json
from sparring.storage.files import check_links, json_bytes, read_json
from sparring.visual.sampler import frame_prefix

SCHEMA = 1
MOST_THREADS = 4096
_log = logging.getLogger(__name__)
ROOT = Path("runs")


@dataclass(frozen=True)
class Run:
    """A run's folder and what its recipe.json says."""

    path: Path
    recipe: Recipe
    seed: int
    facts: dict[str, Any]

    @classmethod
    def create(cls, path: Path, recipe: Recipe, seed: int, facts: dict[str, Any]) -> "Run":
        """Write recipe.json into a folder that is there, and nobody else's; InputError where it holds something already."""
        refuse_used(path)
        return cls(path, recipe, seed, {"schema": SCHEMA, "seed": seed, **facts}).with_recipe(recipe)

    def with_recipe(self, recipe: Recipe) -> "Run":
        """The same run under this recipe (of another length, say), written to recipe.json."""
        self.put("recipe.json", json_bytes(self.facts | {"recipe": codec.encode(recipe)}))
        return replace(self, recipe=recipe)

    def put(self, name: str, data: bytes) -> None:
        """Write a file of the run, with its checksum."""
        checksums.write(self.path, name, data)

    @classmethod
    def open(cls, name: str | Path) -> "Run":
        """The run in a folder, or the newest one under runs/ for "latest"; InputError where there is none."""
        path = latest() if str(name) == "latest" else Path(name)
        if not (path / "recipe.json").is_file():
            raise InputError(f"{path} is no run: it has no recipe.json; name a folder that `sparring train` made, or latest")
        check_links(path)
        checksums.read(path, "recipe.json")
        facts = read_json(path / "recipe.json")
        schema, where = facts.get("schema"), f"{path}/recipe.json"
        if type(schema) is not int or schema > SCHEMA:
            shown = strict_json.shown(schema)
            raise InputError(f"{where} has schema {shown}; this version reads up to {SCHEMA}: update Sparring")
        try:
            with naming(where):
                recipe = codec.decode(Recipe, facts.pop("recipe", None), "recipe")
        except InputError as error:
            hint = "; if the part is your own, name the file that registers it: --with FILE.py"
            raise InputError(f"{error}{hint if 'unknown' in str(error) else ''}") from None
        _check_facts(facts, where)
        return cls(path, recipe, codec.decode(int, facts.get("seed"), f"{where}: seed"), facts)

    @classmethod
    def of_checkpoint(cls, file: Path) -> "Run":
        """The run whose folder `checkpoints/` holds this file."""
        return cls.open(file.absolute().parent.parent)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (C, H, W) or (D,)."""
        return sample_shape(self.facts.get("shape"), f"{self.path}/recipe.json: shape")

    @property
    def num_images(self) -> int:
        """How many images it trains on; InputError where recipe.json does not say."""
        number = codec.decode(int, self.facts.get("num_images"), f"{self.path}/recipe.json: num_images")
        check(number >= 1, f"{self.path}/recipe.json: num_images", number, "be at least 1")
        return number

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

    def resume_point(self) -> tuple[Checkpoint | None, list[str]]:
        """Where training goes on, None for the very beginning, and what is damaged; InputError where it cannot go on."""
        if checkpoint.paths(self.path / "checkpoints"):
            return self.newest_checkpoint()
        events = [event for event in self.journal() if "best" not in event.get("file", "")]
        if any(event["event"] == "checkpoint" for event in events[:-1]):  # behind the last one a kill explains it
            raise InputError(f"the checkpoints of {self.path} are gone; restore them from a copy, or train anew")
        if self.facts.get("start_from"):
            raise InputError(f"{self.path} was stopped before it had saved the weights that it starts from; train it anew")
        return None, []

    def damage(self) -> Iterator[str]:
        """A sentence on every file of the run that is not what was written, or is gone."""
        yield from checksums.problems(self.path)
        yield from checksums.problems(self.path / "generator")
        files = [partial(checkpoint.read, path) for path in checkpoint.all_paths(self.path / "checkpoints")]
        for read in (*files, lambda: list(self.journal())):
            try:
                read()
            except InputError as error:
                yield str(error)
        missing = journal.missing_lines(self.path / "journal.jsonl")
        if missing:
            yield f"{self.path}/journal.jsonl lacks its last {missing} line(s)"

    @cached_property
    def generator(self) -> SavedGenerator:
        """The generator of the newest intact checkpoint; a newer one that is damaged is told to the log."""
        saved, problems = self.newest_checkpoint()
        for problem in problems:
            _log.warning("%s; round %d is taken in its place", problem, saved.info.round)
        return self.generator_of(saved)

    @cached_property
    def raw_generator(self) -> SavedGenerator:
        """As `generator`, with the weights that were trained last, where an average of them is what is shown."""
        return self.generator_of(self.newest_checkpoint()[0], raw=True)

    def generator_of(self, saved: Checkpoint, raw: bool = False) -> SavedGenerator:
        """The generator in one of the run's checkpoints: the averaged one, where there is one, unless `raw`."""
        prefix = "average." if self.recipe.average and not raw else "generator.network."
        weights = {name.removeprefix(prefix): t for name, t in saved.tensors.items() if name.startswith(prefix)}
        return SavedGenerator.fit(self.recipe.generator, self.recipe.z, self.shape, weights, str(self.path))

    def sample(self, num: int = 16, seed: int = 0, class_: int | None = None) -> Tensor:
        """Generated images [num, *shape] in [-1, 1], of one class or of any; the same seed, the same images."""
        return self.generator.sample(num, seed, class_)

    def scores(self) -> list[Evaluation]:
        """All evaluations, the quick ones of the training among them, in the order in which they were made."""
        return scorebook.read(self.path)

    def frames(self) -> list[Path]:
        """The pictures that show the same again and again, in order of time: what the animation is made of.

        Of several kinds, the one that the recipe names first.
        """
        drawn = [event["file"] for event in self.journal() if event["event"] == "sample"]
        pattern = rf"samples/{re.escape(frame_prefix(self.recipe.pictures))}(epoch|round)_\d+\.png"
        fixed = [self.path / file for file in drawn if re.fullmatch(pattern, file)]
        return [path for path in fixed if path.is_file()]

    def rounds(self) -> list[dict[str, Any]]:
        """What the journal holds of rounds, in order."""
        return [event for event in self.journal() if event["event"] == "round"]

    def _repr_png_(self) -> bytes | None:
        """In a notebook a run shows its newest picture."""
        frames = self.frames()
        return frames[-1].read_bytes() if frames else None


def _check_facts(facts: Mapping[str, Any], where: str) -> None:
    """InputError for a fact of another kind than its name promises; that one is missing is told where it is needed."""
    kinds: Mapping[str, Any] = {
        **dict.fromkeys(("data_name", "data_fingerprint", "sparring", "torch", "python", "device", "platform"), str),
        **dict.fromkeys(("num_images", "threads"), int),
        "start_from": str | None,
        "flush_denormal": bool,
    }
    for name in facts.keys() & kinds.keys():
        codec.decode(kinds[name], facts[name], f"{where}: {name}")
    threads = facts.get("threads", 1)
    check(1 <= threads <= MOST_THREADS, f"{where}: threads", threads, f"lie in 1..{MOST_THREADS}")


def place(out: str | Path | None, recipe: Recipe, seed: int) -> Path:
    """Where a new run goes: the folder that the user names, which must hold nothing yet, or one under runs/."""
    path = Path(out) if out is not None else ROOT / f"{time.strftime('%Y%m%d-%H%M%S')}-{recipe.name}-seed{seed}"
    refuse_used(path)
    return path


def latest(root: Path = ROOT) -> Path:
    """The run under `root` that was started last; InputError where there is none."""
    runs = [path.parent for path in root.rglob("recipe.json") if path.is_file()]
    if not runs:
        raise InputError(f"there is no run under {root}/ yet; train one with `sparring train vanilla`")
    return max(runs, key=lambda path: (path / "recipe.json").stat().st_mtime_ns)


def has_begun(path: Path, launch: str | None) -> bool:
    """Whether a launch of several processes, now restarted, has begun a run here; InputError where it is somebody else's."""
    if not (path / "recipe.json").is_file():
        return False
    if Run.open(path).facts.get("launch") != launch:
        refuse_used(path)
    return True


def refuse_used(path: Path) -> None:
    """InputError unless a run may be made here: nothing there yet, or an empty folder.

    What a process leaves that was killed before it had written recipe.json counts as nothing.
    """
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; name a new or an empty folder with --out")
        if path.is_dir() and any(not _is_remnant(entry) for entry in path.iterdir()):
            raise InputError(f"{path} is not empty; name a new or an empty folder with --out, or `sparring resume {path}`")
    except OSError as error:
        raise MachineError(f"cannot look into {path}: {error.strerror}") from None


def _is_remnant(entry: Path) -> bool:
    return entry.name in (".lock", checksums.NAME) or (entry.name.startswith(".recipe.json.") and entry.suffix == ".part")
