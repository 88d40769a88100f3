"""Policies for values that are infinite or not a number, and the error that names such a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, Protocol

from torch import Tensor

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.config.schedules import RoundInfo
from sparring.errors import NonFiniteError

NetworkName = Literal["generator", "discriminator"]


class NonFinitePolicy(Protocol):
    """A policy for values that are not finite, chosen by the recipe's `non_finite`.

    `guards`: losses and gradients are checked before every step, which costs a little and on a GPU waits for the device;
    otherwise the losses of each round are checked after it (on a GPU: of rounds that the journal reads).
    """

    guards: ClassVar[bool]


@register("remedy")
@dataclass(frozen=True)
class Stop:
    """The run stops, its last good checkpoint kept."""

    guards: ClassVar[bool] = False


@register("remedy")
@dataclass(frozen=True)
class Skip(Ranged, prefix="non_finite."):
    """The update and the rest of its round are skipped; the run goes on with the next round.

    After `at_most` skipped rounds in a run the next one stops it.
    """

    at_most: Annotated[int, Range(1)] = 10

    guards: ClassVar[bool] = True


@register("remedy")
@dataclass(frozen=True)
class RollBack(Ranged, prefix="non_finite."):
    """The run goes back to its newest intact checkpoint, and on from there with smaller steps.

    The k-th time every learning rate is that of the recipe times lr_factor^k; after `at_most` times the next one stops the run.
    """

    at_most: Annotated[int, Range(1)] = 3
    lr_factor: Annotated[float, Range(above=0, below=1)] = 0.5

    guards: ClassVar[bool] = True


@dataclass(frozen=True)
class NonFiniteValue:
    """A value that is not finite: `value` is "nan", "inf" or "-inf", `term` says what it is the value of.

    `batch`: the tensors that led there, as far as they are known: "real", "z", losses and logits by the names of the readings.
    """

    term: str
    network: NetworkName
    value: str
    batch: Mapping[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, term: str, network: NetworkName, tensor: Tensor) -> "NonFiniteValue":
        """The kind of non-finite value in a tensor; "inf" where all entries are finite, for its norm has overflowed then."""
        value = "nan" if tensor.isnan().any() else "-inf" if tensor.isneginf().any() and not tensor.isposinf().any() else "inf"
        return cls(term, network, value)

    def __str__(self) -> str:
        return f"{self.term} of the {self.network} became {self.value}"


class DivergenceError(NonFiniteError):
    """A loss, gradient, weight or sample is not finite; `info`: the end of the round, where it is known."""

    def __init__(self, found: NonFiniteValue, info: RoundInfo | None = None, remark: str = ""):
        where = f" at round {info.round} (epoch {info.epoch})" if info else ""
        super().__init__(f"{found}{where}{remark}")
        self.non_finite: NonFiniteValue = found
        self.info: RoundInfo | None = info
