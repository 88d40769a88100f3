"""Parity: how far an exported generator's samples are from the original's, on the same z."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from sparring.errors import SparringError
from sparring.runs.generator import SavedGenerator
from sparring.visual import to_uint8

Draw = Callable[[Tensor], Tensor]
"""z [N, num_z] -> images [N, C, H, W] or points [N, D], float32 on the CPU."""

NUM, NUM_LARGE = 1000, 256
LARGE = 3 * 64 * 64  # values of a sample above which fewer are compared
BLOCK = 64


class InexactError(SparringError, ArithmeticError):
    """An export whose samples are too far from the original's."""

    exit_status = 4


@dataclass(frozen=True)
class Limits:
    """How far an export may be off; None: as far as it likes."""

    difference: float | None = None
    differing: float | None = None
    beyond_one: float | None = None
    levels: int | None = None
    frechet: float | None = None


FLOAT32 = Limits(difference=1e-5, differing=1e-4, levels=1)
FLOAT16 = Limits(beyond_one=1e-3, levels=2, frechet=0.02)
POINTS32, POINTS16 = Limits(difference=1e-5), Limits(difference=5e-3)


@dataclass(frozen=True)
class Parity:
    """The measured differences of an export from the original.

    runtime: what computed the export's samples. num: how many were compared.
    difference: the largest absolute one; of points, in relation to their largest absolute coordinate.
    differing, beyond_one: shares of 8-bit pixel values that differ at all, and by more than one level; levels: by how many at
    most. None for points.
    frechet, frechet_original: Frechet distances of both from the data, on the same z; None where they were not measured.
    rounding: the largest difference of the original itself from its value in float64, in the units of `difference`; measured
    where that is beyond its limit.
    """

    runtime: str
    num: int
    difference: float
    differing: float | None = None
    beyond_one: float | None = None
    levels: int | None = None
    frechet: float | None = None
    frechet_original: float | None = None
    rounding: float | None = None

    def misses(self, limits: Limits) -> list[str]:
        """What is beyond the limits, in words; [] where nothing is.

        A network that amplifies rounding may differ by twice its own: two ways of computing have one rounding error each.
        """
        most, change = limits.difference, None
        if most is not None and self.rounding is not None:
            most = max(most, 2 * self.rounding)
        if self.frechet is not None and self.frechet_original is not None:
            change = abs(self.frechet / self.frechet_original - 1)
        measured = (
            ("the largest difference", self.difference, most, ".2g"),
            ("the share of pixels that differ", self.differing, limits.differing, ".2%"),
            ("the share of pixels beyond one grey level", self.beyond_one, limits.beyond_one, ".2%"),
            ("the largest difference in grey levels", self.levels, limits.levels, "d"),
            ("the change of the Frechet distance", change, limits.frechet, ".1%"),
        )
        return [
            f"{name} is {value:{form}}, and may be {limit:{form}}"
            for name, value, limit, form in measured
            if value is not None and limit is not None and not value <= limit
        ]

    def require(self, limits: Limits, allow_inexact: bool) -> None:
        """Raise InexactError, which says how far it is off, unless the limits are kept or need not be."""
        misses = self.misses(limits)
        if misses and not allow_inexact:
            raise InexactError(
                f"the export draws other samples than the generator: {'; '.join(misses)}; nothing was written"
                " (--allow-inexact, in Python allow_inexact=True, writes it all the same)"
            )

    def __str__(self) -> str:
        own = "" if self.rounding is None else f" (PyTorch itself by {self.rounding:.1e} from float64)"
        if self.differing is None:
            return f"{self.num:,} points by {self.runtime}: off by {self.difference:.1e} of their scale at most{own}"
        text = f"{self.num:,} images by {self.runtime}: off by {self.difference:.1e} at most{own}; {self.differing:.4%} of the"
        text += f" 8-bit pixels differ, by {self.levels} at most"
        if self.frechet is None:
            return text
        return f"{text}; Frechet distance {self.frechet:.4f}, the original's {self.frechet_original:.4f}"


def limits_for(shape: tuple[int, ...], dtype: str) -> Limits:
    """The limits for samples of this shape, with weights of this type."""
    if len(shape) == 1:
        return POINTS16 if dtype == "float16" else POINTS32
    return FLOAT16 if dtype == "float16" else FLOAT32


def seeds_to_compare(generator: SavedGenerator) -> Tensor:
    """The z [N, num_z] that are compared: those of `sparring sample --seed 0`, 1,000, and 256 of large images."""
    large = torch.Size(generator.shape).numel() > LARGE
    return generator.z_in_blocks(NUM_LARGE if large else NUM, seed=0)


def measure(
    original: Draw, exported: Draw, z: Tensor, runtime: str, step: Callable[[int, int], None] = lambda *_: None
) -> Parity:
    """Compare two ways from z [N, num_z] to samples, a block at a time.

    runtime: what computes the exported one's. step: is told how many z of all are done. Raises InexactError for samples of
    another shape, and for values that are infinite or not a number.
    """
    return _summary(runtime, _pairs(original, exported, z.split(BLOCK), step))


def _pairs(
    original: Draw, exported: Draw, blocks: tuple[Tensor, ...], step: Callable[[int, int], None]
) -> Iterable[tuple[Tensor, Tensor]]:
    """The samples of both; InexactError where those of the export cannot be compared."""
    total, done = sum(map(len, blocks)), 0
    for block in blocks:
        mine, other = original(block), exported(block)
        if mine.shape != other.shape:
            shapes = f"{list(other.shape)} in place of {list(mine.shape)}"
            raise InexactError(f"the export gives samples {shapes}; nothing was written")
        if not other.isfinite().all():
            raise InexactError("the export's samples hold values that are infinite or not a number; nothing was written")
        yield mine, other
        done += len(block)
        step(done, total)


def _summary(runtime: str, pairs: Iterable[tuple[Tensor, Tensor]]) -> Parity:
    num, difference, scale, levels = 0, 0.0, 0.0, torch.zeros(256, dtype=torch.int64)
    images = True
    for mine, other in pairs:
        num += len(mine)
        difference = max(difference, (mine - other).abs().max().item())
        scale, images = max(scale, mine.abs().max().item()), mine.ndim == 4
        if images:
            levels += _apart(mine, other)
    if not images:
        return Parity(runtime, num, difference / max(scale, 1e-30))
    shares = (levels / levels.sum()).tolist()
    return Parity(runtime, num, difference, sum(shares[1:]), sum(shares[2:]), int(levels.nonzero().max()))


def _apart(mine: Tensor, other: Tensor) -> Tensor:
    """How many 8-bit values are 0, 1, ... 255 levels apart, int64 [256]."""
    return torch.bincount((to_uint8(mine).int() - to_uint8(other).int()).abs().flatten(), minlength=256)
