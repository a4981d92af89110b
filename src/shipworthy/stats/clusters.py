"""Confidence in a mean over cases that come in clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shipworthy.stats.distribution import (
    DISPLAY_DRAWS,
    DRAWS,
    MANY_CELLS,
    Array,
    BoundedByQuantiles,
    Side,
    as_floats,
    binomial_error,
    dirichlet_draws,
    matched_beta,
    order_statistics,
)
from shipworthy.stats.proportions import check_confidence

__all__ = ["ClusterRatio"]


@dataclass(frozen=True, eq=False)
class ClusterRatio(BoundedByQuantiles):
    """A mean over clustered cases: the sum of cluster totals over the sum of cluster sizes.

    The bound is a quantile of the Bayesian bootstrap over clusters (weights spread as Dirichlet(1, ..., 1))
    with one more cluster that has the worst possible value throughout and the size of the cluster that a case
    finds itself in on average. For clusters of one case that are right or wrong it is Clopper-Pearson, up to
    the error of drawing. The displayed interval is made of the same bounds: t over clusters covered as little
    as 75% (50 clusters of very unequal size, a rate of 95%).

    Args:
        numerators: Sum of the values in each cluster, shape (clusters,).
        denominators: Number of cases (or weight) in each cluster, same shape, at least 0.
        lowest: Smallest possible value of a case.
        highest: Largest possible value of a case.

    Raises:
        ValueError: If shapes differ, no cluster has a case, or a cluster's mean lies outside the range.

    Source: Gaffke (2005) for the bound; Miller (2024), arXiv 2411.00640, for the standard error.

    >>> rate = ClusterRatio([4, 3, 4, 2], [4, 4, 4, 4], 0.0, 1.0)
    >>> rate.value, 0.2 < rate.bound("lower", 0.95) < 0.6
    (0.8125, True)
    """

    numerators: Array
    denominators: Array
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        """Drop clusters without cases and refuse impossible ones."""
        totals, sizes = as_floats(self.numerators), as_floats(self.denominators)
        if totals.shape != sizes.shape or totals.ndim != 1:
            raise ValueError("a ratio over clusters needs one numerator for each denominator")
        if not (np.isfinite(totals).all() and np.isfinite(sizes).all()) or (sizes < 0).any():
            raise ValueError("cluster totals and sizes must be finite, sizes not negative")
        filled = sizes > 0
        totals, sizes = totals[filled], sizes[filled]
        if not sizes.size:
            raise ValueError("a ratio over clusters needs a cluster with at least one case")
        slack = 1e-9 * max(abs(self.lowest), abs(self.highest)) * sizes
        if (totals < self.lowest * sizes - slack).any() or (totals > self.highest * sizes + slack).any():
            raise ValueError(f"a cluster's mean lies outside {self.lowest} to {self.highest}")
        object.__setattr__(self, "numerators", totals)
        object.__setattr__(self, "denominators", sizes)

    @cached_property
    def value(self) -> float:
        """Sum of the numerators over the sum of the denominators."""
        return float(self.numerators.sum() / self.denominators.sum())

    @property
    def clusters(self) -> int:
        """Number of clusters with at least one case."""
        return int(self.denominators.size)

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "cluster bootstrap, worst-cluster"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    @property
    def standard_error(self) -> float:
        """Cluster-robust standard error; when all clusters agree, that of half a cluster at the far end."""
        far = max(self.highest - self.value, self.value - self.lowest)
        return self._linearised_error or far * binomial_error(0.0, self.clusters)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two one-sided bounds, from the few draws that a picture needs."""
        check_confidence(level)
        if self._kinds[2].size > MANY_CELLS:
            return self._both_bounds(level)
        tail = np.array([(1 - level) / 2])
        low = order_statistics(self._draws(self.lowest, DISPLAY_DRAWS), tail, "lower")[0]
        high = order_statistics(self._draws(self.highest, DISPLAY_DRAWS), 1 - tail, "upper")[0]
        return min(float(low), self.value), max(float(high), self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the Bayesian bootstrap over clusters with one more of the worst kind."""
        if self._kinds[2].size > MANY_CELLS:
            return self._matched_quantiles(side, probabilities)
        return order_statistics(
            self._lower_draws if side == "lower" else self._upper_draws, probabilities, side
        )

    @cached_property
    def _linearised_error(self) -> float:
        if self.clusters < 2:
            return 0.0
        residuals = self.numerators - self.value * self.denominators
        # What rounding leaves of equal clusters is not spread.
        residuals[np.abs(residuals) <= 1e-12 * (np.abs(self.numerators) + self.denominators)] = 0.0
        factor = self.clusters / (self.clusters - 1)
        return math.sqrt(factor * float(residuals @ residuals)) / float(self.denominators.sum())

    @cached_property
    def _lower_draws(self) -> Array:
        return self._draws(self.lowest)

    @cached_property
    def _upper_draws(self) -> Array:
        return self._draws(self.highest)

    @cached_property
    def _kinds(self) -> tuple[Array, Array, Array]:
        """Distinct clusters and how many there are of each: a count table, far fewer draws."""
        pairs, counts = np.unique(
            np.column_stack([self.numerators, self.denominators]), axis=0, return_counts=True
        )
        return pairs[:, 0], pairs[:, 1], counts.astype(np.float64)

    @cached_property
    def _added_size(self) -> float:
        """Size of the cluster that a case finds itself in on average: large ones hold more cases."""
        return float(self.denominators @ self.denominators / self.denominators.sum())

    def _draws(self, worst: float, most: int = DRAWS) -> Array:
        totals, sizes, counts = self._kinds
        added = self._added_size
        weights = dirichlet_draws(np.append(counts, 1.0), most)
        return np.asarray((weights @ np.append(totals, added * worst)) / (weights @ np.append(sizes, added)))

    def _matched_quantiles(self, side: Side, probabilities: Array) -> Array:
        worst = self.lowest if side == "lower" else self.highest
        totals = np.append(self.numerators, self._added_size * worst)
        sizes = np.append(self.denominators, self._added_size)
        mean = float(totals.sum() / sizes.sum())
        squares = float(((totals - mean * sizes) ** 2).mean())
        variance = squares / float(sizes.mean()) ** 2 / (totals.size + 1)
        return matched_beta(mean, variance, self.lowest, self.highest, probabilities)
