"""What pictures are to those who draw and keep them: where they get what they show, when they are due, what their files are."""

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from torch import Tensor

from sparring.config.schedules import Interval, RoundInfo
from sparring.errors import check
from sparring.visual.landscape import DiscriminatorFunction, LogDensity

MOST_TILES = 10_000


class NoiseLike(Protocol):
    """The distribution of z: `num` columns. One of codes can write into some of them.

    A code's columns: z itself, then `classes` of a one-hot class, then `continuous` ones in [-1, 1].
    """

    @property
    def num(self) -> int: ...


class CodeLike(NoiseLike, Protocol):
    """Noise in which a class and other codes can be chosen."""

    @property
    def classes(self) -> int: ...

    @property
    def continuous(self) -> int: ...

    def with_class(self, code: Tensor, class_: int | Tensor, /) -> Tensor: ...

    def with_continuous(self, code: Tensor, index: int, values: float | Tensor, /) -> Tensor: ...


class Sampler(Protocol):
    """Where pictures get their images from, all [N, *shape] in [-1, 1] on the CPU."""

    @property
    def noise(self) -> NoiseLike: ...

    @property
    def classes(self) -> Sequence[str]:
        """The names of the real images' classes; none where they have none."""
        ...

    @property
    def discriminator(self) -> DiscriminatorFunction:
        """What D says in inference mode."""
        ...

    @property
    def log_density(self) -> LogDensity | None:
        """The exact density of the real points, where it is known."""
        ...

    def z(self, num: int, *address: str | int) -> Tensor:
        """[num, num_z]: the z at this address."""
        ...

    def draw(self, z: Tensor) -> Tensor:
        """Generated in inference mode from this z."""
        ...

    def samples(self, num: int, *address: str | int) -> Tensor:
        """Generated in inference mode from the z at this address."""
        ...

    def real(self, num: int, split: Literal["train", "test"]) -> Tensor:
        """Real images drawn without replacement."""
        ...

    def at_init(self, num: int) -> Tensor:
        """From a generator with PyTorch's own initial values, in training mode."""
        ...


class Picture(Protocol):
    """A frozen dataclass registered as "picture".

    One that shows the same again and again says with `frames: ClassVar[str]` what stands in its files' names before
    `epoch_0001.png` or `round_000020.png`. One that cannot show all data or every z says so with
    `check_fits(shape: Sequence[int], noise: Noise) -> None`, which raises InputError before anything is trained.
    """

    def render(self, info: RoundInfo, studio: Sampler) -> Iterator[tuple[str, bytes]]:
        """File names (under samples/) and PNG bytes of what is due at this moment."""
        ...


def frame_prefix(pictures: Sequence[Picture]) -> str:
    """How the names of an animation's frames begin: those of the first of these pictures that is drawn again and again."""
    starts = [getattr(picture, "frames", None) for picture in pictures]
    return next((start for start in starts if start is not None), "")


def frame_name(every: Interval, info: RoundInfo) -> str:
    """`epoch_0001.png` for a rhythm of epochs, `round_000020.png` for one of rounds and in the midst of an epoch."""
    by_epoch = info.epoch_ended and not every.rounds
    return f"epoch_{info.epoch:04d}.png" if by_epoch else f"round_{info.round:06d}.png"


def check_num_tiles(num: int) -> None:
    """InputError where a picture would have too many images."""
    check(num <= MOST_TILES, "the number of images in a picture", f"{num:,}", f"be at most {MOST_TILES:,}")
