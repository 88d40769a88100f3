"""A user's own data as a part of a recipe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from sparring.config.own import Own
from sparring.config.registry import register
from sparring.data.halves import split
from sparring.data.own.collect import Columns, as_labels, collect
from sparring.data.own.pixels import Layout, ValueRange, range_of, stored
from sparring.data.sets import Dataset, ImageSet, PointSet, Progress
from sparring.errors import InputError


@register("data", listed=False)
@dataclass(frozen=True)
class InMemoryData(Own):
    """Data that only the user's program has; recipe.json holds this description with both halves' fingerprints.

    Without the data themselves, as it is read from recipe.json, `train` and `test` raise InputError.
    """

    contents: str
    fingerprint: str
    test_fingerprint: str

    summary: ClassVar[str] = "data of your own, passed by a Python program"
    argument: ClassVar[str] = "data"

    def __str__(self) -> str:
        return f"{self.contents} (fingerprint {self.fingerprint[:8]})"

    @classmethod
    def of(cls, train: Dataset, test: Dataset) -> "InMemoryData":
        """These examples to train on and to test with."""
        shape = " x ".join(map(str, train.shape))
        kind = "points" if isinstance(train, PointSet) else "images"
        contents = f"{len(train):,} {kind} of {shape}, {len(test):,} to test with"
        return cls(contents, train.fingerprint(), test.fingerprint()).holding((train, test))

    def train(self, progress: Progress | None = None) -> Dataset:
        """The training examples; InputError where they are not here."""
        return self.require()[0]

    def test(self, progress: Progress | None = None) -> Dataset:
        """The test examples; InputError where they are not here."""
        return self.require()[1]

    def fetch(self, progress: Progress | None = None) -> None:
        """Nothing; InputError where the data are not here."""
        self.require()

    def is_cached(self) -> bool:
        """True if the data are here."""
        return self.held is not None


@dataclass(frozen=True)
class _How:
    """How the examples of both halves are read."""

    columns: Columns
    value_range: ValueRange | None
    layout: Layout | None
    classes: tuple[str, ...]


def own_data(
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
) -> InMemoryData:
    """See `sparring.data.of`."""
    if test is None and test_labels is not None:
        raise InputError("test_labels are the labels of test=, which is not given; pass both or neither")
    how = _How(Columns(image_column, label_column), value_range, layout, tuple(classes or ()))
    train, how = _read(source, labels, how, "data")
    if classes and train.labels is None:
        raise InputError("classes are given, and data has no labels; pass them too, or leave the classes out")
    if test is None:
        return InMemoryData.of(*split(train, "data"))
    tested, _ = _read(test, test_labels, how, "test")
    if tested.shape != train.shape or (tested.labels is None) != (train.labels is None):
        raise InputError(f"the test examples are {_told(tested)}, and those to train on {_told(train)}; they must be alike")
    return InMemoryData.of(train, tested)


def _read(source: Any, labels: Any, how: _How, what: str) -> tuple[ImageSet | PointSet, _How]:
    """The examples, and how those of the other half are to be read: with the same range and the same classes."""
    found = collect(source, how.columns, what)
    if labels is not None and found.labels is not None:
        raise InputError(f"{what} has labels in its items, and others are given besides; leave out one of the two")
    given = found.labels if labels is None else as_labels(labels, what)
    value_range = range_of(found.values, how.value_range, what)
    values = stored(found.values, value_range, how.layout or found.layout, what)
    values = values.clone(memory_format=torch.contiguous_format)  # the program may write into its own
    if values.ndim == 2:
        if given is not None:
            raise InputError(f"{what} holds points [N, D], and points have no labels here; leave them out")
        return PointSet(values), how
    classes = _class_names(given, how.classes or found.classes, what)
    if given is not None and len(given) != len(values):
        raise InputError(f"{what} has {len(values):,} images and {len(given):,} labels; there must be as many")
    return ImageSet(values, given, classes), replace(how, value_range=value_range, classes=classes)


def _class_names(labels: Tensor | None, classes: tuple[str, ...], what: str) -> tuple[str, ...]:
    if labels is None:
        return ()
    highest = int(labels.max()) if len(labels) else 0
    if not classes:
        return tuple(map(str, range(highest + 1)))
    if highest >= len(classes):
        raise InputError(f"{what} has the label {highest}, and there are {len(classes)} classes; name a class for each label")
    return classes


def _told(examples: Dataset) -> str:
    labels = "without labels" if examples.labels is None else "with labels"
    return f"{' x '.join(map(str, examples.shape))} {labels}"
