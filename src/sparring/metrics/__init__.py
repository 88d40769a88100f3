"""Metrics of generated samples: tensors in, numbers out.

Every function is pure: it takes features, logits, labels, points or pixels of any dtype, computes in float64 on their
device, a chunk at a time, and returns floats or a small frozen dataclass. Too few samples and values that are not finite
raise InputError.
"""

from sparring.metrics.classifier import class_shares, classifier_score, entropy, missing_classes, shares_of
from sparring.metrics.energy import energy_distance
from sparring.metrics.frechet import Moments, frechet_distance
from sparring.metrics.kernel import KernelDistance, kernel_distance, mean_kernel, mmd2_unbiased
from sparring.metrics.memorisation import memorisation
from sparring.metrics.modes import MixtureQuality, ModeCount, mixture_quality, number_modes
from sparring.metrics.neighbours import NeighbourScores, RealNeighbours, expected_coverage, nearest_radii, neighbour_scores

__all__ = [
    "KernelDistance",
    "MixtureQuality",
    "ModeCount",
    "Moments",
    "NeighbourScores",
    "RealNeighbours",
    "class_shares",
    "classifier_score",
    "energy_distance",
    "entropy",
    "expected_coverage",
    "frechet_distance",
    "kernel_distance",
    "mean_kernel",
    "memorisation",
    "missing_classes",
    "mixture_quality",
    "mmd2_unbiased",
    "nearest_radii",
    "neighbour_scores",
    "number_modes",
    "shares_of",
]
