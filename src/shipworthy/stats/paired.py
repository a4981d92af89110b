"""Two results on the same cases: tests and intervals for the difference of paired proportions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.confidence import CountTableMean, Side
from shipworthy.stats.proportions import check_confidence, two_sided_z, wilson_interval
from shipworthy.stats.two_samples import score_interval


def tango_interval(b: float, c: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Tango's score interval for the difference (b - c) / n of paired proportions.

    Args:
        b: Cases where only the first succeeded, at least 0.
        c: Cases where only the second succeeded, at least 0.
        n: All cases, more than 0 and at least b + c.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, -1 to 1.

    Raises:
        ValueError: If the counts are impossible or the level is not between 0 and 1.

    Source: Tango (1998), Statistics in Medicine 17.

    >>> [round(end, 4) for end in tango_interval(6, 16, 161)]
    [-0.124, -0.0054]
    """
    _check_pairs(b, c, n)
    check_confidence(level)

    def score(difference: float) -> float:
        linear = -b - c + (2 * n - b + c) * difference
        constant = -c * difference * (1 - difference)
        rate = (math.sqrt(max(0.0, linear**2 - 8 * n * constant)) - linear) / (4 * n)
        variance = n * (2 * rate + difference * (1 - difference))
        distance = b - c - n * difference
        if abs(distance) < 1e-12 * n:
            return 0.0
        return distance / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, distance)

    return score_interval(score, (b - c) / n, two_sided_z(level))


def newcombe_paired_interval(
    a: float, b: float, c: float, d: float, level: float = 0.95
) -> tuple[float, float]:
    """Newcombe's square-and-add interval for the difference (b - c) / n of paired proportions.

    Args:
        a: Cases where both succeeded.
        b: Cases where only the first succeeded.
        c: Cases where only the second succeeded.
        d: Cases where neither succeeded.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower and upper end, -1 to 1.

    Raises:
        ValueError: If a count is negative, all are 0, or the level is not between 0 and 1.

    Source: Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.

    >>> [round(end, 4) for end in newcombe_paired_interval(59, 6, 16, 80)]
    [-0.1186, -0.0046]
    """
    _check_four(a, b, c, d)
    n = a + b + c + d
    first, second = (a + b) / n, (a + c) / n
    low1, high1 = wilson_interval(a + b, n, level)
    low2, high2 = wilson_interval(a + c, n, level)
    phi = _correlation(a, b, c, d)
    below = _correlated_sum(first - low1, high2 - second, phi)
    above = _correlated_sum(high1 - first, second - low2, phi)
    return first - second - below, first - second + above


def mcnemar_exact(b: int, c: int) -> float:
    """Two-sided exact McNemar p-value that both succeed equally often.

    Args:
        b: Cases where only the first succeeded, at least 0.
        c: Cases where only the second succeeded, at least 0.

    Returns:
        The p-value, 0 to 1; 1 without a discordant case.

    Raises:
        ValueError: If a count is negative.

    Source: McNemar (1947), Psychometrika 12.

    >>> round(mcnemar_exact(6, 16), 6)
    0.052479
    """
    _check_pairs(b, c, b + c + 1)
    return min(1.0, 2 * _fair_coin_tail(b, c))


def mcnemar_mid_p(b: int, c: int) -> float:
    """Two-sided mid-p McNemar p-value that both succeed equally often.

    Args:
        b: Cases where only the first succeeded, at least 0.
        c: Cases where only the second succeeded, at least 0.

    Returns:
        The p-value, 0 to 1; 1 without a discordant case.

    Raises:
        ValueError: If a count is negative.

    Source: Fagerland, Lydersen and Laake (2013), BMC Medical Research Methodology 13.

    >>> round(mcnemar_mid_p(6, 16), 6)
    0.03469
    """
    _check_pairs(b, c, b + c + 1)
    fewer, n = min(b, c), b + c
    log_choose = special.gammaln(n + 1) - special.gammaln(fewer + 1) - special.gammaln(n - fewer + 1)
    return min(1.0, 2 * _fair_coin_tail(b, c) - math.exp(float(log_choose) - n * math.log(2)))


@dataclass(frozen=True)
class PairedProportion:
    """The difference (b - c) / n between two success rates on the same cases.

    Bounded as a mean of +1 (only the first succeeded), -1 (only the second) and 0, with one pseudo-count on
    the worst cell.

    Args:
        a: Cases where both succeeded.
        b: Cases where only the first succeeded.
        c: Cases where only the second succeeded.
        d: Cases where neither succeeded.

    Raises:
        ValueError: If a count is negative or all are 0.

    >>> pair = PairedProportion(59, 6, 16, 80)
    >>> round(pair.value, 4), pair.bound("upper", 0.95) < 0
    (-0.0621, True)
    """

    a: float
    b: float
    c: float
    d: float

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        _check_four(self.a, self.b, self.c, self.d)

    @property
    def n(self) -> float:
        """All cases."""
        return self.a + self.b + self.c + self.d

    @property
    def value(self) -> float:
        """Success rate of the first minus that of the second."""
        return (self.b - self.c) / self.n

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "paired, Dirichlet, worst-cell"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return "Tango"

    @property
    def standard_error(self) -> float:
        """Standard error of the paired difference."""
        return self._mean.standard_error

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound of the difference."""
        return self._mean.bound(side, confidence)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Tango's score interval."""
        return tango_interval(self.b, self.c, self.n, level)

    def quantiles(self, side: Side, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of the difference with one more case of the worst kind."""
        return self._mean.quantiles(side, probabilities)

    @cached_property
    def _mean(self) -> CountTableMean:
        return CountTableMean(np.array([self.c, self.a + self.d, self.b]), np.array([-1.0, 0.0, 1.0]))


def _fair_coin_tail(b: int, c: int) -> float:
    """Chance of at most min(b, c) heads in b + c tosses."""
    fewer, more = min(b, c), max(b, c)
    return 1.0 if more == 0 else float(special.betainc(more, fewer + 1, 0.5))


def _correlation(a: float, b: float, c: float, d: float) -> float:
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    product = a * d - b * c
    if product > 0:
        # Newcombe's continuity correction, without which the published numbers are not met.
        product = max(0.0, product - (a + b + c + d) / 2)
    return product / math.sqrt(margins)


def _correlated_sum(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(0.0, first**2 - 2 * phi * first * second + second**2))


def _check_pairs(b: float, c: float, n: float) -> None:
    if not (b >= 0 and c >= 0 and 0 < n < math.inf and b + c <= n):
        raise ValueError(f"needs counts from 0 up with b + c <= n, got b = {b}, c = {c}, n = {n}")


def _check_four(a: float, b: float, c: float, d: float) -> None:
    if not (min(a, b, c, d) >= 0 and 0 < a + b + c + d < math.inf):
        raise ValueError(f"needs four counts from 0 up, not all 0, got {a}, {b}, {c}, {d}")
