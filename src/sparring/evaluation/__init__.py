"""Scores: metric values of samples, with protocol, interval, floor and ceiling."""

from sparring.evaluation.own_metrics import Metric, OwnMetrics
from sparring.evaluation.references import Reference, as_dataset, reference_for
from sparring.evaluation.score import BETTER, Protocol, Score, check_comparable, difference
from sparring.evaluation.scoring import QUICK, floor, mean_scores, quick_scores, score_draws, score_samples

__all__ = [
    "BETTER",
    "QUICK",
    "Metric",
    "OwnMetrics",
    "Protocol",
    "Reference",
    "Score",
    "as_dataset",
    "check_comparable",
    "difference",
    "floor",
    "mean_scores",
    "quick_scores",
    "reference_for",
    "score_draws",
    "score_samples",
]
