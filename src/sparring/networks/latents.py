"""Distributions of z, the generator's input."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Protocol

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import InputError, check


class Noise(Protocol):
    """A distribution of z, which has `num` columns."""

    @property
    def num(self) -> int: ...

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        """[num_samples, num] float32 on the device of `rng`."""
        ...


@dataclass(frozen=True)
class _Even(Ranged, prefix="z."):
    """`num` independent, equal coordinates."""

    num: Annotated[int, Range(1)] = 100


@register("noise")
@dataclass(frozen=True)
class Normal(_Even):
    """z ~ N(0, 1)."""

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        return torch.randn(num_samples, self.num, generator=rng, device=rng.device)


@register("noise")
@dataclass(frozen=True)
class Uniform(_Even):
    """z ~ U(-1, 1)."""

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        return 2 * torch.rand(num_samples, self.num, generator=rng, device=rng.device) - 1


@register("noise")
@dataclass(frozen=True)
class Mixture(Ranged, prefix="z."):
    """z ~ N(0, std^2), followed by one of `components`, drawn evenly, as one-hot columns.

    G's first linear layer makes of it a mixture of normal distributions with centres of their own and one covariance, both
    learned: DeLiGAN's z (Gurumurthy et al. 2017, https://arxiv.org/abs/1706.02071; there every component has its own
    deviations). What G makes of it may lie apart; what a continuous G makes of a connected z has bridges.
    """

    normal: Annotated[int, Range(1)] = 2
    components: Annotated[int, Range(2)] = 64
    std: Annotated[float, Range(above=0)] = 1.0

    @property
    def num(self) -> int:
        """All columns: [normal | one-hot component]."""
        return self.normal + self.components

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        normal = torch.randn(num_samples, self.normal, generator=rng, device=rng.device)
        drawn = torch.randint(self.components, (num_samples,), generator=rng, device=rng.device)
        return torch.cat((self.std * normal, one_hot(drawn, self.components).to(normal.dtype)), dim=1)


@register("noise")
@dataclass(frozen=True)
class Code(Ranged, prefix="z."):
    """z ~ N(0, std^2), then a class as one-hot columns, and codes ~ U(-1, 1). Classes are drawn evenly, or by `weights`.

    G's first linear layer makes of the one-hot columns what others call a class embedding. With classes alone it is the input
    of a conditional GAN (Mirza and Osindero 2014, https://arxiv.org/abs/1411.1784); classes and codes that D has to find again
    are InfoGAN's (Chen et al. 2016, https://arxiv.org/abs/1606.03657).
    """

    normal: Annotated[int, Range(1)] = 100
    classes: Annotated[int, Range(0)] = 0
    continuous: Annotated[int, Range(0)] = 0
    weights: tuple[Annotated[float, Range(0)], ...] = ()
    std: Annotated[float, Range(above=0)] = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.weights
        good = not weights or (len(weights) == self.classes and sum(weights) > 0)
        rule = f"be empty, or one number for each of the {self.classes:,} classes, not all of them 0"
        check(good, "z.weights", f"a list of {len(self.weights):,}", rule)
        check(self.classes != 1, "z.classes", self.classes, "be 0, or at least 2")

    @property
    def num(self) -> int:
        """All columns: [normal | one-hot class | continuous]."""
        return self.normal + self.class_columns + self.continuous

    @property
    def class_columns(self) -> int:
        """The columns of a class: one for each class."""
        return self.classes

    def encoded(self, labels: Tensor) -> Tensor:
        """The columns of these classes (int64 [N]), [N, class_columns] int64 on their device."""
        return one_hot(labels, self.classes)

    def sample(self, num_samples: int, rng: Generator) -> Tensor:
        z = self.std * torch.randn(num_samples, self.normal, generator=rng, device=rng.device)
        parts = [z]
        if self.classes:
            parts.append(self.encoded(self._draw(num_samples, rng)).to(z.dtype))
        if self.continuous:
            parts.append(2 * torch.rand(num_samples, self.continuous, generator=rng, device=rng.device) - 1)
        return torch.cat(parts, dim=1)

    def _draw(self, num_samples: int, rng: Generator) -> Tensor:
        """Classes [num_samples]."""
        if not self.weights:
            return torch.randint(self.classes, (num_samples,), generator=rng, device=rng.device)
        return torch.multinomial(_on(rng.device, self.weights), num_samples, replacement=True, generator=rng)

    def codes(self, code: Tensor) -> Tensor:
        """Class and continuous columns [B, classes + continuous] of codes [B, num]."""
        return code[:, self.normal :]

    def class_of(self, code: Tensor) -> Tensor:
        """The class of each code, int64 [B]; InputError where there are no classes."""
        self._check_classes()
        every = self.encoded(torch.arange(self.classes, device=code.device)).to(code.dtype)
        return (code[:, self.normal : self.normal + self.class_columns] @ every.T).argmax(1)

    def with_class(self, code: Tensor, class_: int | Tensor) -> Tensor:
        """The same codes, all of this class, or each of its own (int64 [B]); InputError for a class that there is not."""
        self._check_classes()
        lowest, highest = (class_, class_) if isinstance(class_, int) else (int(class_.min()), int(class_.max()))
        if lowest < 0 or highest >= self.classes:
            raise InputError(f"there is no class {class_}; the classes are 0 to {self.classes - 1}")
        wanted = torch.as_tensor(class_, device=code.device).expand(len(code))
        changed = code.clone()
        changed[:, self.normal : self.normal + self.class_columns] = self.encoded(wanted).to(code.dtype)
        return changed

    def with_continuous(self, code: Tensor, index: int, values: float | Tensor) -> Tensor:
        """The same codes with one continuous column set, to one value or to [B]; InputError for a column that there is not."""
        if not 0 <= index < self.continuous:
            raise InputError(f"there is no continuous code {index}; the generator has {self.continuous}")
        changed = code.clone()
        changed[:, self.normal + self.class_columns + index] = values
        return changed

    def _check_classes(self) -> None:
        if not self.classes:
            raise InputError("this generator was not trained with classes")


@lru_cache(maxsize=16)
def _on(device: torch.device, numbers: tuple) -> Tensor:
    """Weights or values on a device, copied once, so that no round waits for a copy."""
    return torch.tensor(numbers).to(device)


@register("noise")
@dataclass(frozen=True)
class AttributeCode(Code):
    """A `Code` whose classes are combinations of attributes, such as a shape and a colour, each with values of its own.

    `values[class]` has the number of each attribute's value. A class has a one-hot block for each attribute, so that what G and
    D learn of a value serves all combinations with it: G's first layer sums the embeddings of the values, and a projection D
    sums theirs.
    """

    values: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        num_values, each = {len(values) for values in self.values}, [value for values in self.values for value in values]
        good = len(set(self.values)) == self.classes == len(self.values) and len(num_values) < 2 and min(each, default=0) >= 0
        good = good and () not in self.values
        rule = f"have as many values for each of the {self.classes:,} classes, from 0, no two classes with the same ones"
        check(good, "z.values", f"a list of {len(self.values):,}", rule)

    @property
    def class_columns(self) -> int:
        """The columns of a class: one for each value of each attribute."""
        return sum(self._sizes)

    @property
    def _sizes(self) -> tuple[int, ...]:
        """The number of values of each attribute."""
        return tuple(max(column) + 1 for column in zip(*self.values, strict=True))

    def encoded(self, labels: Tensor) -> Tensor:
        chosen = _on(labels.device, self.values)[labels]
        return torch.cat([one_hot(column, size) for column, size in zip(chosen.T, self._sizes, strict=True)], dim=1)
