"""Pictures that a recipe asks for, drawn at intervals during training; the recorder writes them to disk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.config.schedules import Interval, RoundInfo
from sparring.errors import check
from sparring.visual.grid import grid, side_by_side, tile_scale
from sparring.visual.landscape import landscape
from sparring.visual.pixels import decode_png, encode_png
from sparring.visual.sampler import NoiseLike, Sampler, check_num_tiles, frame_name
from sparring.visual.scatter import scatter
from sparring.visual.strip import strip

Count = Annotated[int, Range(1)]


@register("picture")
@dataclass(frozen=True)
class FixedGrid(Ranged, prefix="fixed-grid."):
    """The same z again and again, and once more at the end: `epoch_0001.png` or `round_000020.png`, the animation's frames."""

    rows: Count = 8
    columns: Count = 8
    every: Interval = field(default_factory=lambda: Interval(epochs=1))

    frames: ClassVar[str] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_tiles(self.rows * self.columns)

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if self.every.due(info) or info.last:
            images = sampler.samples(self.rows * self.columns, "fixed z")
            yield frame_name(self.every, info), draw(images, self.columns, sampler)


@register("picture")
@dataclass(frozen=True)
class Strip(Ranged, prefix="strip."):
    """Fresh z in a row of false colours after the first epoch and every so many, named by the epoch from 0: `009.png`."""

    num: Count = 10
    every: Count = 10

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_tiles(self.num)

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if info.epoch_ended and (info.epoch == 1 or info.epoch % self.every == 0):
            images = sampler.samples(self.num, "strip", info.epoch)
            yield f"{info.epoch - 1:03d}.png", strip(images) if images.ndim == 4 else draw(images, self.num, sampler)


@register("picture")
@dataclass(frozen=True)
class FreshGrid(Ranged, prefix="fresh-grid."):
    """Fresh z every so many epochs: `fresh_0050.png`."""

    rows: Count = 2
    columns: Count = 8
    every: Count = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_tiles(self.rows * self.columns)

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if info.epoch_ended and info.epoch % self.every == 0:
            images = sampler.samples(self.rows * self.columns, "fresh grid", info.epoch)
            yield f"fresh_{info.epoch:04d}.png", draw(images, self.columns, sampler)


@register("picture")
@dataclass(frozen=True)
class BeforeTraining(Ranged, prefix="before-training."):
    """Real images (`real.png`), one untrained image (`untrained.png`), and an untrained batch, flattened, as one picture."""

    rows: Count = 2
    columns: Count = 8
    batch_size: Count = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_tiles(max(self.rows * self.columns, self.batch_size))

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if info.round == 0:
            yield "real.png", draw(sampler.real(self.rows * self.columns, "train"), self.columns, sampler)
            untrained = sampler.at_init(1 + self.batch_size)
            yield "untrained.png", draw(untrained[:1], 1, sampler)
            if untrained.ndim == 4:
                yield (
                    "untrained_batch.png",
                    encode_png(grid(untrained[1:].reshape(1, 1, self.batch_size, -1), 1, scale=1)),
                )


@register("picture")
@dataclass(frozen=True)
class RealBesideGenerated(Ranged, prefix="real-beside-generated."):
    """At the end, test images beside generated ones: `real_and_generated.png`."""

    num: Count = 16
    columns: Count = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_num_tiles(self.num)

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if info.last:
            pages = (sampler.real(self.num, "test"), sampler.samples(self.num, "beside real"))
            left, right = (decode_png(draw(images, self.columns, sampler)) for images in pages)
            yield "real_and_generated.png", encode_png(side_by_side(left, right))


@register("picture")
@dataclass(frozen=True)
class Landscape(Ranged, prefix="landscape."):
    """Toys: p_data, p_g, the learned D and D* side by side, again and again: `landscape_epoch_0001.png`.

    `num`: how many real and generated points the densities are taken from; `bandwidth` of their kernels, in the unit of the
    points (None: as `landscape` chooses).
    """

    num: Annotated[int, Range(1, 100_000)] = 10_000
    bandwidth: Annotated[float, Range(above=0)] | None = None
    every: Interval = field(default_factory=lambda: Interval(epochs=1))

    frames: ClassVar[str] = "landscape_"

    def check_fits(self, shape: Sequence[int], noise: NoiseLike) -> None:
        good = tuple(shape) in ((1,), (2,))
        check(good, "the picture landscape is drawn of data whose shape", list(shape), "be [1] or [2], points")

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if self.every.due(info) or info.last:
            real, fake = sampler.real(self.num, "train"), sampler.samples(self.num, "landscape")
            title = f"round {info.round:,}, epoch {info.epoch:,}"
            png = landscape(real, fake, sampler.discriminator, sampler.log_density, self.bandwidth, title)
            yield self.frames + frame_name(self.every, info), png


def draw(images: Tensor, columns: int, sampler: Sampler) -> bytes:
    """Images [N, C, H, W] as a grid, points [N, D] as a scatter plot over real ones; PNG bytes."""
    if images.ndim == 2:
        return scatter(sampler.real(1000, "test"), images)
    return encode_png(grid(images, columns, scale=tile_scale(images.shape[-1])))
