"""The pictures that a recipe asks for: each says when it is due and what it shows; others write it to disk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from torch import Tensor

from sparring.cadence import Every, Moment
from sparring.errors import check
from sparring.pictures.grid import grid, side_by_side
from sparring.pictures.pixels import decode_png, encode_png
from sparring.pictures.scatter import scatter
from sparring.pictures.strip import strip
from sparring.registry import register

MOST_TILES = 10_000


class Studio(Protocol):
    """Where pictures get their images from, all [N, *shape] in [-1, 1] on the CPU."""

    def samples(self, num: int, *address: str | int) -> Tensor:
        """Generated in inference mode from the z at this address."""
        ...

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        """Real images drawn without replacement."""
        ...

    def untrained(self, num: int) -> Tensor:
        """From a generator with PyTorch's own initial values, in training mode."""
        ...


class Picture(Protocol):
    """A frozen dataclass registered as "picture"."""

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        """File names (under samples/) and PNG bytes of what is due at this moment."""
        ...


@register("picture")
@dataclass(frozen=True)
class FixedGrid:
    """The same z again and again, and once more at the end: `epoch_0001.png` or `round_000020.png`, the animation's frames."""

    rows: int = 8
    columns: int = 8
    every: Every = field(default_factory=lambda: Every(epochs=1))

    def __post_init__(self):
        check(min(self.rows, self.columns) >= 1, "rows x columns", f"{self.rows} x {self.columns}", "be at least 1 x 1")
        _check_number(self.rows * self.columns)

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        if self.every.due(moment) or moment.last:
            by_epoch = moment.epoch_ended and not self.every.rounds
            name = f"epoch_{moment.epoch:04d}.png" if by_epoch else f"round_{moment.round:06d}.png"
            yield name, draw(studio.samples(self.rows * self.columns, "fixed z"), self.columns, studio)


@register("picture")
@dataclass(frozen=True)
class Strip:
    """Fresh z in a row of false colours after the first epoch and every so many, named by the epoch from 0: `009.png`."""

    num: int = 10
    every: int = 10

    def __post_init__(self):
        check(min(self.num, self.every) >= 1, "num, every", f"{self.num}, {self.every}", "be at least 1")
        _check_number(self.num)

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        if moment.epoch_ended and (moment.epoch == 1 or moment.epoch % self.every == 0):
            images = studio.samples(self.num, "strip", moment.epoch)
            yield f"{moment.epoch - 1:03d}.png", strip(images) if images.ndim == 4 else draw(images, self.num, studio)


@register("picture")
@dataclass(frozen=True)
class FreshGrid:
    """Fresh z every so many epochs: `fresh_0050.png`."""

    rows: int = 2
    columns: int = 8
    every: int = 50

    def __post_init__(self):
        check(min(self.rows, self.columns, self.every) >= 1, "fresh-grid", self, "have numbers of at least 1")
        _check_number(self.rows * self.columns)

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        if moment.epoch_ended and moment.epoch % self.every == 0:
            images = studio.samples(self.rows * self.columns, "fresh grid", moment.epoch)
            yield f"fresh_{moment.epoch:04d}.png", draw(images, self.columns, studio)


@register("picture")
@dataclass(frozen=True)
class BeforeTraining:
    """Real images (`real.png`), one untrained image (`untrained.png`), and an untrained batch, flattened, as one picture."""

    rows: int = 2
    columns: int = 8
    batch_size: int = 200

    def __post_init__(self):
        check(min(self.rows, self.columns, self.batch_size) >= 1, "before-training", self, "have numbers of at least 1")
        _check_number(max(self.rows * self.columns, self.batch_size))

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        if moment.round == 0:
            yield "real.png", draw(studio.real(self.rows * self.columns, "train"), self.columns, studio)
            untrained = studio.untrained(1 + self.batch_size)
            yield "untrained.png", draw(untrained[:1], 1, studio)
            if untrained.ndim == 4:
                yield (
                    "untrained_batch.png",
                    encode_png(grid(untrained[1:].reshape(1, 1, self.batch_size, -1), 1, scale=1)),
                )


@register("picture")
@dataclass(frozen=True)
class RealBesideGenerated:
    """At the end, test images beside generated ones: `real_and_generated.png`."""

    num: int = 16
    columns: int = 8

    def __post_init__(self):
        check(min(self.num, self.columns) >= 1, "real-beside-generated", self, "have numbers of at least 1")
        _check_number(self.num)

    def files(self, moment: Moment, studio: Studio) -> Iterator[tuple[str, bytes]]:
        if moment.last:
            pages = (studio.real(self.num, "test"), studio.samples(self.num, "beside real"))
            left, right = (decode_png(draw(images, self.columns, studio)) for images in pages)
            yield "real_and_generated.png", encode_png(side_by_side(left, right))


def _check_number(num: int) -> None:
    check(num <= MOST_TILES, "the number of images in a picture", f"{num:,}", f"be at most {MOST_TILES:,}")


def draw(images: Tensor, columns: int, studio: Studio) -> bytes:
    """Images [N, C, H, W] as a grid, points [N, D] as a scatter plot over real ones; PNG bytes."""
    if images.ndim == 2:
        return scatter(studio.real(1000, "test"), images)
    return encode_png(grid(images, columns, scale=max(1, 64 // images.shape[-1])))
