"""Interfaces between pictures and training: the source of images, when pictures are due, and their file names."""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from torch import Tensor

from sparring.config.schedules import Interval, RoundInfo
from sparring.errors import check
from sparring.visual.landscape import DiscriminatorFunction, LogDensity

MOST_TILES = 10_000


class NoiseLike(Protocol):
    """A distribution of z with `num` columns."""

    @property
    def num(self) -> int: ...


class CodeLike(NoiseLike, Protocol):
    """A distribution of z whose class and continuous codes can be set.

    Its columns are z itself, then a one-hot class of `classes` columns, then `continuous` codes in [-1, 1].
    """

    @property
    def classes(self) -> int: ...

    @property
    def continuous(self) -> int: ...

    def with_class(self, code: Tensor, class_: int | Tensor, /) -> Tensor: ...

    def with_continuous(self, code: Tensor, index: int, values: float | Tensor, /) -> Tensor: ...


class Sampler(Protocol):
    """The source of the images in pictures, all [N, *shape] in [-1, 1] on the CPU."""

    @property
    def noise(self) -> NoiseLike: ...

    @property
    def classes(self) -> Sequence[str]:
        """The names of the real images' classes; empty if they have no labels."""
        ...

    @property
    def discriminator(self) -> DiscriminatorFunction:
        """The discriminator in inference mode."""
        ...

    @property
    def log_density(self) -> LogDensity | None:
        """The exact density of the real points; None if it is unknown."""
        ...

    def z(self, num: int, *address: str | int) -> Tensor:
        """The z at this address of the keyed randomness, [num, num_z]."""
        ...

    def draw(self, z: Tensor) -> Tensor:
        """Images generated from z in inference mode."""
        ...

    def samples(self, num: int, *address: str | int) -> Tensor:
        """Images generated in inference mode from the z at this address."""
        ...

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        """Real images drawn without replacement."""
        ...

    def at_init(self, num: int) -> Tensor:
        """Images of a generator with PyTorch's default initial weights, in training mode."""
        ...


class Picture(Protocol):
    """Interface of a picture: a frozen dataclass registered as "picture".

    A picture that repeatedly shows the same z can serve as an animation. It declares `frames: ClassVar[str]`, the prefix of
    its file names before `epoch_0001.png` or `round_000020.png`. A picture that does not fit all data or every z defines
    `check_fits(shape: Sequence[int], noise: Noise) -> None`, which raises InputError before training starts.
    """

    def render(self, info: RoundInfo, sampler: Sampler, /) -> Iterator[tuple[str, bytes]]:
        """File names (under samples/) and PNG bytes of the pictures that are due after this round."""
        ...


def frame_prefix(pictures: Sequence[Picture]) -> str:
    """The file name prefix of an animation's frames: that of the first picture with `frames`, else empty."""
    starts = [getattr(picture, "frames", None) for picture in pictures]
    return next((start for start in starts if start is not None), "")


def frame_name(every: Interval, info: RoundInfo) -> str:
    """`epoch_0001.png` for an interval in epochs, `round_000020.png` for one in rounds and within an epoch."""
    by_epoch = info.epoch_ended and not every.rounds
    return f"epoch_{info.epoch:04d}.png" if by_epoch else f"round_{info.round:06d}.png"


def check_num_tiles(num: int) -> None:
    """Raise InputError for a picture of too many images."""
    check(num <= MOST_TILES, "the number of images in a picture", f"{num:,}", f"be at most {MOST_TILES:,}")
