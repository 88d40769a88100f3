"""The examples of any source in memory as one tensor, with labels where there are any."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sparring.data.folder.image_files import BadPictureError, pixels_of
from sparring.data.npz import MOST_CLASSES
from sparring.data.own.pixels import Layout
from sparring.errors import InputError

_LABELS = ("label", "labels", "fine_label", "coarse_label")  # columns of Hugging Face's data sets


@dataclass(frozen=True)
class Columns:
    """The columns of a data set whose rows are dicts; None for the one that alone can be meant."""

    image: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Collected:
    """Examples as they came, and what came with them."""

    values: Tensor  # [N, ...]
    labels: Tensor | None = None  # int64 [N]
    classes: tuple[str, ...] = ()
    layout: Layout | None = None  # where it is known, as that of PIL's images


def collect(source: Any, columns: Columns, what: str) -> Collected:
    """The examples of a tensor, an array, a list of images, or a data set of PyTorch's or Hugging Face's kind.

    The items of a data set are an image, a tuple of image and label, or a dict with a column of images. It is read once, from
    its first item to its last, so a random transform in it is drawn once. Raises InputError, naming `what`, for anything else.
    """
    if isinstance(source, Tensor | np.ndarray):
        values = as_tensor(source, what)
        if not values.ndim or not len(values):
            raise InputError(f"{what} is empty: its shape is {list(values.shape)}; it needs at least one example")
        return Collected(values)
    if isinstance(source, Mapping):
        names = ", ".join(map(repr, source))
        raise InputError(f"{what} is a dict of {names}; pass one of its parts, and another one as test=")
    items = list(_items(source, what))
    if not items:
        raise InputError(f"{what} is empty; it needs at least one example")
    if isinstance(items[0], Mapping):
        columns = _chosen_columns(items[0], columns, what)
    pairs = [_image_and_label(item, columns, f"{what}, item {place}") for place, item in enumerate(items)]
    images, given = zip(*pairs, strict=True)
    values, layout = _stacked(images, what)
    labels = None if all(label is None for label in given) else as_labels(given, what)
    return Collected(values, labels, _class_names(source, columns) if labels is not None else (), layout)


def as_tensor(values: Tensor | np.ndarray, what: str) -> Tensor:
    """On the CPU, apart from any graph of gradients; InputError for what PyTorch has no type for."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    try:
        return torch.from_numpy(np.ascontiguousarray(values))
    except TypeError:
        raise InputError(f"{what} is an array of {values.dtype}; it must be uint8 in 0..255, or floats") from None


def as_labels(labels: Any, what: str) -> Tensor:
    """Labels as int64 [N]; InputError unless all are whole numbers of at least 0."""
    if isinstance(labels, Tensor | np.ndarray) and labels.ndim != 1:
        raise InputError(f"the labels of {what} have shape {list(labels.shape)}; they must be [N]")
    found = []
    for place, label in enumerate(labels.tolist() if isinstance(labels, Tensor | np.ndarray) else labels):
        try:
            found.append(index(label))
        except TypeError:
            raise InputError(
                f"label {place} of {what} is {label!r}; labels must be whole numbers, 0 for the first class"
            ) from None
    low, high = min(found, default=0), max(found, default=0)
    if low < 0 or high >= MOST_CLASSES:
        raise InputError(f"the labels of {what} go from {low} to {high}; they must lie in 0..{MOST_CLASSES - 1}")
    return torch.tensor(found, dtype=torch.int64)


def _items(source: Any, what: str) -> Iterator[Any]:
    if hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, str | bytes):
        return (source[place] for place in range(len(source)))  # a data set of PyTorch's has no other way to its end
    if isinstance(source, Iterable) and not isinstance(source, str | bytes):
        return iter(source)
    kinds = "a tensor, an array, a list of images, a data set, or a path"
    raise InputError(f"{what} is of type {type(source).__name__}; it must be {kinds}")


def _chosen_columns(row: Mapping[str, Any], asked: Columns, what: str) -> Columns:
    """The columns of images and of labels in a data set with such rows."""
    for name in (asked.image, asked.label):
        if name is not None and name not in row:
            raise InputError(f"{what} has no column {name!r}; it has {', '.join(map(repr, row))}")
    images = [name for name, value in row.items() if _is_image(value)]
    if asked.image is None and len(images) != 1:
        found = " and ".join(map(repr, images)) or "none"
        raise InputError(f"the images of {what} may be in {found} of the columns {list(row)}; name it with image_column=")
    labels = [name for name in row if name in _LABELS]
    if asked.label is None and len(labels) > 1:
        raise InputError(f"the labels of {what} may be in {' or '.join(map(repr, labels))}; name one with label_column=")
    return Columns(asked.image or images[0], asked.label or (labels[0] if labels else None))


def _image_and_label(item: Any, columns: Columns, where: str) -> tuple[Any, Any]:
    if isinstance(item, Mapping):
        image, label = item[columns.image], item[columns.label] if columns.label else None
    elif isinstance(item, tuple | list) and 1 <= len(item) <= 2:
        image, label = (*item, None)[:2]
    else:
        image, label = item, None
    if not _is_image(image):
        raise InputError(f"{where} is of type {type(item).__name__}; it must be an image, or a tuple of image and label")
    return image, label


def _is_image(value: Any) -> bool:
    """True for what may be one example; a point has one axis, and a label none."""
    return isinstance(value, Image.Image) or (isinstance(value, Tensor | np.ndarray) and value.ndim >= 1)


def _stacked(images: Sequence[Any], what: str) -> tuple[Tensor, Layout | None]:
    if any(isinstance(image, Image.Image) for image in images):
        return _stacked_pictures(images, what), "NHWC"
    tensors = [as_tensor(image, what) for image in images]
    for place, tensor in enumerate(tensors):
        if (tensor.shape, tensor.dtype) != (tensors[0].shape, tensors[0].dtype):
            first, other = (f"{str(t.dtype).removeprefix('torch.')} {list(t.shape)}" for t in (tensors[0], tensor))
            raise InputError(f"{what} mixes shapes: item 0 is {first}, item {place} is {other}; bring all to one")
    return torch.stack(tensors), None


def _stacked_pictures(images: Sequence[Any], what: str) -> Tensor:
    """uint8 [N, H, W, C]; one coloured picture makes all of them RGB."""
    pixels = []
    for place, image in enumerate(images):
        if not isinstance(image, Image.Image):
            raise InputError(f"{what} mixes kinds: item {place} is of type {type(image).__name__}, others are PIL images")
        try:
            pixels.append(pixels_of(image))
        except BadPictureError as error:
            raise InputError(f"{what}, item {place}: the picture {error}") from None
        if pixels[-1].shape[:2] != pixels[0].shape[:2]:
            first, other = (f"{p.shape[1]} x {p.shape[0]}" for p in (pixels[0], pixels[-1]))
            raise InputError(f"{what} mixes shapes: item 0 has {first} pixels, item {place} {other}; bring all to one size")
    channels = max(picture.shape[2] for picture in pixels)
    return torch.from_numpy(np.stack([np.broadcast_to(p, (*p.shape[:2], channels)) for p in pixels]))


def _class_names(source: Any, columns: Columns) -> tuple[str, ...]:
    """As torchvision's data sets have them in `classes`, and Hugging Face's in the feature of the column of labels."""
    names = getattr(source, "classes", None)
    features = getattr(source, "features", None)
    if names is None and columns.label and isinstance(features, Mapping):
        names = getattr(features.get(columns.label), "names", None)
    return tuple(map(str, names)) if names else ()
