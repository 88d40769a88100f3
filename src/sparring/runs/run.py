"""A run on disk: a folder that can be read without Sparring, and resumed with it."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from torch import nn

from sparring.config import codec
from sparring.config.own import Own
from sparring.config.registry import UnknownPartError
from sparring.config.threads import MOST_THREADS
from sparring.errors import InputError, MachineError, check, naming
from sparring.recipe import Recipe
from sparring.runs import checkpoint, journal, scorebook, shipped, snapshots
from sparring.runs.checkpoint import Checkpoint
from sparring.runs.folders import latest
from sparring.runs.generator import SavedGenerator, sample_shape
from sparring.runs.history import History
from sparring.runs.scorebook import Evaluation
from sparring.storage import checksums, strict_json
from sparring.storage.files import check_links, json_bytes, read_json
from sparring.visual.sampler import frame_prefix
from sparring.visual.samples import Samples

SCHEMA = 1
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A run's folder, with the recipe, seed and facts from its recipe.json.

    `train`, `resume` and `load` give one. `sample` draws images; `generator` and `discriminator` are modules; `history` holds
    the journalled rounds, `scores()` the evaluations, `frames()` the pictures of the animation.
    """

    path: Path
    recipe: Recipe
    seed: int
    facts: dict[str, Any]

    @classmethod
    def create(cls, path: Path, recipe: Recipe, seed: int, facts: dict[str, Any]) -> "Run":
        """Write recipe.json to an existing folder; InputError if the folder is already in use."""
        require_empty(path)
        return cls(path, recipe, seed, {"schema": SCHEMA, "seed": seed, **facts}).with_recipe(recipe)

    def with_recipe(self, recipe: Recipe) -> "Run":
        """The same run with another recipe, such as one of another length; rewrites recipe.json."""
        self.write_file("recipe.json", json_bytes(self.facts | {"recipe": codec.encode(recipe)}))
        return replace(self, recipe=recipe)

    def write_file(self, name: str, data: bytes) -> None:
        """Write a file of the run, with its checksum."""
        checksums.write(self.path, name, data)

    @classmethod
    def open(cls, name: str | Path) -> "Run":
        """The run in a folder, or the newest one under runs/ for "latest"; InputError if there is none."""
        path = latest() if str(name) == "latest" else Path(name)
        if not (path / "recipe.json").is_file():
            if re.match(r"\w{2,}:/", str(name)):  # of hf://, a path keeps one slash
                on_hub = "of the Hugging Face Hub's, hf://user/name goes with sample, evaluate, animate --latent and export"
                raise InputError(f"{strict_json.one_line(str(name))} is no run but at most a generator; {on_hub}")
            raise InputError(f"{path} is no run: {shipped.why_no_run(path)}")
        check_links(path)
        checksums.read(path, "recipe.json")
        facts = read_json(path / "recipe.json")
        schema, where = facts.get("schema"), f"{path}/recipe.json"
        if type(schema) is not int or schema > SCHEMA:
            shown = strict_json.shown(schema)
            raise InputError(f"{where} has schema {shown}; this version reads up to {SCHEMA}: update Sparring")
        described = facts.pop("recipe", None)
        _check_facts(facts, where)
        try:
            with naming(where):
                recipe = codec.decode(Recipe, described, "recipe")
        except UnknownPartError as error:
            hint = "if the part is your own, name the file that registers it: --with FILE.py (in Python: recipes.from_file)"
            raise UnknownPartError(f"{error}; {hint}") from None
        return cls(path, recipe, codec.decode(int, facts.get("seed"), f"{where}: seed"), facts)

    @classmethod
    def of_checkpoint(cls, file: Path) -> "Run":
        """The run whose folder `checkpoints/` or `snapshots/` holds this file."""
        return cls.open(file.absolute().parent.parent)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (C, H, W) or (D,)."""
        return sample_shape(self.facts.get("shape"), f"{self.path}/recipe.json: shape")

    @property
    def num_images(self) -> int:
        """The number of training images; InputError if recipe.json does not hold it."""
        number = codec.decode(int, self.facts.get("num_images"), f"{self.path}/recipe.json: num_images")
        check(number >= 1, f"{self.path}/recipe.json: num_images", number, "be at least 1")
        return number

    def journal(self) -> Iterator[dict[str, Any]]:
        """The events of the journal, in order."""
        return journal.read(self.path / "journal.jsonl")

    def last_event(self) -> dict[str, Any]:
        """The newest event of the journal, `end` where the run has ended; {} if there is none yet."""
        return next(iter([*self.journal()][-1:]), {})

    def newest_checkpoint(self) -> tuple[Checkpoint, list[str]]:
        """The newest intact checkpoint, and a sentence about each newer damaged one; InputError if none is intact."""
        saved, problems = checkpoint.first_intact(checkpoint.paths(self.path / "checkpoints"))
        if saved is None:
            if not problems:
                raise InputError(f"{self.path} has saved no checkpoint yet; train it on with `sparring resume {self.path}`")
            raise InputError(f"{self.path} has no intact checkpoint ({'; '.join(problems)})")
        return saved, problems

    def resume_point(self) -> tuple[Checkpoint | None, list[str]]:
        """The checkpoint or recovery file to resume from (None for the very beginning), and sentences about damaged newer ones.

        Raises InputError if the run cannot be resumed.
        """
        folder = self.path / "checkpoints"
        files, recovery = checkpoint.paths(folder), checkpoint.recovery_path(folder)
        recovered, problems = checkpoint.first_intact([recovery] if recovery.exists() else [])
        if recovered:
            newer = [path for path in files if path > checkpoint.path_of(folder, recovered.info.round)]
            saved, problems = checkpoint.first_intact(newer)
            return saved or recovered, problems
        if files:
            saved, damaged = self.newest_checkpoint()
            return saved, problems + damaged
        events = [event for event in self.journal() if "best" not in event.get("file", "")]
        if any(event["event"] == "checkpoint" for event in events[:-1]):  # at the very end, a kill explains it
            raise InputError(f"the checkpoints of {self.path} are gone; restore them from a copy, or train anew")
        if isinstance(self.recipe.generator, Own) or isinstance(self.recipe.discriminator, Own):
            raise InputError(f"{self.path} was stopped before it had saved the weights of your own module; train it anew")
        if self.facts.get("start_from"):
            raise InputError(f"{self.path} was stopped before it had saved the weights that it starts from; train it anew")
        return None, problems

    def damage(self) -> Iterator[str]:
        """A sentence about every file of the run that is damaged or missing."""
        return damage_in(self.path)

    @cached_property
    def generator(self) -> SavedGenerator:
        """The generator of the newest intact checkpoint, a module: z [N, num_z] -> images [N, C, H, W] in [-1, 1].

        Damaged newer checkpoints are logged as warnings; InputError where none is intact.
        """
        saved, problems = self.newest_checkpoint()
        for problem in problems:
            _log.warning("%s; round %d is taken in its place", problem, saved.info.round)
        return self.generator_of(saved)

    @cached_property
    def raw_generator(self) -> SavedGenerator:
        """The generator with the last weights instead of their average, if the recipe keeps an average."""
        return self.generator_of(self.newest_checkpoint()[0], raw=True)

    def generator_of(self, saved: Checkpoint, raw: bool = False) -> SavedGenerator:
        """The generator in a checkpoint of the run: averaged if the recipe keeps an average and not `raw`."""
        prefix = "average." if self.recipe.average and not raw else "generator.network."
        weights = {name.removeprefix(prefix): t for name, t in saved.tensors.items() if name.startswith(prefix)}
        if not weights:  # as of a snapshot
            raise InputError(f"{saved.path} holds only the averaged weights of G, not its last ones")
        fitted = SavedGenerator.fit(self.recipe.generator, self.recipe.z, self.shape, weights, str(self.path))
        fitted.classes = tuple(self.facts.get("classes", ()))
        fitted.in_blocks = not str(self.facts.get("sparring")).startswith("0.1.")
        return fitted

    @cached_property
    def discriminator(self) -> nn.Module:
        """The discriminator of the newest intact checkpoint, in inference mode: x [N, C, H, W] in [-1, 1] -> logits [N].

        With a condition it gives [N, 1 + outputs]; with packing it takes the images of a pack side by side in their channels.
        Raises InputError where no checkpoint is intact, or it does not fit the recipe.
        """
        return checkpoint.discriminator_of(self.newest_checkpoint()[0], self.recipe, self.shape, str(self.path))

    def sample(self, num: int = 16, seed: int = 0, class_: int | None = None) -> Samples:
        """Generated images [num, *shape] in [-1, 1], of one class or of all; a seed always gives the same images."""
        return self.generator.sample(num, seed, class_).as_subclass(Samples)

    def scores(self) -> list[Evaluation]:
        """All evaluations in the order in which they were made, including the quick ones taken during training."""
        return scorebook.read(self.path)

    def frames(self) -> list[Path]:
        """The pictures of the animation in order of time, all of the same fixed z.

        If the recipe has several kinds of such pictures, its first one counts.
        """
        drawn = [event["file"] for event in self.journal() if event["event"] == "sample"]
        pattern = rf"samples/{re.escape(frame_prefix(self.recipe.pictures))}(epoch|round)_\d+\.png"
        fixed = [self.path / file for file in drawn if re.fullmatch(pattern, file)]
        return [path for path in fixed if path.is_file()]

    def newest_picture(self) -> Path | None:
        """The newest picture of the fixed z, or else of any kind; None if there is none yet."""
        drawn = self.frames() or [self.path / event["file"] for event in self.journal() if event["event"] == "sample"]
        return drawn[-1] if drawn else None

    @property
    def history(self) -> History:
        """The journalled rounds as a list of dicts, such as {"round": 50, "g_loss": 0.7, ...}; `to_pandas()` makes a table."""
        return History({name: value for name, value in event.items() if name != "event"} for event in self.rounds())

    def rounds(self) -> list[dict[str, Any]]:
        """The journal's round events, in order."""
        return [event for event in self.journal() if event["event"] == "round"]

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, recipe={self.recipe.name!r}, seed={self.seed})"

    def _repr_png_(self) -> bytes | None:
        """The newest picture of the run, which a notebook displays."""
        path = self.newest_picture()
        return path.read_bytes() if path and path.is_file() else None


