"""Values with shown intervals for many populations at once: what the one-by-one classes show, as arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.auc import FEW_OF_A_CLASS, delong
from shipworthy.stats.distribution import Array
from shipworthy.stats.means import GUARDED_AGAINST_SKEWNESS, GUARDED_BY_RANGE, shown_ends
from shipworthy.stats.proportions import is_few, lower_bounds, two_sided_z, upper_bounds

__all__ = [
    "Many",
    "areas",
    "calibration_errors",
    "differences",
    "logit_intervals",
    "mapped",
    "means",
    "proportions",
    "quantiles",
    "table_means",
]

Mask = NDArray[np.bool_]

_MOST_SKEWED = 1.0
"""Above this skewness four moments do not describe a distribution well enough, and it has to be drawn."""


@dataclass(frozen=True, eq=False)
class Many:
    """Estimates of many populations.

    Args:
        value: The estimates, shape (populations,).
        low: Lower end of the shown interval, same shape.
        high: Upper end, same shape.
        error: Standard error, same shape.
        method: Short name of the interval's method, one for each.
        regular: Where these numbers hold; elsewhere a population has to be looked at by itself.
    """

    value: Array
    low: Array
    high: Array
    error: Array
    method: tuple[str, ...]
    regular: Mask


def proportions(successes: Array, n: Array, level: float = 0.95) -> Many:
    """Shares with Wilson's interval, the exact one below ten successes or failures.

    Args:
        successes: Successes, shape (populations,); fractions are allowed.
        n: Trials, same shape; populations without any are not regular.
        level: Two-sided level, strictly between 0 and 1.

    Source: Wilson (1927), JASA 22; Clopper and Pearson (1934), Biometrika 26.

    >>> found = proportions(np.array([81.0, 0.0]), np.array([263.0, 20.0]))
    >>> found.low.round(4).tolist(), found.high.round(4).tolist(), found.method[1]
    ([0.2553, 0.0], [0.3662, 0.1684], 'exact (Clopper-Pearson)')
    """
    x, trials = np.asarray(successes, float), np.asarray(n, float)
    regular = trials > 0
    filled = np.where(regular, trials, 1.0)
    rate = x / filled
    z_squared = two_sided_z(level) ** 2
    shrink = 1 + z_squared / filled
    centre = (rate + z_squared / (2 * filled)) / shrink
    spread = np.maximum(rate * (1 - rate), 0.0)
    half = np.sqrt(z_squared * (spread / filled + z_squared / (4 * filled**2))) / shrink
    score_low = np.where(x <= 0, 0.0, np.maximum(0.0, centre - half))
    score_high = np.where(x >= trials, 1.0, np.minimum(1.0, centre + half))
    few = np.array([is_few(*pair) for pair in zip(x, trials, strict=True)], dtype=bool)
    one_sided = (1 + level) / 2
    low = np.where(few, lower_bounds(x, trials, one_sided), score_low)
    high = np.where(few, upper_bounds(x, trials, one_sided), score_high)
    end = (rate <= 0) | (rate >= 1)
    seen, cases = np.where(end, 0.5 / (filled + 1), rate), np.where(end, filled + 1, filled)
    error = np.sqrt(np.maximum(seen * (1 - seen), 0.0) / cases)
    method = tuple("exact (Clopper-Pearson)" if small else "Wilson" for small in few)
    value = np.where(regular, rate, np.nan)
    return Many(value, low, high, error, method, regular)


def mapped(inner: Many, function: Callable[[Array], Array]) -> Many:
    """Return estimates seen through a rising function.

    Args:
        inner: The estimates.
        function: Strictly rising, vectorised.
    """
    step = 1e-6
    slope = np.abs(function(inner.value + step) - function(inner.value - step)) / (2 * step)
    return Many(
        function(inner.value),
        function(inner.low),
        function(inner.high),
        slope * inner.error,
        tuple(f"{name}, mapped" for name in inner.method),
        inner.regular,
    )


def means(
    total: Array,
    total_squares: Array,
    n: Array,
    floor: float | None = None,
    ceiling: float | None = None,
    level: float = 0.95,
) -> Many:
    """Means with their guarded t intervals.

    Args:
        total: Sums of the values, shape (populations,).
        total_squares: Sums of their squares, same shape.
        n: Numbers of values, same shape; a mean needs two.
        floor: Smallest possible value, if known.
        ceiling: Largest possible value, if known.
        level: Two-sided level, strictly between 0 and 1.
    """
    regular = (n >= 2) & np.isfinite(total + total_squares)
    cases = np.where(regular, n, 2.0)
    sums, squares = np.where(regular, total, 0.0), np.where(regular, total_squares, 0.0)
    low, high, error = shown_ends(sums, squares, cases, floor, ceiling, level)
    known = floor is not None and ceiling is not None
    method = GUARDED_BY_RANGE if known else GUARDED_AGAINST_SKEWNESS
    value = np.where(regular, sums / cases, np.nan)
    return Many(value, low, high, error, (method,) * len(n), regular)


def logit_intervals(
    value: Array, error: Array, degrees: Array | float, method: str, level: float = 0.95
) -> Many:
    """Estimates between 0 and 1 with intervals found on the logit scale.

    Args:
        value: The estimates, shape (populations,).
        error: Standard errors, same shape; an estimate without any is not regular.
        degrees: Degrees of freedom, more than 0; infinity for the normal distribution.
        method: Short name of how the errors were found.
        level: Two-sided level, strictly between 0 and 1.
    """
    spread = value * (1 - value)
    regular = np.isfinite(value) & np.isfinite(error) & (error > 0) & (spread > 0)
    middle, width = np.where(regular, value, 0.5), np.where(regular, error / np.where(regular, spread, 1), 1)
    infinite = np.isinf(np.asarray(degrees, float))
    t = special.stdtrit(np.where(infinite, 1.0, degrees), (1 + level) / 2)
    half = width * np.where(infinite, special.ndtri((1 + level) / 2), t)
    low, high = special.expit(special.logit(middle) - half), special.expit(special.logit(middle) + half)
    return Many(value, low, high, error, (method,) * len(value), regular)


def areas(positives: Array, negatives: Array, level: float = 0.95) -> Many:
    """Areas under the ROC curve with DeLong's interval on the logit scale; those of a thin class not regular.

    Args:
        positives: Positives at each score, shape (populations, scores), scores ascending.
        negatives: Negatives at each score, same shape.
        level: Two-sided level, strictly between 0 and 1.

    Source: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44.
    """
    value, variance = delong(positives, negatives)
    enough = np.minimum(positives.sum(axis=-1), negatives.sum(axis=-1)) >= FEW_OF_A_CLASS
    error = np.sqrt(np.maximum(np.where(enough, variance, 0.0), 0.0))
    found = logit_intervals(
        np.where(enough, value, np.nan), error, np.inf, "DeLong on the logit scale", level
    )
    thin = np.minimum(positives.sum(axis=-1), negatives.sum(axis=-1)) < FEW_OF_A_CLASS
    return replace(found, regular=found.regular & ~thin)


def table_means(counts: Array, values: Array, possible: tuple[float, float], level: float = 0.95) -> Many:
    """Means over count tables: ends of the Dirichlet distributions with one pseudo-count on the worst cell.

    The ends come from a distribution's first three moments (Cornish and Fisher), which draws from it would
    only approach; a table whose distribution is too skewed for that is not regular.

    Args:
        counts: Count of each cell, shape (populations, cells).
        values: Value of each cell, shape (cells,).
        possible: Smallest and largest possible value.
        level: Two-sided level, strictly between 0 and 1.

    Source: Cornish and Fisher (1938), Revue de l'Institut International de Statistique 5:307-320.
    """
    distinct, where = np.unique(np.concatenate([values, possible]), return_inverse=True)
    held = np.zeros((len(counts), len(distinct)))
    np.add.at(held.T, where[: len(values)], counts.T)
    n = held.sum(axis=-1)
    filled = np.where(n > 0, n, 1.0)
    value = held @ distinct / filled
    variance = (held * (distinct - value[:, None]) ** 2).sum(axis=-1) / filled
    low, _high, skew_low = _dirichlet_ends(held, distinct, distinct == possible[0], level)
    _low, high, skew_high = _dirichlet_ends(held, distinct, distinct == possible[1], level)
    binary = ~(held[:, ~np.isin(distinct, possible)] > 0).any(axis=-1)
    skewness = np.maximum(np.abs(skew_low), np.abs(skew_high))
    regular = (n > 0) & (variance > 0) & ~binary & (skewness <= _MOST_SKEWED)
    method = ("Dirichlet, worst-cell",) * len(counts)
    error = np.sqrt(variance / filled)
    return Many(value, np.minimum(low, value), np.maximum(high, value), error, method, regular)


def _dirichlet_ends(counts: Array, values: Array, worst: Mask, level: float) -> tuple[Array, Array, Array]:
    """Ends and skewness of the mean of values under a Dirichlet distribution with one more count."""
    weights = counts + worst
    total = weights.sum(axis=-1)
    middle = weights @ values / total
    away = values - middle[:, None]
    second = (weights * away**2).sum(axis=-1) / (total * (total + 1))
    third = 2 * (weights * away**3).sum(axis=-1) / (total * (total + 1) * (total + 2))
    return _ends(middle, second, third, level)


def calibration_errors(n: Array, sum_predicted: Array, sum_actual: Array, level: float = 0.95) -> Many:
    """Debiased calibration errors; their ends are roots of those of the debiased mean squared error.

    The squared gap of a bin, seen with normal noise of variance v, has variance 4 g^2 v + 2 v^2 and third
    moment 24 g^2 v^2 + 8 v^3 around its mean.

    Args:
        n: Cases in each bin, shape (populations, bins).
        sum_predicted: Sum of predicted chances in each bin, same shape.
        sum_actual: Cases in each bin where it happened, same shape.
        level: Two-sided level, strictly between 0 and 1.

    Source: Kumar, Liang and Ma (2019), NeurIPS, for the estimate; Cornish and Fisher (1938) for the ends.
    """
    filled, total = np.where(n > 0, n, 1.0), n.sum(axis=-1)
    predicted, rate = sum_predicted / filled, sum_actual / filled
    # A bin whose cases all went one way has noise too: half a case is added to either side.
    smooth = (sum_actual + 0.5) / (filled + 1)
    noise = np.where(n > 1, rate * (1 - rate) / np.where(n > 1, n - 1, 1.0), 0.0)
    spread = np.where(n > 0, smooth * (1 - smooth) / filled, 0.0)
    weight = n / np.where(total > 0, total, 1.0)[:, None]
    parts = (predicted - rate) ** 2 - noise
    squared = (weight * parts).sum(axis=-1)
    gap = np.maximum(parts, 0.0)
    mixing = (weight * (parts - squared[:, None]) ** 2).sum(axis=-1) / np.where(total > 0, total, 1.0)
    second = (weight**2 * (4 * gap * spread + 2 * spread**2)).sum(axis=-1) + mixing
    third = (weight**3 * (24 * gap * spread**2 + 8 * spread**3)).sum(axis=-1)
    low, high, skewness = _ends(squared, second, third, level)
    value = np.sqrt(np.maximum(squared, 0.0))
    low, high = np.sqrt(np.maximum(low, 0.0)), np.sqrt(np.maximum(high, 0.0))
    regular = (total > 0) & (np.abs(skewness) <= 2 * _MOST_SKEWED)
    method = ("moments of the squared error",) * len(value)
    error = (high - low) / (2 * two_sided_z(level))
    return Many(value, np.minimum(low, value), np.maximum(high, value), error, method, regular)


def _ends(middle: Array, second: Array, third: Array, level: float) -> tuple[Array, Array, Array]:
    """Ends of a distribution from its mean, variance and third central moment, and its skewness."""
    deviation = np.sqrt(second)
    skewness = np.where(second > 0, third / np.where(second > 0, second, 1.0) ** 1.5, 0.0)
    z = two_sided_z(level)
    bend = skewness * (z**2 - 1) / 6
    stretch = z - skewness**2 * (2 * z**3 - 5 * z) / 36
    return middle + deviation * (bend - stretch), middle + deviation * (bend + stretch), skewness


def quantiles(counts: Array, edges: Array, share: float, level: float = 0.95) -> Many:
    """Quantiles with order-statistic intervals, from counts in narrow bins.

    Args:
        counts: Counts per bin, shape (populations, bins); bin i holds (edges[i-1], edges[i]].
        edges: Upper edge of each bin, shape (bins,), ascending.
        share: The quantile's share, in (0, 1).
        level: Two-sided level, strictly between 0 and 1.

    Source: Conover (1999), Practical Nonparametric Statistics, section 3.2.
    """
    below = np.cumsum(counts, axis=-1)
    n = below[:, -1]
    wanted = share * n
    first = (below >= (wanted - 1e-9 * np.maximum(wanted, 1.0))[:, None]).argmax(axis=-1)
    value = edges[np.minimum(first, len(edges) - 1)]
    tail = (1 - level) / 2

    def at_most(seen: Array) -> Array:
        possible = 1 - special.betainc(seen + 1, np.maximum(n - seen, 1e-12), share)
        return np.where(seen < n, possible, 1.0)

    def proven(seen: Array) -> Array:
        sure = 1 - special.betainc(np.maximum(seen, 1e-12), np.maximum(n - seen + 1, 1e-12), share)
        return np.where(seen > 0, sure, 0.0)

    low = np.append(0.0, edges)[_first_reached(at_most, below, tail)]
    high = np.append(edges, np.inf)[_first_reached(proven, below, 1 - tail)]
    error = (high - low) / 3.92
    return Many(value, low, high, error, ("exact order statistics",) * len(value), n > 0)


def _first_reached(sure: Callable[[Array], Array], below: Array, wanted: float) -> NDArray[Any]:
    """First bin of each population at which a rising confidence is enough, by bisection."""
    low = np.zeros(len(below), dtype=np.int64)
    high = np.full(len(below), below.shape[1], dtype=np.int64)
    rows = np.arange(len(below))
    while (low < high).any():
        middle = (low + high) // 2
        enough = sure(below[rows, np.minimum(middle, below.shape[1] - 1)]) >= wanted
        open_ = low < high
        high = np.where(open_ & enough, middle, high)
        low = np.where(open_ & ~enough, middle + 1, low)
    return low


def differences(first: Many, second: Many) -> tuple[Array, Array, Array, Array]:
    """Differences of independent estimates, their shown intervals squared and added (Newcombe for Wilson's).

    Args:
        first: The first of each pair.
        second: The second.

    Returns:
        Value, lower end, upper end and standard error, shape (populations,).

    Source: Newcombe (1998), Statistics in Medicine 17; Zou and Donner (2008), Statistics in Medicine 27.
    """
    gap = first.value - second.value
    below = np.hypot(first.value - first.low, second.high - second.value)
    above = np.hypot(first.high - first.value, second.value - second.low)
    return gap, gap - below, gap + above, np.hypot(first.error, second.error)
