"""Comparable scores, and differences between them that exceed chance."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import hypot

from sparring.errors import InputError
from sparring.evaluation import BETTER, Score, check_comparable, difference
from sparring.runs.run import Run
from sparring.runs.scorebook import Evaluation

Estimate = tuple[float, float | None]  # a value, and half the width of its 95 % interval


@dataclass(frozen=True)
class Difference:
    """The difference between two scores, b - a, or between the means of two groups of seeds.

    `noise` bounds the difference that chance alone makes in 95 % of cases; None if a score has no interval. `p_value`: of
    groups, that of Welch's t-test.
    """

    metric: str
    a: str
    b: str
    difference: float
    noise: float | None
    p_value: float | None = None

    @property
    def exceeds(self) -> bool | None:
        return None if self.noise is None else abs(self.difference) > self.noise

    @property
    def matters(self) -> bool:
        """True if the difference exceeds the noise and shows in four decimals."""
        return bool(self.exceeds) and abs(self.difference) >= 5e-5

    @property
    def better(self) -> bool | None:
        """True if b is better than a; None if they are equal or the metric has no better direction."""
        if self.difference == 0 or self.metric not in BETTER:
            return None
        return (self.difference < 0) == (BETTER[self.metric] == "lower")


@dataclass(frozen=True)
class Line:
    """A metric under one protocol: the score of each run that has one."""

    metric: str
    scores: tuple[Score | None, ...]

    @property
    def first(self) -> Score:
        return next(score for score in self.scores if score)


def lines(evaluations: Sequence[Evaluation | None]) -> Iterator[Line]:
    """The scores grouped by metric; scores of one metric that cannot be compared go to separate lines."""
    for metric in dict.fromkeys(score.metric for e in evaluations if e for score in e.scores):
        left = [next((score for score in e.scores if score.metric == metric), None) if e else None for e in evaluations]
        while any(left):
            first = next(score for score in left if score)
            alike = tuple(score if score and difference(first, score) is None else None for score in left)
            yield Line(metric, alike)
            left = [None if taken else score for score, taken in zip(left, alike, strict=True)]


def against_first(metric: str, estimates: Iterable[Estimate | None], names: Sequence[str]) -> Iterator[Difference]:
    """The difference of each estimate from the first one; the noise assumes independent normal estimates."""
    there = [(name, e) for name, e in zip(names, estimates, strict=True) if e]
    for b, (other, other_half) in there[1:]:
        a, (value, half) = there[0]
        noise = None if half is None or other_half is None else hypot(half, other_half)
        yield Difference(metric, a, b, other - value, noise)


def estimate(score: Score | None) -> Estimate | None:
    """A score's value and half width; the longer half counts, as the other may be clipped at the metric's bound."""
    if score is None:
        return None
    if score.low is None or score.high is None:
        return score.value, None
    return score.value, max(score.value - score.low, score.high - score.value)


def of_one_protocol(runs: Sequence[Run]) -> tuple[Evaluation | None, ...]:
    """One evaluation a run, all under one protocol: the newest full ones if possible, else older or quick ones.

    A run without evaluations gets None. Raises InputError, naming two runs and the difference, if no protocol is common.
    """
    offers = [sorted([e for e in run.scores()[::-1] if e.scores], key=lambda e: e.quick) for run in runs]
    scored = [i for i, offer in enumerate(offers) if offer]
    for wanted in offers[scored[0]] if scored else []:
        found = [next((e for e in offer if _alike(e, wanted)), None) for offer in offers]
        if all(found[i] for i in scored):
            return tuple(found)
    for a, b in combinations(scored, 2):
        if not any(_alike(mine, other) for mine in offers[a] for other in offers[b]):
            _refuse(runs[a], runs[b], offers[a][0].scores[0], offers[b][0].scores[0])
    for a, b in combinations(scored, 2):  # every pair has a common protocol, but all together have none
        _refuse(runs[a], runs[b], offers[a][0].scores[0], offers[b][0].scores[0])
    return (None,) * len(runs)


def _alike(a: Evaluation, b: Evaluation) -> bool:
    """True if the primary scores of two evaluations can be compared."""
    return difference(a.scores[0], b.scores[0]) is None


def _refuse(a: Run, b: Run, mine: Score, other: Score) -> None:
    try:
        check_comparable(mine, other, (str(a.path), str(b.path)))
    except InputError as error:
        if mine.metric != other.metric:
            raise InputError(f"{error}; compare runs on data of one kind") from None
        against = f" --against {mine.protocol.data}" if str(difference(mine, other)).startswith("data ") else ""
        commands = " and ".join(f"`sparring evaluate {run.path}{against}`" for run in (a, b))
        raise InputError(f"{error}; evaluate them alike: {commands}") from None
