"""Examples of a data set: images or points as whole tensors, gathered into batches."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor

from sparring.errors import InputError

Progress = Callable[[str, int, int], None]
"""Callback for the progress of a transfer: name, bytes so far, bytes in all."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Base of all kinds of examples: the first axis of every tensor field is the examples, except for those in `shared`."""

    shared: ClassVar[tuple[str, ...]] = ()

    def __len__(self) -> int:
        raise NotImplementedError

    def to(self, device: torch.device | str) -> Self:
        """The same examples on another device."""
        return self._each(lambda tensor: tensor.to(device), self._tensors())

    def without_first(self, n: int) -> Self:
        """All but the first `n` examples, sharing memory; InputError unless 0 <= n < len."""
        if not 0 <= n < len(self):
            raise InputError(f"cannot leave out the first {n} of {len(self)} examples; choose from 0 to {len(self) - 1}")
        return self._each(lambda tensor: tensor[n:], self._rows())

    def take(self, chosen: Tensor) -> Self:
        """The examples at these indices, int64 [M]."""
        return self._each(lambda tensor: tensor[chosen], self._rows())

    def num_bytes(self) -> int:
        """Size of all tensors together, in bytes."""
        return sum(tensor.nbytes for tensor in self._tensors().values())

    def fingerprint(self) -> str:
        """SHA-256, in hex, of every tensor's name, type, shape and bytes: equal where the data are equal."""
        digest = hashlib.sha256()
        for name, tensor in self._tensors().items():
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.cpu().contiguous().numpy().data)
        return digest.hexdigest()

    def _each(self, change: Callable[[Tensor], Tensor], tensors: dict[str, Tensor]) -> Self:
        return replace(self, **{name: change(tensor) for name, tensor in tensors.items()})

    def _rows(self) -> dict[str, Tensor]:
        return {name: tensor for name, tensor in self._tensors().items() if name not in self.shared}

    def _tensors(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


@dataclass(frozen=True, eq=False)
class ImageSet(Examples):
    """Images with their labels, if they have any; `classes[label]` is a label's name.

    Where classes are combinations of attributes, `values[label]` has the number of each attribute's value.
    """

    images: Tensor  # uint8 [N, C, H, W]
    labels: Tensor | None = None  # int64 [N]
    classes: tuple[str, ...] = ()
    values: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4:
            raise ValueError(f"images must be uint8 [N, C, H, W], got {_described(self.images)}")
        if self.labels is None:
            return
        if self.labels.dtype != torch.int64 or self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels must be int64 [{len(self.images)}], got {_described(self.labels)}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of one image."""
        return tuple(self.images.shape[1:])

    def batch(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        """The images at `indices` (int64 [B], on the images' device), as float32 [B, C, H, W] in [-1, 1], in `out` if given."""
        return as_floats(self.images.index_select(0, indices), out)  # gathered as bytes: a quarter of the traffic of floats


@dataclass(frozen=True, eq=False)
class HostImageSet(ImageSet):
    """Images that stay in main memory, or mapped from a file, while they are trained on elsewhere."""

    device: torch.device | str = "cpu"

    @classmethod
    def of(cls, images: ImageSet) -> Self:
        """The same images, whose batches will be on the device that they are moved `to`."""
        return cls(images.images, images.labels, images.classes, images.values)

    def to(self, device: torch.device | str) -> Self:
        """The same examples with their labels on a device, and with batches there."""
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, labels=labels, device=device)

    def batch(self, indices: Tensor, out: Tensor | None = None) -> Tensor:
        """The images at `indices` (int64 [B], on any device), on the set's device, as float32 [B, C, H, W] in [-1, 1]."""
        return as_floats(self.images.index_select(0, indices.cpu()).to(self.device), out)


@dataclass(frozen=True, eq=False)
class PointSet(Examples):
    """Points of a toy distribution; they have no labels."""

    points: Tensor  # float32 [N, D]
    labels: ClassVar[None] = None
    classes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.points.dtype != torch.float32 or self.points.ndim != 2:
            raise ValueError(f"points must be float32 [N, D], got {_described(self.points)}")

    def __len__(self) -> int:
        return len(self.points)

    @property
    def shape(self) -> tuple[int, ...]:
        """(D,) of one point."""
        return tuple(self.points.shape[1:])

    def batch(self, indices: Tensor) -> Tensor:
        """The points at `indices` (int64 [B], on the points' device), float32 [B, D]."""
        return self.points.index_select(0, indices)


@dataclass(frozen=True, eq=False)
class StackedSet(Examples):
    """Images whose channels are pictures of one stock, held as indices into it and stacked batch by batch."""

    stock: Tensor  # uint8 [M, H, W]
    places: Tensor  # int64 [N, C]
    labels: Tensor  # int64 [N]
    classes: tuple[str, ...]
    shared: ClassVar[tuple[str, ...]] = ("stock",)

    def __post_init__(self) -> None:
        if self.stock.dtype != torch.uint8 or self.stock.ndim != 3:
            raise ValueError(f"stock must be uint8 [M, H, W], got {_described(self.stock)}")
        if self.places.dtype != torch.int64 or self.places.ndim != 2:
            raise ValueError(f"places must be int64 [N, C], got {_described(self.places)}")
        if self.labels.dtype != torch.int64 or self.labels.shape != self.places.shape[:1]:
            raise ValueError(f"labels must be int64 [{len(self.places)}], got {_described(self.labels)}")

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, H, W) of one image."""
        return (self.places.shape[1], *self.stock.shape[1:])

    def batch(self, indices: Tensor) -> Tensor:
        """The images at `indices` (int64 [B], on the places' device), as float32 [B, C, H, W] in [-1, 1]."""
        return as_floats(self.stack(indices))

    def stack(self, indices: Tensor) -> Tensor:
        """The same images as they are stored, uint8 [B, C, H, W]."""
        places = self.places.index_select(0, indices)
        return self.stock.index_select(0, places.flatten()).view(-1, *self.shape)


Dataset = ImageSet | PointSet | StackedSet


class Data(Protocol):
    """Interface of every part registered as "data"."""

    summary: ClassVar[str]

    def train(self, progress: Progress | None = None) -> Dataset:
        """The training examples, fetched first where need be."""
        ...

    def test(self, progress: Progress | None = None) -> Dataset:
        """The test examples, which are only measured against."""
        ...

    def fetch(self, progress: Progress | None = None) -> None:
        """Make sure that the data are on this machine; InputError where they cannot be had."""
        ...

    def is_cached(self) -> bool:
        """True if the data seem to be on this machine; they are not read for it."""
        ...


def as_floats(images: Tensor, out: Tensor | None = None) -> Tensor:
    """Images uint8 as float32 in [-1, 1], in the memory of `out` if given."""
    floats = images.float() if out is None else out.copy_(images)
    return floats.div_(127.5).sub_(1)


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
