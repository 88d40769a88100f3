"""Extractors: networks that map images to features and class logits.

They are classifiers that Sparring trained, or optionally Inception. Scores by different extractors are never compared.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import torch

from sparring.config import codec, registry
from sparring.data import Data
from sparring.data.sets import Dataset, ImageSet, Progress
from sparring.errors import InputError
from sparring.evaluation.extractors import classifier_extractor, inception
from sparring.evaluation.extractors.card import card
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.evaluation.extractors.classifier_extractor import ClassifierExtractor, Facts, Features
from sparring.evaluation.extractors.training import ClassifierTraining, train_classifier
from sparring.storage.cache import cache_folder
from sparring.storage.files import write_atomically

__all__ = ["ClassifierExtractor", "ClassifierTraining", "Extractor", "Features", "files", "find", "readable", "suited", "train"]

SHIPPED = Path(__file__).parent / "weights"


class Extractor(Protocol):
    """Interface of an extractor: label, hash of its weights, class names, why it is weak if it is, and features of images."""

    @property
    def label(self) -> str: ...

    @property
    def hash(self) -> str: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def weakness(self) -> str | None: ...

    def features(self, images: ImageSet, device: torch.device, progress: Progress | None = None) -> Features: ...


def files() -> list[Path]:
    """Files of all available extractors: first those shipped with Sparring, then the user's own, newest first."""
    own = (path for path in (cache_folder() / "extractors").glob("*.safetensors") if path.is_file())  # skips broken links
    return sorted(SHIPPED.glob("*.safetensors")) + sorted(own, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def find(name: str) -> Extractor:
    """The extractor of this name (`digits`, `digits-1a2b3c4d`, `inception`, `inception:FILE`) or in this file.

    Raises InputError if there is none, or its file is damaged.
    """
    if name == "inception" or name.startswith("inception:"):
        path = name.partition(":")[2]
        return inception.load(Path(path) if path else None)
    if name.endswith(".safetensors"):
        return classifier_extractor.read(Path(name))
    known = files()
    for path in known:
        if name in (path.stem, path.stem.rpartition("-")[0]):
            return classifier_extractor.read(path)
    raise InputError(f"unknown extractor {name!r}; {registry.suggest(name, [path.stem for path in known] + ['inception'])}")


def suited(test: Dataset) -> Extractor | None:
    """The extractor that was trained on the data set with these test images; None if there is none."""
    if not isinstance(test, ImageSet):
        return None
    fingerprint = test.fingerprint()
    return next((own for _, own in readable() if own.facts.data_fingerprint == fingerprint), None)


def readable() -> Iterator[tuple[Path, ClassifierExtractor]]:
    """The available extractors with their files; damaged ones and those of other versions are skipped."""
    for path in files():
        with suppress(InputError):
            yield path, classifier_extractor.read(path)


def train(
    data: Data,
    name: str,
    *,
    settings: ClassifierTraining | None = None,
    seed: int = 0,
    folder: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Path:
    """Train an extractor on a labelled data set and write it, with its model card, to `folder` or the user's cache.

    Returns the path of its file. Raises InputError for a name that is not a valid file name, and as `train_classifier`.
    """
    if not 0 < len(name) <= 64 or name == "inception" or set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789-_."):
        raise InputError(f"{name!r} cannot name an extractor; use up to 64 lower-case letters, digits, - and _")
    settings, config = settings or ClassifierTraining(), ClassifierConfig()
    train_set, test = data.train(progress), data.test(progress)
    trained = train_classifier(config, settings, train_set, test, seed, progress)
    facts = Facts(
        name=name,
        data=codec.encode(data)["name"],
        data_fingerprint=test.fingerprint(),
        shape=test.shape,
        classes=test.classes,
        network=config,
        seed=seed,
        epochs=settings.epochs,
        held_back_accuracy=trained.held_back_accuracy,
        test_accuracy=trained.test_accuracy,
        confusion=tuple(tuple(row) for row in trained.confusion.tolist()),
    )
    path = classifier_extractor.write(folder or cache_folder() / "extractors", facts, trained.network)
    write_atomically(path.with_suffix(".md"), card(classifier_extractor.read(path)).encode())
    return path
