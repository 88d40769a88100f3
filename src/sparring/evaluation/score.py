"""Scores: metric values together with the protocol that makes them comparable."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from sparring.errors import InputError


@dataclass(frozen=True)
class Protocol:
    """The protocol of a score. Two scores are comparable only if all fields agree, but for the last three."""

    extractor: str  # label of the extractor, or "none" for points and pixels
    extractor_hash: str
    data: str
    data_fingerprint: str  # of the real images or points measured against
    split: Literal["test", "all"]  # all: test and training examples together
    num_samples: int
    num_real: int
    preprocessing: str
    options: str
    seed: int
    interval: str  # method of the interval
    weak_extractor: str | None = None  # why scores by this extractor say little; None if it is good enough

    @property
    def extractor_text(self) -> str:
        """The extractor's label, with a mark where it is weak."""
        return f"{self.extractor} (weak: {self.weak_extractor})" if self.weak_extractor else self.extractor


@dataclass(frozen=True)
class Score:
    """A metric's value and 95 % interval, with bounds to read it by.

    `floor`: the value of real training examples under the same protocol, None if there are too few of them. `ceiling`: the
    expected value of a perfect generator, None if it is unknown.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    protocol: Protocol

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" ({number(self.low)} to {number(self.high)})"
        floor = "" if self.floor is None else f", real images {number(self.floor)}"
        weak = f", by a weak extractor ({self.protocol.weak_extractor})" if self.protocol.weak_extractor else ""
        name, num = self.metric.replace("_", " "), self.protocol.num_samples
        return f"{name} {number(self.value)}{interval}{floor}, {num:,} samples{weak}"


BETTER: Mapping[str, Literal["lower", "higher"]] = {
    **dict.fromkeys(
        ("frechet_distance", "kernel_distance", "energy_distance", "missing_classes", "mode_kl", "mode_kl_excess"), "lower"
    ),
    **dict.fromkeys(
        ("precision", "recall", "coverage", "classifier_score", "class_entropy", "modes", "high_quality"), "higher"
    ),
}
"""The better direction of each metric that has one."""

NOT_COMPARED = {"extractor", "data", "seed", "interval", "weak_extractor"}  # the first two are compared by their hashes


def difference(a: Score, b: Score) -> str | None:
    """The first difference between the protocols of two scores, in words; None if the scores can be compared."""
    if a.metric != b.metric:
        return f"metric ({a.metric} against {b.metric})"
    for field in fields(Protocol):
        mine, other = (getattr(score.protocol, field.name) for score in (a, b))
        if field.name not in NOT_COMPARED and mine != other:
            names = {"extractor_hash": "extractor", "data_fingerprint": "data"}
            shown = [getattr(score.protocol, names.get(field.name, field.name)) for score in (a, b)]
            if shown[0] == shown[1]:
                shown = [mine, other]
            return f"{names.get(field.name, field.name)} ({shown[0]} against {shown[1]})"
    return None


def check_comparable(a: Score, b: Score, names: tuple[str, str]) -> None:
    """Raise InputError, naming the difference, unless both scores were taken under one protocol."""
    found = difference(a, b)
    if found:
        raise InputError(f"the {a.metric} of {names[0]} and of {names[1]} cannot be compared: they differ in {found}")


def number(value: float | None) -> str:
    """A number as text with about four significant digits; a dash for None."""
    if value is None:
        return "-"
    if 0 < abs(value) < 0.1:
        return f"{value:.4g}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
