"""A quantile and its order-statistic bounds, from counts in narrow bins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.confidence import Side

__all__ = ["BinnedQuantile"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BinnedQuantile:
    """Quantile of a positive quantity, with bounds from the binomial law of order statistics.

    At most a share 1 - q of the population lies above x exactly when the q-quantile is at most x; so a bound
    on the quantile is the smallest x at which the Clopper-Pearson bound on the share above says so. Bins are
    read at the edge that counts against the claim.

    Args:
        counts: Counts per bin, shape (bins,), fractional where a design effect was divided out.
        edges: Upper edge of each bin, shape (bins,), ascending; bin i holds (edges[i-1], edges[i]].
        share: The quantile's share q, in (0, 1).

    Source:
        Conover (1999), Practical Nonparametric Statistics, section 3.2.
    """

    counts: Array
    edges: Array
    share: float

    @cached_property
    def value(self) -> float:
        """The quantile at its bin's upper edge, a share in the quantity's unit."""
        return float(self.edges[self._first_at_least(self.share)])

    @property
    def method(self) -> str:
        """How the bounds are made."""
        return "exact order statistics"

    @property
    def display_method(self) -> str:
        """How the interval is made."""
        return self.method

    @property
    def standard_error(self) -> float:
        """Approximate: a quarter of the 95% interval's length."""
        low, high = self.interval()
        return (high - low) / 3.92

    def bound(self, side: Side, confidence: float) -> float:
        """Return the one-sided bound.

        Args:
            side: "lower" or "upper".
            confidence: One-sided confidence, in (0, 1).

        Returns:
            The bound; infinity where the sample is too small to bound the quantile from above.
        """
        q = 1 - confidence if side == "lower" else confidence
        return float(self.quantiles(side, np.array([q]))[0])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the two-sided interval.

        Args:
            level: Two-sided coverage.

        Returns:
            (low, high).
        """
        tail = (1 - level) / 2
        return self.bound("lower", 1 - tail), self.bound("upper", 1 - tail)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Return quantiles of the confidence distribution of one side.

        Args:
            side: "lower" or "upper".
            probabilities: Shape (p,).

        Returns:
            Shape (p,).
        """
        edges = np.append(self.edges, np.inf) if side == "upper" else np.append(0.0, self.edges)
        wanted = np.asarray(probabilities, dtype=np.float64)
        if wanted.size <= 4:
            return np.array([edges[self._first_sure(side, float(p))] for p in wanted.ravel()])
        sure = np.maximum.accumulate(self._sure(side, self._below))
        return edges[np.searchsorted(sure, wanted, side="left")]

    @cached_property
    def _below(self) -> Array:
        return np.cumsum(self.counts)

    def _sure(self, side: Side, below: Array) -> Array:
        """Confidence that the quantile is at most an edge, given the counts at or below it."""
        n = float(self._below[-1])
        if side == "upper":
            # The lower bound on the share at or below the edge reaches q.
            proven = 1 - special.betainc(
                np.maximum(below, 1e-12), np.maximum(n - below + 1, 1e-12), self.share
            )
            return np.where(below > 0, proven, 0.0)
        possible = 1 - special.betainc(below + 1, np.maximum(n - below, 1e-12), self.share)
        return np.where(below < n, possible, 1.0)

    def _first_sure(self, side: Side, wanted: float) -> int:
        """Return the first edge at which the confidence is enough, by bisection over the rising counts."""
        low, high = 0, len(self._below)
        while low < high:
            middle = (low + high) // 2
            if float(self._sure(side, self._below[middle : middle + 1])[0]) >= wanted:
                high = middle
            else:
                low = middle + 1
        return low

    def _first_at_least(self, share: float) -> int:
        below = self._below
        wanted = share * below[-1]
        return int(min(np.searchsorted(below, wanted - 1e-9 * max(wanted, 1.0)), len(below) - 1))
