"""Pictures of the same z under different classes or other codes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, cast

import torch
from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.config.schedules import Interval, RoundInfo
from sparring.errors import InputError, check
from sparring.visual.grid import headed_grid
from sparring.visual.pixels import encode_png
from sparring.visual.sampler import CodeLike, NoiseLike, Sampler, check_num_tiles, frame_name

LONGEST_NAME = 16  # characters beside a row


@register("picture")
@dataclass(frozen=True)
class ClassGrid(Ranged, prefix="class-grid."):
    """Every class in a row, every z in a column, again and again: `classes_epoch_0001.png`."""

    columns: Annotated[int, Range(1)] = 10
    every: Interval = field(default_factory=lambda: Interval(epochs=1))

    frames: ClassVar[str] = "classes_"

    def check_fits(self, shape: Sequence[int], noise: NoiseLike) -> None:
        classes = _code_of(noise, "class-grid").classes
        check(classes >= 1, "z.classes", classes, "be at least 1 for the picture class-grid")
        check_num_tiles(classes * self.columns)

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if self.every.due(info) or info.last:
            noise = cast(CodeLike, sampler.noise)
            images = sampler.draw(_class_codes(noise, sampler.z(self.columns, "fixed z")))
            page = headed_grid(images, rows=_row_names(sampler.classes, noise.classes))
            yield self.frames + frame_name(self.every, info), encode_png(page)


@register("picture")
@dataclass(frozen=True)
class CodeTraversal(Ranged, prefix="code-traversal."):
    """One z in a row, one value of a code in a column, a picture a code: `code_class_epoch_0001.png`, `code_0_epoch_0001.png`.

    The class takes all its values; each continuous code `steps` of them evenly in [-limit, limit]. All else in a row stays.
    """

    rows: Annotated[int, Range(1)] = 8
    steps: Annotated[int, Range(2)] = 9
    limit: Annotated[float, Range(above=0)] = 1.0
    every: Interval = field(default_factory=lambda: Interval(epochs=1))

    def check_fits(self, shape: Sequence[int], noise: NoiseLike) -> None:
        code = _code_of(noise, "code-traversal")
        check(code.classes + code.continuous >= 1, "z", noise, "have a class or a continuous code for code-traversal")
        check_num_tiles(self.rows * max(code.classes, self.steps))

    def render(self, info: RoundInfo, sampler: Sampler) -> Iterator[tuple[str, bytes]]:
        if self.every.due(info) or info.last:
            noise, z, name = cast(CodeLike, sampler.noise), sampler.z(self.rows, "fixed z"), frame_name(self.every, info)
            if noise.classes:
                codes = _class_codes(noise, z).unflatten(0, (noise.classes, -1)).transpose(0, 1).flatten(0, 1)
                heads = [*map(str, range(noise.classes))]
                yield f"code_class_{name}", encode_png(headed_grid(sampler.draw(codes), columns=heads))
            values = torch.linspace(-self.limit, self.limit, self.steps)
            for index in range(noise.continuous):
                codes = noise.with_continuous(z.repeat_interleave(self.steps, 0), index, values.repeat(self.rows))
                heads = [f"{value:.2g}" for value in values.tolist()]
                yield f"code_{index}_{name}", encode_png(headed_grid(sampler.draw(codes), columns=heads))


def _code_of(noise: NoiseLike, picture: str) -> CodeLike:
    if not hasattr(noise, "with_class"):
        raise InputError(f"z is {noise}; the picture {picture} needs one with codes")
    return cast(CodeLike, noise)


def _class_codes(noise: CodeLike, z: Tensor) -> Tensor:
    """Every z [N, num] with every class, class by class: [classes * N, num]."""
    return noise.with_class(z.repeat(noise.classes, 1), torch.arange(noise.classes).repeat_interleave(len(z)))


def _row_names(classes: Sequence[str], num: int) -> list[str]:
    """Names that the font of the grids can write; a number in place of any other. Of a combination its values."""
    names = classes if len(classes) == num else [""] * num
    names = [re.sub(r"(^|,)[^,=]*=", r"\1", name) for name in names]
    return [name[:LONGEST_NAME] if name and name.isascii() else str(i) for i, name in enumerate(names)]