@dataclass(frozen=True)
class _ParentFacts:
    run: str
    round: int
    started: str | None = None


def _check_facts(facts: Mapping[str, Any], where: str) -> None:
    """Raise InputError for a fact of the wrong type; a missing fact raises only where it is needed."""
    kinds: Mapping[str, Any] = {
        **dict.fromkeys(("data_name", "data_fingerprint", "sparring", "torch", "python", "device", "platform"), str),
        **dict.fromkeys(("num_images", "threads"), int),
        "start_from": str | None,
        "parent": _ParentFacts | None,
        "classes": tuple[str, ...],
        "flush_denormal": bool,
    }
    for name in facts.keys() & kinds.keys():
        codec.decode(kinds[name], facts[name], f"{where}: {name}")
    threads = facts.get("threads", 1)
    settings = facts.get("settings", {})
    good = isinstance(settings, dict) and all(isinstance(text, str) for text in settings.values())
    check(good, f"{where}: settings", strict_json.shown(settings), "hold texts by name")
    check(1 <= threads <= MOST_THREADS, f"{where}: threads", threads, f"lie in 1..{MOST_THREADS}")


def damage_in(path: Path) -> Iterator[str]:
    """A sentence about every file of the run in this folder that is damaged or missing."""
    yield from checksums.problems(path)
    yield from checksums.problems(path / "generator")
    folders = (path / "checkpoints", path / snapshots.FOLDER)
    files = [partial(snapshots.read, file) for folder in folders for file in checkpoint.all_paths(folder)]
    for read in (*files, lambda: list(journal.read(path / "journal.jsonl"))):
        try:
            read()
        except InputError as error:
            yield str(error)
    missing = journal.missing_lines(path / "journal.jsonl")
    if missing:
        yield f"{path}/journal.jsonl lacks its last {missing} line(s)"


def has_begun(path: Path, launch: str | None) -> bool:
    """True if this launch of several processes, now restarted, has begun a run here; InputError for another's run."""
    if not (path / "recipe.json").is_file():
        return False
    if Run.open(path).facts.get("launch") != launch:
        require_empty(path)
    return True


def require_empty(path: Path) -> None:
    """Raise InputError unless `path` does not exist or is an empty folder.

    Files left by a process that was killed before it wrote recipe.json do not count.
    """
    try:
        if path.exists() and not path.is_dir():
            raise InputError(f"{path} is a file; name a new or an empty folder with --out (in Python: out=)")
        if path.is_dir() and any(not _is_remnant(entry) for entry in path.iterdir()):
            new = "name a new or an empty folder with --out (in Python: out=)"
            raise InputError(f"{path} is not empty; {new}, or `sparring resume {path}`")
    except OSError as error:
        raise MachineError(f"cannot look into {path}: {error.strerror}") from None


def _is_remnant(entry: Path) -> bool:
    return entry.name in (".lock", checksums.NAME) or (entry.name.startswith(".recipe.json.") and entry.suffix == ".part")
