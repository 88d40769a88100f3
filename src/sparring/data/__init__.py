"""Data sets: each a small frozen value that can fetch itself and hand over its images or points whole.

A new data set is one new file with a dataclass registered as "data" (see `Data` for what it can do), imported here.
Images are uint8 [N, C, H, W] in storage; `batch` makes floats in [-1, 1] of them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

from sparring.config import registry
from sparring.data.cifar10 import Cifar10
from sparring.data.folder import image_files
from sparring.data.folder.listing import find
from sparring.data.folder.picture_folder import PictureFolder, like
from sparring.data.mnist import NAMES, FashionMnist, IdxFolder, Kmnist, Mnist, recognised
from sparring.data.npz_file import NpzFile
from sparring.data.own.own_data import InMemoryData, own_data
from sparring.data.own.pixels import Layout, ValueRange
from sparring.data.pictures import Pictures, read_pictures
from sparring.data.sets import Data, Dataset, ImageSet, PointSet, Progress, StackedSet
from sparring.data.stacked_mnist import StackedMnist
from sparring.data.toys import Gaussian1d, Grid, Moons, Ring, SwissRoll
from sparring.errors import InputError

__all__ = [
    "Cifar10",
    "Data",
    "FashionMnist",
    "Gaussian1d",
    "Grid",
    "IdxFolder",
    "ImageSet",
    "InMemoryData",
    "Kmnist",
    "Mnist",
    "Moons",
    "NpzFile",
    "PictureFolder",
    "Pictures",
    "PointSet",
    "Progress",
    "Ring",
    "StackedMnist",
    "StackedSet",
    "SwissRoll",
    "check",
    "listing",
    "moved",
    "of",
    "read_pictures",
    "resolve",
]

MOST_CLASSES = 100  # whose counts are told one by one


def resolve(name_or_path: str, instead: Data | None = None) -> Data:
    """The registered data set of this name, with its defaults, or else what is in this folder, .zip or .npz file.

    A folder holds pictures or MNIST's four IDX files; those of MNIST, Fashion-MNIST or Kuzushiji-MNIST itself are that set.
    A name wins over a folder of the same name, which `./name` still reaches. `instead`: the data set that is replaced; where
    both are folders of pictures, its size, fit and channels are taken over. Raises InputError for anything else, and for
    folders in which files are missing.
    """
    names = registry.names("data")
    if name_or_path in names:
        return _by_default(name_or_path)
    path = Path(name_or_path)
    if _is_folder(path):
        found = _folder(path)
        _check(found, path)
        return like(found, instead) if isinstance(found, PictureFolder) else recognised(found)
    if path.suffix.lower() == ".npz" and path.exists():
        return NpzFile(str(path.absolute()))
    if path.exists():
        raise InputError(f"{path} is a file; name a folder, a .zip or an .npz of pictures, or a folder of MNIST's IDX files")
    raise InputError(f"{name_or_path!r} is neither a data set nor a folder; {registry.suggest(name_or_path, names)}")


def moved(name_or_path: str, kept: Data) -> Data:
    """The data of a run, `kept`, in another place: as by `resolve`, read with the settings of `kept` if they are of its kind.

    A separate .npz file of test images that is no longer in its place is looked for beside the other one.
    """
    path = Path(name_or_path)
    found = _folder(path) if _is_folder(path) else resolve(name_or_path)
    if isinstance(kept, PictureFolder | IdxFolder) and isinstance(found, type(kept)):
        return replace(kept, path=found.path)
    if isinstance(kept, Mnist | FashionMnist | Kmnist) and isinstance(found, IdxFolder):
        return replace(kept, path=found.path)
    if isinstance(found, NpzFile) and isinstance(kept, NpzFile) and kept.test_path:
        test = Path(kept.test_path)
        return replace(found, test_path=str(test if test.exists() else Path(found.path).with_name(test.name)))
    return found


def of(
    source: Any,
    labels: Any = None,
    *,
    classes: Sequence[str] | None = None,
    value_range: ValueRange | None = None,
    layout: Layout | None = None,
    test: Any = None,
    test_labels: Any = None,
    image_column: str | None = None,
    label_column: str | None = None,
) -> Data:
    """Your own data as a data set, for `sparring.train(..., data=...)` and `Recipe(data=...)`.

    source: images in memory, in one of these forms; they are copied, and a data set is read once.
        A tensor or an array, [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels: uint8, or floats.
        A list of PIL images, tensors or arrays of one shape.
        A PyTorch data set whose items are an image or (image, label), such as torchvision's ImageFolder.
        A Hugging Face data set, or another one whose rows are dicts with an image.
        Floats [N, D], which are points and no images.
        A name, a folder, a .zip or an .npz file, as for `resolve`; of what follows these take `test` alone, and only an .npz
        does (the path of a second one).
    labels: the class of each image, whole numbers [N] from 0, where the items of the source have none.
    classes: the names of the classes; by default those that the source has, else numbers.
    value_range: the values of black and white in floats, such as (0, 255). By default (0, 1) where all lie in [0, 1], and
        (-1, 1) where all lie in [-1, 1] and some are negative. Floats are rounded to 256 values.
    layout: "NCHW" or "NHWC", where both axes could be that of the channels.
    test, test_labels: examples to test with, in any of these forms; by default a tenth of the source, chosen by its number of
        examples alone, which is then not trained on.
    image_column, label_column: of rows that are dicts, where more than one could be meant.

    A run keeps the fingerprint of such data, and `resume` asks for them; files are found again by their path.
    Raises InputError for an empty source, examples of several shapes, values out of the range or of an unclear one, and labels
    of another number.
    """
    if isinstance(source, str | Path):
        others = (labels, classes, value_range, layout, test_labels, image_column, label_column)
        return _at_path(str(source), test, all(value is None for value in others))
    return own_data(
        source,
        labels,
        classes=classes,
        value_range=value_range,
        layout=layout,
        test=test,
        test_labels=test_labels,
        image_column=image_column,
        label_column=label_column,
    )


def _at_path(source: str, test: Any, alone: bool) -> Data:
    found = resolve(source)
    if not alone:
        raise InputError(f"{source} says itself what labels and ranges it has; pass no settings for it but test=")
    if test is None:
        return found
    if not isinstance(found, NpzFile) or not str(test).lower().endswith(".npz"):
        raise InputError(f"{source} brings its own test examples; test= names a second .npz file beside a first one")
    found = replace(found, test_path=str(Path(test).absolute()))
    found.fetch()
    return found


def _by_default(name: str) -> Data:
    part = registry.find("data", name)
    needed = _needed(part)
    if needed:
        raise InputError(f"{name} has no default {', '.join(needed)}; name the folder or the file itself")
    return part()


def _needed(part: type[Data]) -> list[str]:
    return [field.name for field in signature(part).parameters.values() if field.default is field.empty]


def _is_folder(path: Path) -> bool:
    return path.is_dir() or path.suffix.lower() == ".zip"


def _folder(path: Path) -> IdxFolder | PictureFolder:
    """The folder as IDX files if at least one has a name of MNIST's, else as pictures."""
    idx_names = [name + suffix for name in NAMES for suffix in ("", ".gz")]
    if any((path / name).is_file() for name in idx_names):
        return IdxFolder(str(path.absolute()))
    return PictureFolder(str(path.absolute()), enlarge=True, reading=2, background="white")


def _check(folder: IdxFolder | PictureFolder, path: Path) -> None:
    """InputError where the folder holds neither pictures nor IDX files, or not all that it needs."""
    try:
        folder.fetch()
    except InputError:
        of_any_kind = image_files.suffixes() | image_files.UNREAD
        if isinstance(folder, PictureFolder) and path.is_dir() and not find(path, of_any_kind)[0]:
            raise InputError(f"{path} holds neither pictures nor MNIST's four IDX files") from None
        raise


def listing() -> list[tuple[str, type[Data], bool]]:
    """Name, part and whether it is on this machine, for every data set that has defaults."""
    parts = [(name, registry.find("data", name)) for name in registry.names("data")]
    return [(name, part, part().is_cached()) for name, part in parts if not _needed(part)]


def check(data: Data, progress: Progress | None = None) -> dict[str, Any]:
    """A pre-flight report on a data set: sizes, shape, memory, classes, exact duplicates, fingerprint, speed of reading.

    Of a folder of pictures also their own sizes and, by name, those that cannot be used; a `problem` is the sentence that
    training would end with.
    """
    report = data.survey(progress) if isinstance(data, PictureFolder) else {}
    try:
        start = perf_counter()
        train, test = data.train(progress), data.test(progress)
        seconds = perf_counter() - start
    except InputError as error:
        return report | {"problem": str(error)}
    report |= {
        "train": len(train),
        "test": len(test),
        "shape": " x ".join(map(str, train.shape)),
        "memory_mib": round(train.num_bytes() / 2**20),
        "duplicates": len(train) - len(set(_digests(train))),
        "fingerprint": train.fingerprint()[:16],
        "load_seconds": round(seconds, 3),
        "read_seconds_per_epoch": round(_seconds_per_epoch(train), 3),
    }
    if train.labels is not None and len(train.classes) <= MOST_CLASSES:
        counts = torch.bincount(train.labels, minlength=len(train.classes)).tolist()
        report["per_class"] = dict(zip(train.classes, counts, strict=True))
    return report


def _digests(examples: Dataset) -> Iterator[bytes]:
    """A hash of each example; of images as they are stored, which takes a quarter of the time."""
    gather = examples.images.__getitem__ if isinstance(examples, ImageSet) else examples.batch
    for part in torch.arange(len(examples)).split(256):
        for example in gather(part).numpy():
            yield hashlib.blake2b(example.tobytes(), digest_size=16).digest()


def _seconds_per_epoch(examples: Dataset) -> float:
    """Seconds for an epoch of batches in random order, estimated from at most 2,048 examples."""
    order = torch.randperm(len(examples))[:2048]
    start = perf_counter()
    for part in order.split(64):
        examples.batch(part)
    return (perf_counter() - start) * len(examples) / len(order)


registry.import_all(__name__, __path__)
