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
        n = float(self.counts.sum())
        below = np.cumsum(self.counts)
        if side == "upper":
            # Confidence that the quantile is at most edges[i]: lower bound on the share at or below >= q.
            sure = np.where(
                below > 0, special.betainc(np.maximum(below, 1e-12), n - below + 1, self.share), 1.0
            )
            sure = 1 - sure
            edges = np.append(self.edges, np.inf)
            return edges[np.searchsorted(np.maximum.accumulate(sure), probabilities, side="left")]
        # Confidence that the quantile is at most edges[i], counted in its favour: upper bound on the share.
        sure = np.where(
            below < n, 1 - special.betainc(below + 1, np.maximum(n - below, 1e-12), self.share), 1.0
        )
        lower_edges = np.append(0.0, self.edges)
        found = np.searchsorted(np.maximum.accumulate(sure), probabilities, side="left")
        return lower_edges[np.minimum(found, len(self.edges))]

    def _first_at_least(self, share: float) -> int:
        below = np.cumsum(self.counts)
        wanted = share * below[-1]
        return int(min(np.searchsorted(below, wanted - 1e-9 * max(wanted, 1.0)), len(below) - 1))
