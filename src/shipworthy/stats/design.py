"""By how much clusters and weights make rows worth less than independent ones."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["design_effect", "jackknife_error", "kish_effect"]

_DEGREES = 63
"""Degrees of freedom of a jackknife over 64 groups: t instead of the normal, folded into the effect."""
_SPREAD_OF_ERROR = float(special.stdtrit(_DEGREES, 0.95) / special.ndtri(0.95)) ** 2
FEW_EVENTS = 10
"""Below so many events a jackknife cannot see whether they come in clusters."""


def jackknife_error(left_out: NDArray[np.float64]) -> float:
    """Standard error of a statistic from its values with one group of clusters left out at a time.

    Args:
        left_out: The statistic without each group in turn, shape (groups,), at least two, finite.

    Returns:
        The standard error, in the unit of the statistic.

    Raises:
        ValueError: If there are fewer than two groups.

    Source: Kott (2001), The delete-a-group jackknife, Journal of Official Statistics 17:521-526.

    >>> values = np.array([2.0, 4.0, 9.0])
    >>> bool(np.isclose(jackknife_error((values.sum() - values) / 2), values.std(ddof=1) / 3**0.5))
    True
    """
    groups = left_out.size
    if groups < 2:
        raise ValueError(f"a jackknife needs at least two groups, got {groups}")
    return math.sqrt((groups - 1) / groups * float(((left_out - left_out.mean()) ** 2).sum()))


def design_effect(error: float, naive: float, n: float, events: float, weights: float = 1.0) -> float:
    """By how much clusters and weights shrink the count, never below 1.

    With fewer than ten events the jackknife cannot see the clustering, so the effect is floored at 2; and it
    is never less than what the weights alone do. The standard error is itself an estimate from 64 groups, so
    the effect is 3% larger than the ratio of the variances.

    Args:
        error: Standard error with clusters and weights, in the unit of the metric.
        naive: Standard error that ignores them, in the same unit.
        n: Rows, at least 0; the effect never leaves less than one.
        events: Rows of the rarer kind, at least 0.
        weights: Effect of the weights alone (`kish_effect`), at least 1.

    Returns:
        The number by which counts are divided, 1 to n.

    Source: Kish (1965), Survey Sampling, section 8.2.

    >>> design_effect(0.02, 0.01, n=500, events=50), design_effect(0.01, 0.01, n=500, events=3, weights=3.5)
    (4.12..., 3.5)
    """
    floor = max(2.0 if events < FEW_EVENTS else 1.0, weights)
    seen = (error / naive) ** 2 * _SPREAD_OF_ERROR if naive > 0 and math.isfinite(error) else 1.0
    return float(min(max(seen, floor), max(n, 1.0)))


def kish_effect(total: float, total_squares: float, n: float) -> float:
    """By how much unequal weights shrink the count: n over Kish's effective number of cases.

    Args:
        total: Sum of the weights, more than 0.
        total_squares: Sum of their squares.
        n: Number of weighted rows, at least 1.

    Returns:
        The effect, at least 1; 1 for equal weights.

    Raises:
        ValueError: If the sums cannot be those of n weights.

    Source: Kish (1965), Survey Sampling, section 11.7: effective cases = (sum w)^2 / sum w^2.

    >>> kish_effect(total=4.0, total_squares=8.0, n=4)
    2.0
    """
    if not (total > 0 and total_squares > 0 and n >= 1):
        raise ValueError(f"needs positive weights, got sums {total} and {total_squares} of {n}")
    return max(1.0, n * total_squares / total**2)
