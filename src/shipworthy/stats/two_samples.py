"""Two independent proportions: intervals for their difference."""

from __future__ import annotations

import math
from collections.abc import Callable

from shipworthy.stats.proportions import check_confidence, check_counts, two_sided_z, wilson_interval

_HALVINGS = 60
"""Bisection steps: 2 / 2**60 is below the spacing of floats near the ends."""


def newcombe_interval(x1: float, n1: float, x2: float, n2: float, level: float = 0.95) -> tuple[float, float]:
    """Newcombe's hybrid score interval for p1 - p2 of two independent samples.

    Args:
        x1: Successes in the first sample, 0 to n1.
        n1: Trials in the first sample, more than 0.
        x2: Successes in the second sample, 0 to n2.
        n2: Trials in the second sample, more than 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, -1 to 1.

    Raises:
        ValueError: If a count is impossible, a sample is empty or the level is not between 0 and 1.

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.

    >>> [round(end, 4) for end in newcombe_interval(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    _check_samples(x1, n1, x2, n2)
    first = wilson_interval(x1, n1, level)
    second = wilson_interval(x2, n2, level)
    return square_and_add(x1 / n1, first, x2 / n2, second)


def square_and_add(
    value1: float, interval1: tuple[float, float], value2: float, interval2: tuple[float, float]
) -> tuple[float, float]:
    """Interval of value1 - value2 recovered from the intervals of two independent estimates (MOVER).

    Args:
        value1: First estimate.
        interval1: Its lower and upper end.
        value2: Second estimate.
        interval2: Its lower and upper end.

    Returns:
        Lower and upper end of the difference, at the level of the two intervals.

    Source: Zou and Donner (2008), Statistics in Medicine 27.
    """
    gap = value1 - value2
    below = math.hypot(value1 - interval1[0], interval2[1] - value2)
    above = math.hypot(interval1[1] - value1, value2 - interval2[0])
    return gap - below, gap + above


def miettinen_nurminen_interval(
    x1: float, n1: float, x2: float, n2: float, level: float = 0.95, *, correction: bool = True
) -> tuple[float, float]:
    """Miettinen-Nurminen score interval for p1 - p2 of two independent samples.

    Args:
        x1: Successes in the first sample, 0 to n1.
        n1: Trials in the first sample, more than 0.
        x2: Successes in the second sample, 0 to n2.
        n2: Trials in the second sample, more than 0.
        level: Two-sided level, strictly between 0 and 1.
        correction: Whether the variance is multiplied by N / (N - 1); without it the interval is Mee's.

    Returns:
        Lower and upper end, -1 to 1.

    Raises:
        ValueError: If a count is impossible, a sample is empty or the level is not between 0 and 1.

    Source: Miettinen and Nurminen (1985), Statistics in Medicine 4; Mee (1984), Biometrics 40.

    >>> [round(end, 4) for end in miettinen_nurminen_interval(56, 70, 48, 80)]
    [0.0528, 0.3382]
    """
    _check_samples(x1, n1, x2, n2)
    check_confidence(level)
    observed = x1 / n1 - x2 / n2
    total = n1 + n2
    inflate = total / (total - 1) if correction else 1.0

    def score(difference: float) -> float:
        p2 = _restricted_rate(x1, n1, x2, n2, difference)
        p1 = min(1.0, max(0.0, p2 + difference))
        variance = inflate * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
        return _standardised(observed - difference, variance)

    return score_interval(score, observed, two_sided_z(level))


def score_interval(score: Callable[[float], float], observed: float, z: float) -> tuple[float, float]:
    """Interval of a difference in [-1, 1] by inverting a score statistic.

    Args:
        score: Standardised distance of the observation from a supposed difference; falls as that grows.
        observed: The observed difference, where the score is zero.
        z: Normal quantile for both sides.

    Returns:
        The differences at which the score reaches z and -z, or the end of the range if it never does.
    """
    lower = _last_true(lambda difference: score(difference) <= z, observed, -1.0)
    upper = _last_true(lambda difference: score(difference) >= -z, observed, 1.0)
    return lower, upper


def _last_true(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    if holds(outside):
        return outside
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def _standardised(distance: float, variance: float) -> float:
    if distance == 0:
        return 0.0
    return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)


def _restricted_rate(x1: float, n1: float, x2: float, n2: float, difference: float) -> float:
    """Most likely p2 when p1 - p2 is fixed: the closed root of the cubic (Farrington and Manning 1990)."""
    d, total, successes = difference, n1 + n2, x1 + x2
    quadratic = ((n1 + 2 * n2) * d - total - successes) / (3 * total)
    linear = ((n2 * d - total - 2 * x2) * d + successes) / total
    constant = x2 * d * (1 - d) / total
    q = quadratic**3 - quadratic * linear / 2 + constant / 2
    p = math.copysign(math.sqrt(max(0.0, quadratic**2 - linear / 3)), q)
    cosine = min(1.0, max(-1.0, q / p**3)) if p else 0.0
    root = 2 * p * math.cos((math.pi + math.acos(cosine)) / 3) - quadratic
    return min(min(1.0, 1 - d), max(max(0.0, -d), root))


def _check_samples(x1: float, n1: float, x2: float, n2: float) -> None:
    check_counts(x1, n1)
    check_counts(x2, n2)
    if n1 == 0 or n2 == 0:
        raise ValueError("a difference of proportions needs trials in both samples")
