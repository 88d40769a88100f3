"""Scores: what the metrics say of samples, with protocol, interval, floor and ceiling."""

from sparring.evaluation.references import Standard, examples, standard_for
from sparring.evaluation.score import BETTER, Protocol, Score, check_comparable, difference
from sparring.evaluation.scoring import QUICK, floor, of_draws, of_given, quick

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
