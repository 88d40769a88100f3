"""Confidence and prediction intervals for independent values."""

from collections.abc import Sequence
from math import atan, cos, pi, sqrt, tan
from statistics import NormalDist, mean, stdev, variance


def mean_interval(values: Sequence[float], coverage: float = 0.95) -> tuple[float, float]:
    """The confidence interval of the expected value, mean +- t s / sqrt(n), from n >= 2 independent normal values."""
    half = t_quantile((1 + coverage) / 2, len(values) - 1) * stdev(values) / sqrt(len(values))
    return mean(values) - half, mean(values) + half


def share_interval(share: float, num: float, coverage: float = 0.95) -> tuple[float, float]:
    """The confidence interval of a probability, of which `share` was observed in `num` trials (Wilson 1927); within [0, 1]."""
    z = NormalDist().inv_cdf((1 + coverage) / 2)
    centre, half = share + z * z / (2 * num), z * sqrt(share * (1 - share) / num + (z / (2 * num)) ** 2)
    return (centre - half) / (1 + z * z / num), (centre + half) / (1 + z * z / num)


def prediction_interval(values: Sequence[float], coverage: float = 0.95) -> tuple[float, float]:
    """The prediction interval of one further value, mean +- t s sqrt(1 + 1/n), from n >= 2 independent normal values."""
    n = len(values)
    half = t_quantile((1 + coverage) / 2, n - 1) * stdev(values) * sqrt(1 + 1 / n)
    return mean(values) - half, mean(values) + half


def welch_test(a: Sequence[float], b: Sequence[float], coverage: float = 0.95) -> tuple[float, float]:
    """Half the width of the confidence interval of E[b] - E[a], and the two-sided p-value of E[a] = E[b] (Welch 1947).

    a, b: at least 2 independent normal values each; their variances may differ.
    """
    parts = [variance(values) / len(values) for values in (a, b)]
    error, difference = sqrt(sum(parts)), abs(mean(b) - mean(a))
    if error == 0:
        return 0.0, float(difference == 0)
    dof = sum(parts) ** 2 / sum(part**2 / (len(values) - 1) for part, values in zip(parts, (a, b), strict=True))
    low, high = 0.0, 1e6
    for _ in range(80):  # bisection for the t whose two tails hold 1 - coverage
        middle = (low + high) / 2
        low, high = (middle, high) if t_tails(middle, dof) > 1 - coverage else (low, middle)
    return error * high, t_tails(difference / error, dof)


def t_tails(t: float, dof: float) -> float:
    """P(|T| > t) of Student's t, `dof` at least 1: with t = sqrt(dof) tan(x) the density becomes cos(x)^(dof - 1)."""

    def integral(start: float, num: int = 500) -> float:
        step = (pi / 2 - start) / num
        return step * sum(cos(start + (i + 0.5) * step) ** (dof - 1) for i in range(num))

    return integral(atan(t / sqrt(dof))) / integral(0.0)


def t_quantile(probability: float, dof: int) -> float:
    """The quantile of Student's t by its expansion in 1/dof (Abramowitz and Stegun 26.7.5); exact for dof 1 and 2."""
    if dof == 1:
        return tan(pi * (probability - 0.5))
    if dof == 2:
        return (2 * probability - 1) * sqrt(2 / (4 * probability * (1 - probability)))
    z = NormalDist().inv_cdf(probability)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / dof**power for power, term in enumerate(terms))
