"""Extractors: networks that map images to features and class logits.

They are classifiers that Sparring trained, networks for pictures of any kind, of which `general` comes with the package, or
optionally Inception. Scores by different extractors are never compared.
"""

import string
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch

from sparring.config import codec, registry
from sparring.data import Data
from sparring.data.sets import Dataset, ImageSet, Progress
from sparring.errors import InputError
from sparring.evaluation.extractors import classifier_extractor, inception, picture_extractor
from sparring.evaluation.extractors.card import card, picture_card
from sparring.evaluation.extractors.classifier import ClassifierConfig
from sparring.evaluation.extractors.classifier_extractor import ClassifierExtractor, Facts
from sparring.evaluation.extractors.features import Features
from sparring.evaluation.extractors.picture_extractor import PictureExtractor, PictureFacts
from sparring.evaluation.extractors.picture_training import PictureTraining, Source, recognised, train_on_pictures
from sparring.evaluation.extractors.training import ClassifierTraining, train_classifier
from sparring.storage.cache import cache_folder
from sparring.storage.files import write_atomically
from sparring.storage.tensors import read_safetensors

__all__ = [
    "ClassifierExtractor",
    "ClassifierTraining",
    "Extractor",
    "Features",
    "PictureExtractor",
    "PictureTraining",
    "check_name",
    "files",
    "find",
    "general",
    "own",
    "read",
    "readable",
    "train",
    "train_unlabelled",
]

SHIPPED = Path(__file__).parent / "weights"
NAMES = string.ascii_lowercase + string.digits + "-_."
GENERAL = "general"
"""The name of the extractor for pictures of any kind that comes with the package."""


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
    users = (path for path in (cache_folder() / "extractors").glob("*.safetensors") if path.is_file())  # skips broken links
    return sorted(SHIPPED.glob("*.safetensors")) + sorted(users, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def find(name: str) -> Extractor:
    """The extractor of this name (`digits`, `digits-1a2b3c4d`, `general`, `inception`, `inception:FILE`) or in this file.

    Raises InputError if there is none, or its file is damaged.
    """
    if name == "inception" or name.startswith("inception:"):
        path = name.partition(":")[2]
        return inception.load(Path(path) if path else None)
    if name.endswith(".safetensors"):
        return read(Path(name))
    known = files()
    for path in known:
        if name in (path.stem, path.stem.rpartition("-")[0]):
            return read(path)
    raise InputError(f"unknown extractor {name!r}; {registry.suggest(name, [path.stem for path in known] + ['inception'])}")


def own(test: Dataset) -> Extractor | None:
    """The extractor that was trained on the data set with these test images; None if there is none."""
    if not isinstance(test, ImageSet):
        return None
    fingerprint = test.fingerprint()
    return next((found for _, found in readable() if found.facts.data_fingerprint == fingerprint), None)


def general(test: Dataset) -> PictureExtractor | None:
    """The extractor for pictures of any kind; None for points, and for images of a number of channels that it cannot see."""
    if not isinstance(test, ImageSet) or not PictureExtractor.takes(test):
        return None
    (path,) = SHIPPED.glob(f"{GENERAL}-*.safetensors")
    return picture_extractor.read(path)


def readable() -> Iterator[tuple[Path, ClassifierExtractor | PictureExtractor]]:
    """The available extractors with their files; damaged ones and those of other versions are skipped."""
    for path in files():
        with suppress(InputError):
            yield path, read(path)


def read(path: Path) -> ClassifierExtractor | PictureExtractor:
    """Read and verify an extractor; InputError if it is damaged, altered, misnamed, or does not fit this version."""
    of_pictures = read_safetensors(path, "extractor")[1].get("format") == picture_extractor.FORMAT
    return picture_extractor.read(path) if of_pictures else classifier_extractor.read(path)


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
    check_name(name)
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


def train_unlabelled(
    data: Data,
    name: str,
    *,
    settings: PictureTraining | None = None,
    epochs: int | None = None,
    seed: int = 0,
    folder: Path | None = None,
    progress: Progress = lambda *_: None,
) -> Path:
    """Train the general extractor further on pictures, whose labels are not looked at, and write it as `train` does.

    epochs: passes over the training images, in place of the number of steps in `settings`. Returns the path of its file.
    Raises InputError for points, too few pictures, and a name that is not a valid file name.
    """
    check_name(name)
    settings = settings or PictureTraining()
    images, test = data.train(progress), data.test(progress)
    start = general(test)
    if start is None or not isinstance(images, ImageSet) or not isinstance(test, ImageSet):
        raise InputError("an extractor is trained on pictures with 1, 3 or 4 channels, and these data are not such")
    if epochs is not None:
        settings = replace(settings, steps=-(-epochs * len(images) // settings.batch_size))
    unlabelled = Source(name, ImageSet(images.images))
    trained = train_on_pictures(start.facts.network, settings, [unlabelled], seed, progress, start.network)
    facts = PictureFacts(
        name=name,
        data=codec.encode(data)["name"],
        data_fingerprint=test.fingerprint(),
        network=start.facts.network,
        seed=seed,
        steps=settings.steps,
        start_from=start.label,
        recognised=recognised(trained.network, test),
    )
    path = picture_extractor.write(folder or cache_folder() / "extractors", facts, trained.network)
    write_atomically(path.with_suffix(".md"), picture_card(picture_extractor.read(path)).encode())
    return path


def check_name(name: str) -> None:
    """InputError for what cannot name a file, and for the names of the general extractor and of Inception."""
    if not 0 < len(name) <= 64 or name in ("inception", GENERAL) or set(name) - set(NAMES):
        raise InputError(f"{name!r} cannot name an extractor; use up to 64 lower-case letters, digits, - and _")
