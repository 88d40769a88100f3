"""The trained generators that come with the package, each in a folder NAME-HASH; the hash is that of the weights' file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparring.storage.files import read_json

FOLDER = Path(__file__).parent / "pretrained"


@dataclass(frozen=True)
class ShippedGenerator:
    """A generator's folder, with its label (name and hash) and what its config.json says of it."""

    path: Path
    facts: dict[str, Any]

    @property
    def label(self) -> str:
        """Name and the first 8 digits of the SHA-256 of its weights, such as "digits-1a2b3c4d"."""
        return self.path.name

    @property
    def name(self) -> str:
        return self.label.rpartition("-")[0]

    @property
    def score_text(self) -> str:
        """Its first score with the interval, such as "frechet distance 0.061 (0.055 to 0.067)"."""
        score = self.facts["scores"][0]
        interval = "" if score["low"] is None else f" ({score['low']:.3g} to {score['high']:.3g})"
        return f"{score['metric'].replace('_', ' ')} {score['value']:.3g}{interval}"

    def described(self) -> dict[str, Any]:
        """What `sparring generators --json` prints of it."""
        facts = {name: self.facts.get(name, []) for name in ("summary", "shape", "classes", "license", "made", "scores")}
        return {"name": self.name, "generator": self.label, **facts, "path": str(self.path)}


def generators() -> list[ShippedGenerator]:
    """All generators that come with the package, by name."""
    return [ShippedGenerator(path.parent, read_json(path)) for path in sorted(FOLDER.glob("*/config.json"))]


def labels() -> list[str]:
    """Their labels, without a look into the files."""
    return sorted(path.parent.name for path in FOLDER.glob("*/config.json"))


def names() -> list[str]:
    """Their names, without the hashes."""
    return [label.rpartition("-")[0] for label in labels()]


def folder_of(name: str) -> Path | None:
    """The folder of the generator of this name or label; None if none has it."""
    return next((FOLDER / label for label in labels() if name in (label, label.rpartition("-")[0])), None)


def resolved(place: str | Path) -> Path:
    """The path itself, or the folder of the generator of this name where nothing lies at such a path."""
    path = Path(place)
    return path if path.exists() else folder_of(str(place)) or path


def is_shipped(path: Path) -> bool:
    """True for the folder of a generator that comes with the package."""
    return path.parent == FOLDER


def why_no_run(path: Path) -> str:
    """The rest of a sentence about a path or a name that is no run's: what it is in its place, and what would be one."""
    from sparring.evaluation import extractors  # it imports PyTorch, which a list of the generators does not need

    wanted = "name a folder that `sparring train` made, or latest"
    if path.exists():
        return f"it has no recipe.json; {wanted}"
    if folder_of(str(path)):
        return f"it is a generator that comes with the package; {wanted}"
    if path.name in (own.stem for own in extractors.files()):
        return f"it is an extractor, which scores generators and draws nothing; the generators are {', '.join(names())}"
    return f"there is no such folder; {wanted}, or a generator that comes with the package: {', '.join(names())}"
