"""Scores: what the metrics say of samples, with protocol, interval, floor and ceiling."""

from sparring.scores.evaluate import QUICK, floor, of_draws, of_given, quick
from sparring.scores.score import BETTER, Protocol, Score, check_comparable, difference
from sparring.scores.standards import Standard, examples, standard_for

__all__ = [
    "BETTER",
    "QUICK",
    "Protocol",
    "Score",
    "Standard",
    "check_comparable",
    "difference",
    "examples",
    "floor",
    "of_draws",
    "of_given",
    "quick",
    "standard_for",
]
