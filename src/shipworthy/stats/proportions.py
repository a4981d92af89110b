"""One proportion: exact one-sided bounds and intervals from a count of successes and a number of trials."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

_FEW = 10
"""Below this many successes or failures the Wilson interval is replaced by the exact one."""


def lower_bound(successes: float, n: float, confidence: float = 0.95) -> float:
    """One-sided exact (Clopper-Pearson) lower bound of a proportion.

    Args:
        successes: Number of successes, 0 to n; fractions are allowed (effective counts).
        n: Number of trials, at least 0; without trials nothing is known and the bound is 0.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The bound, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the confidence is not between 0 and 1.

    Source: Clopper and Pearson (1934), Biometrika 26.

    >>> round(lower_bound(416, 500), 4) >= 0.80 > round(lower_bound(415, 500), 4)
    True
    """
    check_counts(successes, n)
    check_confidence(confidence)
    if successes <= 0:
        return 0.0
    return float(special.betaincinv(successes, n - successes + 1, 1 - confidence))


def upper_bound(successes: float, n: float, confidence: float = 0.95) -> float:
    """One-sided exact (Clopper-Pearson) upper bound of a proportion.

    Args:
        successes: Number of successes, 0 to n; fractions are allowed (effective counts).
        n: Number of trials, at least 0; without trials nothing is known and the bound is 1.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The bound, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the confidence is not between 0 and 1.

    Source: Clopper and Pearson (1934), Biometrika 26.

    >>> upper_bound(0, 299) < 0.01 < upper_bound(0, 298)
    True
    """
    check_counts(successes, n)
    check_confidence(confidence)
    if successes >= n:
        return 1.0
    return float(special.betaincinv(successes + 1, n - successes, confidence))


def lower_bounds(
    successes: NDArray[np.float64], n: NDArray[np.float64], confidence: float = 0.95
) -> NDArray[np.float64]:
    """`lower_bound` for arrays that broadcast; impossible counts give nan instead of an error.

    Args:
        successes: Numbers of successes, any shape.
        n: Numbers of trials, a shape that broadcasts with `successes`.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The bounds, 0 to 1, in the broadcast shape.

    Raises:
        ValueError: If the confidence is not between 0 and 1.

    Source: Clopper and Pearson (1934), Biometrika 26.
    """
    check_confidence(confidence)
    x, trials = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    some = x > 0
    inner = special.betaincinv(np.where(some, x, 1.0), np.where(some, trials - x + 1, 1.0), 1 - confidence)
    return np.where((x < 0) | (x > trials), np.nan, np.where(some, inner, 0.0))


def upper_bounds(
    successes: NDArray[np.float64], n: NDArray[np.float64], confidence: float = 0.95
) -> NDArray[np.float64]:
    """`upper_bound` for arrays that broadcast; impossible counts give nan instead of an error.

    Args:
        successes: Numbers of successes, any shape.
        n: Numbers of trials, a shape that broadcasts with `successes`.
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        The bounds, 0 to 1, in the broadcast shape.

    Raises:
        ValueError: If the confidence is not between 0 and 1.

    Source: Clopper and Pearson (1934), Biometrika 26.
    """
    check_confidence(confidence)
    x, trials = np.broadcast_arrays(np.asarray(successes, float), np.asarray(n, float))
    some = x < trials
    inner = special.betaincinv(np.where(some, x + 1, 1.0), np.where(some, trials - x, 1.0), confidence)
    return np.where((x < 0) | (x > trials), np.nan, np.where(some, inner, 1.0))


def exact_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Two-sided exact (Clopper-Pearson) interval of a proportion.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials, at least 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the level is not between 0 and 1.

    Source: Clopper and Pearson (1934), Biometrika 26.

    >>> [round(end, 4) for end in exact_interval(81, 263)]
    [0.2527, 0.3676]
    """
    one_sided = (1 + level) / 2
    return lower_bound(successes, n, one_sided), upper_bound(successes, n, one_sided)


def wilson_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Two-sided Wilson score interval of a proportion.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials, at least 0; without trials the interval is all of 0 to 1.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the level is not between 0 and 1.

    Source: Wilson (1927), JASA 22.

    >>> [round(end, 4) for end in wilson_interval(81, 263)]
    [0.2553, 0.3662]
    """
    check_counts(successes, n)
    check_confidence(level)
    if n == 0:
        return 0.0, 1.0
    z_squared = two_sided_z(level) ** 2
    rate = successes / n
    shrink = 1 + z_squared / n
    centre = (rate + z_squared / (2 * n)) / shrink
    half = math.sqrt(z_squared * (rate * (1 - rate) / n + z_squared / (4 * n * n))) / shrink
    lower = 0.0 if successes <= 0 else max(0.0, centre - half)
    upper = 1.0 if successes >= n else min(1.0, centre + half)
    return lower, upper


def display_interval(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a proportion to show to people: Wilson, or exact when few successes or failures were seen.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials, at least 0.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, 0 to 1.

    Raises:
        ValueError: If a count is impossible or the level is not between 0 and 1.
    """
    if is_few(successes, n):
        return exact_interval(successes, n, level)
    return wilson_interval(successes, n, level)


def is_few(successes: float, n: float) -> bool:
    """Whether there are too few successes or failures for an approximate interval.

    Args:
        successes: Number of successes, 0 to n.
        n: Number of trials.

    Returns:
        True when successes or failures number fewer than ten.
    """
    return min(successes, n - successes) < _FEW


def two_sided_z(level: float) -> float:
    """Normal quantile that leaves half of `1 - level` in each tail.

    Args:
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        The quantile, for example 1.96 for 0.95.
    """
    return float(special.ndtri((1 + level) / 2))


def check_counts(successes: float, n: float) -> None:
    """Refuse counts that cannot be.

    Args:
        successes: Number of successes.
        n: Number of trials.

    Raises:
        ValueError: If not 0 <= successes <= n, or n is not finite.
    """
    if not (0 <= successes <= n < math.inf):
        raise ValueError(f"a proportion needs 0 <= successes <= n, got {successes} of {n}")


def check_confidence(confidence: float) -> None:
    """Refuse a confidence or level that is no probability inside (0, 1).

    Args:
        confidence: The value to check.

    Raises:
        ValueError: If not strictly between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
