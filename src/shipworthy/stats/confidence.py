"""Confidence distributions: one value with its one-sided bounds, whatever it was computed from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import (
    check_confidence,
    check_counts,
    display_interval,
    is_few,
    lower_bound,
    upper_bound,
)
from shipworthy.stats.two_samples import newcombe_interval, square_and_add

Side = Literal["lower", "upper"]
Array = NDArray[np.float64]

_SEED = 20_240_611
_DRAWS = 20_000
_DISPLAY_DRAWS = 2_000
_FEWEST_DRAWS = 4_000
_GAMMAS = 4_000_000
"""Numbers drawn at most per distribution, so that wide tables stay within tens of milliseconds."""
_MANY_CELLS = 1_000
"""Above this many cells a beta distribution with the same two moments replaces the draws."""
_GRID = (np.arange(512) + 0.5) / 512
"""Probabilities at which two distributions are melded: the midpoints of 512 equal parts."""
_CONSTANT_NEEDS = 30
_ASSUMED_SKEWNESS = 3.0
"""Skewness held against a mean of unknown range: with 2, exponential values failed 6% of the time."""


class Confidence(Protocol):
    """A value with a conservative confidence distribution for each side.

    >>> some: Confidence = Proportion(470, 500)
    >>> round(some.bound("lower", 0.95), 4), [round(end, 4) for end in some.interval()]
    (0.9195, [0.9156, 0.9577])
    """

    @property
    def value(self) -> float:
        """The estimate."""

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""

    @property
    def standard_error(self) -> float:
        """Approximate standard error, for sizing."""

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound: the quantile `1 - confidence` of the lower side, `confidence` of the upper.

        Args:
            side: "lower" or "upper".
            confidence: One-sided confidence, strictly between 0 and 1.

        Returns:
            The bound, in the unit of the value; infinite where nothing bounds it.

        Raises:
            ValueError: If the confidence is not between 0 and 1.
        """

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval to show to people; may be shorter than the bounds would give.

        Args:
            level: Two-sided level, strictly between 0 and 1.

        Returns:
            Lower and upper end, in the unit of the value.

        Raises:
            ValueError: If the level is not between 0 and 1.
        """

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the conservative confidence distribution of one side.

        Args:
            side: "lower" or "upper".
            probabilities: Strictly between 0 and 1, one-dimensional.

        Returns:
            The quantiles, in the unit of the value and the shape of `probabilities`.
        """


class _BoundedByQuantiles:
    """Gives `bound` to classes that have `quantiles`."""

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the conservative confidence distribution of one side."""
        raise NotImplementedError

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound: the quantile `1 - confidence` (lower) or `confidence` (upper)."""
        check_confidence(confidence)
        return float(self.quantiles(side, np.array([_tail(side, confidence)]))[0])

    def _both_bounds(self, level: float) -> tuple[float, float]:
        one_sided = (1 + level) / 2
        return self.bound("lower", one_sided), self.bound("upper", one_sided)


@dataclass(frozen=True)
class Proportion(_BoundedByQuantiles):
    """A proportion from successes in n trials, bounded exactly.

    Args:
        successes: 0 to n; fractions are allowed (counts divided by a design effect).
        n: More than 0.

    Raises:
        ValueError: If not 0 <= successes <= n, or n is 0.

    Source: Clopper and Pearson (1934), Biometrika 26.

    >>> round(Proportion(500, 500).bound("lower", 0.95), 5)
    0.99403
    """

    successes: float
    n: float

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        check_counts(self.successes, self.n)
        if self.n == 0:
            raise ValueError("a proportion needs at least one trial")

    @property
    def value(self) -> float:
        """Share of successes."""
        return self.successes / self.n

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "exact binomial (Clopper-Pearson)"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return "exact (Clopper-Pearson)" if is_few(self.successes, self.n) else "Wilson"

    @property
    def standard_error(self) -> float:
        """Binomial standard error; without any failure or success, that of half a one."""
        return _binomial_error(self.value, self.n)

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided exact bound."""
        exact = lower_bound if side == "lower" else upper_bound
        return exact(self.successes, self.n, confidence)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Wilson interval, or the exact one when few successes or failures were seen."""
        return display_interval(self.successes, self.n, level)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of Beta(x, n - x + 1) for the lower side, Beta(x + 1, n - x) for the upper."""
        failures = self.n - self.successes
        if side == "lower":
            return _beta_quantiles(self.successes, failures + 1, probabilities)
        return _beta_quantiles(self.successes + 1, failures, probabilities)


@dataclass(frozen=True, eq=False)
class CountTableMean(_BoundedByQuantiles):
    """The mean of a value over the cells of a count table, bounded with one pseudo-count on the worst cell.

    The bound is a quantile of the Dirichlet distribution of the cells' shares after one more case was seen
    with the worst possible value (the smallest for the lower side). With two values it is Clopper-Pearson;
    with more it is Gaffke's bound, whose coverage holds in simulation but is not proved.

    Args:
        counts: Count of each cell, shape (cells,), not negative; fractions are allowed.
        values: Value of each cell, shape (cells,). A cell without a count still says its value is possible.
        possible: Smallest and largest possible value, where the cells do not show them.

    Raises:
        ValueError: If shapes differ, nothing was counted, or a value lies outside what is possible.

    Source: Gaffke (2005), Mathematical Methods of Statistics 14; Phan et al. (2021), ICML.

    >>> cost = CountTableMean([495, 5, 0], [0.0, 38.0, 4200.0])
    >>> cost.value, cost.bound("upper", 0.95) > 4200 * 0.005
    (0.38, True)
    """

    counts: Array
    values: Array
    possible: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Merge cells of equal value and refuse impossible tables."""
        counts, values = _floats(self.counts), _floats(self.values)
        _check_table(counts)
        if counts.shape != values.shape or not np.isfinite(values).all():
            raise ValueError("a mean needs one finite value for each count")
        distinct, where = np.unique(values, return_inverse=True)
        object.__setattr__(self, "counts", np.bincount(where, counts))
        object.__setattr__(self, "values", distinct)
        if self.possible and not self.possible[0] <= distinct[0] <= distinct[-1] <= self.possible[1]:
            raise ValueError(f"values reach outside what is possible, {self.possible}")

    @cached_property
    def value(self) -> float:
        """Mean over all that was counted."""
        return float(self.counts @ self.values / self.counts.sum())

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "exact binomial (Clopper-Pearson), scaled" if self._is_binary else "Dirichlet, worst-cell"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        if self._is_binary:
            return f"{self._proportion.display_method}, scaled"
        return "Dirichlet, one pseudo-count spread evenly"

    @cached_property
    def standard_error(self) -> float:
        """Standard error of the mean; when all counts share one value, that of half a case at the far end."""
        n = float(self.counts.sum())
        variance = float(self.counts @ (self.values - self.value) ** 2) / n
        if variance > 0:
            return math.sqrt(variance / n)
        low, high = self._range
        return (high - low) * _binomial_error(0.0, n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Percentiles of a Dirichlet distribution, or the scaled interval of a proportion for two values."""
        low, high = self._range
        if high == low:
            return low, high
        if self._is_binary:
            first, second = self._proportion.interval(level)
            return low + (high - low) * first, low + (high - low) * second
        check_confidence(level)
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        below, above = _pick(self._display_draws, tails, "lower")
        return min(float(below), self.value), max(float(above), self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the mean under the Dirichlet distribution with one more count on the worst cell."""
        low, high = self._range
        if self._is_binary:
            return low + (high - low) * self._proportion.quantiles(side, probabilities)
        counts, values = self._with_worst(side)
        if counts.size == 1:
            return np.full(np.shape(probabilities), values[0])
        if counts.size > _MANY_CELLS:
            mean = float(counts @ values / counts.sum())
            variance = float(counts @ (values - mean) ** 2 / counts.sum() / (counts.sum() + 1))
            return matched_beta(mean, variance, low, high, probabilities)
        return _pick(self._lower_draws if side == "lower" else self._upper_draws, probabilities, side)

    @cached_property
    def _range(self) -> tuple[float, float]:
        return self.possible or (float(self.values[0]), float(self.values[-1]))

    @cached_property
    def _is_binary(self) -> bool:
        low, high = self._range
        return high > low and bool(np.isin(self.values[self.counts > 0], (low, high)).all())

    @cached_property
    def _proportion(self) -> Proportion:
        high = float(self.counts[self.values == self._range[1]].sum())
        return Proportion(high, float(self.counts.sum()))

    @cached_property
    def _lower_draws(self) -> Array:
        counts, values = self._with_worst("lower")
        return np.asarray(_shares(counts) @ values)

    @cached_property
    def _upper_draws(self) -> Array:
        counts, values = self._with_worst("upper")
        return np.asarray(_shares(counts) @ values)

    @cached_property
    def _display_draws(self) -> Array:
        values = np.union1d(self.values, self._range)
        counts = np.full(values.size, 1 / values.size)
        counts[np.searchsorted(values, self.values)] += self.counts
        return np.asarray(_shares(counts, _DISPLAY_DRAWS) @ values)

    def _with_worst(self, side: Side) -> tuple[Array, Array]:
        worst = self._range[0] if side == "lower" else self._range[1]
        occupied = self.counts > 0
        values = np.append(self.values[occupied], worst)
        distinct, where = np.unique(values, return_inverse=True)
        counts = np.bincount(where, np.append(self.counts[occupied], 1.0))
        return counts.astype(np.float64), distinct


@dataclass(frozen=True, eq=False)
class TableFunction(_BoundedByQuantiles):
    """Any function of a count table, bounded by Dirichlet draws with half a count added to each cell.

    A draw for which the function gives nan counts against the claim on both sides: minus infinity for the
    lower, infinity for the upper. Rare ones only move the bound outward; where they outnumber the tail the
    bound is infinite and proves nothing.

    Args:
        counts: Count of each cell, shape (cells,), not negative. Leave out a cell that cannot occur.
        statistic: Function from tables of shape (draws, cells), each adding up to the total count, to
            values of shape (draws,).
        value: The estimate itself.

    Raises:
        ValueError: If nothing was counted or a count is negative.

    Source: the Bayesian bootstrap of Rubin (1981), Annals of Statistics 9, with Jeffreys' half counts.

    >>> f1 = TableFunction([80, 10, 20], lambda t: 2 * t[:, 0] / (2 * t[:, 0] + t[:, 1] + t[:, 2]), 160 / 190)
    >>> 0.77 < f1.bound("lower", 0.975) < 0.79
    True
    """

    counts: Array
    statistic: Callable[[Array], Array]
    value: float

    def __post_init__(self) -> None:
        """Refuse impossible tables."""
        object.__setattr__(self, "counts", _floats(self.counts))
        _check_table(self.counts)

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "Dirichlet, half a count per cell"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    @cached_property
    def standard_error(self) -> float:
        """Standard deviation of the draws that have a finite value."""
        finite = self._few_draws[np.isfinite(self._few_draws)]
        return float(finite.std()) if finite.size else math.nan

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Percentile interval from the few draws that a picture needs, stretched to hold the estimate."""
        tail = np.array([(1 - level) / 2])
        low = self._picked(self._few_draws, "lower", tail)[0]
        high = self._picked(self._few_draws, "upper", 1 - tail)[0]
        return min(float(low), self.value), max(float(high), self.value)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the statistic over the draws, nan counted against the claim."""
        return self._picked(self._draws, side, probabilities)

    @staticmethod
    def _picked(draws: Array, side: Side, probabilities: Array) -> Array:
        against = -math.inf if side == "lower" else math.inf
        return _pick(np.where(np.isnan(draws), against, draws), probabilities, side)

    @cached_property
    def _draws(self) -> Array:
        return self._drawn(_DRAWS)

    @cached_property
    def _few_draws(self) -> Array:
        return self._drawn(_DISPLAY_DRAWS)

    def _drawn(self, most: int) -> Array:
        tables = _shares(self.counts + 0.5, most) * self.counts.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return _floats(self.statistic(tables))


@dataclass(frozen=True)
class Mean(_BoundedByQuantiles):
    """A mean from n, the sum and the sum of squares: t, guarded against what a small sample hides.

    The t bound fails when values far out are rare and were not seen. Where the worst possible value is known
    (`floor` for the lower side, `ceiling` for the upper) one more case with that value is added, and the
    bound is the more cautious of t and a beta (or, with one end open, gamma) distribution with the two
    moments of that case's Dirichlet distribution; for zeros and ones this is Clopper-Pearson or beyond.
    Where it is not known, a skewness of 3 against the claim is assumed and t corrected for it, more where
    the spread is large against the distance to the known other end. The correction fades as one over the
    root of n. Simulated risk at a stated 5%: exponential values 5% from n = 20 on; lognormal values with
    log deviation 1 still 9% at n = 50 and 7% at n = 200. Nothing guards fully without a range.

    Args:
        total: Sum of the values.
        total_squares: Sum of their squares.
        n: Number of values, at least 2.
        floor: Smallest possible value, if known.
        ceiling: Largest possible value, if known.

    Raises:
        ValueError: If n is below 2, or the sums cannot come from values within the range.

    Source: Johnson (1978), JASA 73, for skewness; Gaffke (2005) for the added case.

    >>> latency = Mean(total=120.0, total_squares=200.0, n=100, floor=0.0)
    >>> latency.value, latency.bound("upper", 0.95) > latency.interval(0.90)[1]
    (1.2, True)
    """

    total: float
    total_squares: float
    n: float
    floor: float | None = None
    ceiling: float | None = None

    def __post_init__(self) -> None:
        """Refuse sums that cannot be."""
        if not 2 <= self.n < math.inf or not math.isfinite(self.total + self.total_squares):
            raise ValueError(f"a mean with a bound needs at least two finite values, got n = {self.n}")
        slack = 1e-9 * (abs(self.value) + self.deviation)
        low = -math.inf if self.floor is None else self.floor
        high = math.inf if self.ceiling is None else self.ceiling
        if not low - slack <= self.value <= high + slack:
            raise ValueError(f"the mean {self.value} lies outside its range")

    @property
    def value(self) -> float:
        """The mean."""
        return self.total / self.n

    @property
    def deviation(self) -> float:
        """Sample standard deviation, with n - 1."""
        squares = self.total_squares - self.total * self.value
        # What rounding leaves of equal values is not spread.
        return math.sqrt(squares / (self.n - 1)) if squares > 1e-13 * self.total_squares else 0.0

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        known = self.floor is not None and self.ceiling is not None
        return "t, guarded by the range" if known else "t, guarded against skewness"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return "t"

    @property
    def standard_error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / math.sqrt(self.n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Plain t interval, cut at the known range."""
        check_confidence(level)
        half = self.standard_error * float(_t_quantiles(self.n - 1, np.array((1 + level) / 2)))
        low = -math.inf if self.floor is None else self.floor
        high = math.inf if self.ceiling is None else self.ceiling
        return max(low, self.value - half), min(high, self.value + half)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the guarded t distribution of one side."""
        if side == "lower":
            return self._lower_quantiles(probabilities)
        mirrored = Mean(-self.total, self.total_squares, self.n, _negated(self.ceiling), _negated(self.floor))
        return -mirrored._lower_quantiles(1 - np.asarray(probabilities))

    def _lower_quantiles(self, p: Array) -> Array:
        plain = self.value + self.standard_error * _t_quantiles(self.n - 1, p)
        if self.floor is not None:
            return np.minimum(plain, self._with_case_at_floor(self.floor, p))
        if self.deviation == 0:
            return np.full(np.shape(p), -math.inf if self.n < _CONSTANT_NEEDS else self.value)
        # Only the near tail is stretched: past the middle the correction would bend the quantiles back.
        shift = (2 * np.minimum(special.ndtri(p), 0) ** 2 + 1) / (6 * math.sqrt(self.n))
        return np.asarray(plain - self.standard_error * self._skewness_against() * shift)

    def _skewness_against(self) -> float:
        if self.ceiling is None or self.ceiling <= self.value:
            return _ASSUMED_SKEWNESS
        return _ASSUMED_SKEWNESS * max(1.0, self.deviation / (self.ceiling - self.value))

    def _with_case_at_floor(self, floor: float, p: Array) -> Array:
        n = self.n + 1
        above = max(0.0, (self.total - self.n * floor) / n)
        squares = max(0.0, self.total_squares - 2 * floor * self.total + self.n * floor**2) / n
        variance = max(0.0, squares - above**2) / (n + 1)
        if self.ceiling is not None:
            return matched_beta(floor + above, variance, floor, self.ceiling, p)
        if above == 0 or variance == 0:
            return np.full(np.shape(p), floor + above)
        return np.asarray(floor + variance / above * special.gammaincinv(above**2 / variance, p))


@dataclass(frozen=True)
class Normal(_BoundedByQuantiles):
    """An estimate with a standard error: t with the given degrees of freedom, normal when infinite.

    Args:
        value: The estimate.
        standard_error: At least 0.
        degrees: Degrees of freedom, more than 0.
        method: Short name of how the standard error was found, such as "delete-a-group jackknife".

    Raises:
        ValueError: If the standard error is negative or nan, or the degrees are not positive.

    >>> round(Normal(0.80, 0.01).bound("lower", 0.95), 5)
    0.78355
    """

    value: float
    standard_error: float
    degrees: float = math.inf
    method: str = "normal"

    def __post_init__(self) -> None:
        """Refuse a standard error or degrees that cannot be."""
        _check_error(self.standard_error, self.degrees)

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval, the value with the same margin on each side."""
        return self._both_bounds(level)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the t or normal distribution, the same for both sides."""
        return self.value + self.standard_error * _t_quantiles(self.degrees, probabilities)


@dataclass(frozen=True)
class LogitNormal(_BoundedByQuantiles):
    """An estimate between 0 and 1 whose bounds are found on the logit scale, such as an area under a curve.

    At 0 or 1, or with no standard error, the logit scale says nothing: the bounds are then exact ones for
    `cases` outcomes of which the share `value` was good, or the ends 0 and 1 where `cases` is not given.

    Args:
        value: The estimate, 0 to 1.
        standard_error: On the scale of the value, at least 0; nan counts as none.
        degrees: Degrees of freedom, more than 0.
        method: Short name of how the standard error was found, such as "DeLong".
        cases: Number of independent cases behind the value (for an area, the smaller class).

    Raises:
        ValueError: If the value is not within 0 to 1, the standard error is negative or degrees not positive.

    >>> [round(end, 4) for end in LogitNormal(0.95, 0.02).interval()]
    [0.8928, 0.9775]
    """

    value: float
    standard_error: float
    degrees: float = math.inf
    method: str = "normal on the logit scale"
    cases: float | None = None

    def __post_init__(self) -> None:
        """Refuse a value, standard error or degrees that cannot be."""
        if not 0 <= self.value <= 1:
            raise ValueError(f"needs a value within 0 to 1, got {self.value}")
        if math.isnan(self.standard_error):
            object.__setattr__(self, "standard_error", 0.0)
        _check_error(self.standard_error, self.degrees)

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval between the two one-sided bounds."""
        return self._both_bounds(level)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the logit-normal (or logit-t) distribution."""
        spread = self.value * (1 - self.value)
        if spread == 0 or self.standard_error == 0:
            return self._fallback_quantiles(side, probabilities)
        return np.asarray(
            special.expit(
                special.logit(self.value)
                + self.standard_error / spread * _t_quantiles(self.degrees, probabilities)
            )
        )

    def _fallback_quantiles(self, side: Side, probabilities: Array) -> Array:
        if self.cases is None or self.cases <= 0:
            return np.full(np.shape(probabilities), 0.0 if side == "lower" else 1.0)
        return Proportion(self.value * self.cases, self.cases).quantiles(side, probabilities)


@dataclass(frozen=True, eq=False)
class ClusterRatio(_BoundedByQuantiles):
    """A mean over clustered cases: the sum of cluster totals over the sum of cluster sizes.

    The bound is a quantile of the Bayesian bootstrap over clusters (weights spread as Dirichlet(1, ..., 1))
    with one more cluster, of average size and with the worst possible value throughout. For clusters of one
    case that are right or wrong it is Clopper-Pearson, up to the error of drawing.

    Args:
        numerators: Sum of the values in each cluster, shape (clusters,).
        denominators: Number of cases (or weight) in each cluster, same shape, at least 0.
        lowest: Smallest possible value of a case.
        highest: Largest possible value of a case.

    Raises:
        ValueError: If shapes differ, no cluster has a case, or a cluster's mean lies outside the range.

    Source: Gaffke (2005) for the bound; Miller (2024), arXiv 2411.00640, for the displayed interval.

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
        totals, sizes = _floats(self.numerators), _floats(self.denominators)
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
        return "t over clusters" if self._linearised_error > 0 else self.method

    @property
    def standard_error(self) -> float:
        """Cluster-robust standard error; when all clusters agree, that of half a cluster at the far end."""
        far = max(self.highest - self.value, self.value - self.lowest)
        return self._linearised_error or far * _binomial_error(0.0, self.clusters)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval from t with clusters - 1 degrees, cut at the range; without spread, the bounds."""
        check_confidence(level)
        if self._linearised_error == 0:
            return self._both_bounds(level)
        half = self._linearised_error * float(_t_quantiles(self.clusters - 1, np.array((1 + level) / 2)))
        return max(self.lowest, self.value - half), min(self.highest, self.value + half)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the Bayesian bootstrap over clusters with one more of the worst kind."""
        if self._kinds[2].size > _MANY_CELLS:
            return self._matched_quantiles(side, probabilities)
        return _pick(self._lower_draws if side == "lower" else self._upper_draws, probabilities, side)

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

    def _draws(self, worst: float) -> Array:
        totals, sizes, counts = self._kinds
        average = float(self.denominators.mean())
        weights = _shares(np.append(counts, 1.0))
        return np.asarray(
            (weights @ np.append(totals, average * worst)) / (weights @ np.append(sizes, average))
        )

    def _matched_quantiles(self, side: Side, probabilities: Array) -> Array:
        worst = self.lowest if side == "lower" else self.highest
        average = float(self.denominators.mean())
        totals = np.append(self.numerators, average * worst)
        sizes = np.append(self.denominators, average)
        mean = float(totals.sum() / sizes.sum())
        squares = float(((totals - mean * sizes) ** 2).mean())
        variance = squares / average**2 / (totals.size + 1)
        return matched_beta(mean, variance, self.lowest, self.highest, probabilities)


@dataclass(frozen=True, eq=False)
class Affine(_BoundedByQuantiles):
    """`scale * inner + shift`; a negative scale swaps the sides.

    Args:
        inner: What is scaled and shifted.
        scale: Factor, finite.
        shift: Added afterwards, finite.

    >>> round(Affine(Proportion(470, 500), scale=-1.0, shift=1.0).bound("upper", 0.95), 4)
    0.0805
    """

    inner: Confidence
    scale: float = 1.0
    shift: float = 0.0

    @property
    def value(self) -> float:
        """The scaled and shifted value."""
        return self.scale * self.inner.value + self.shift

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return self.inner.method

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.inner.display_method

    @property
    def standard_error(self) -> float:
        """The scaled standard error."""
        return abs(self.scale) * self.inner.standard_error

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound of the inner value, scaled and shifted."""
        return self.scale * self.inner.bound(self._inner_side(side), confidence) + self.shift

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval of the inner value, scaled and shifted."""
        first, second = (self.scale * end + self.shift for end in self.inner.interval(level))
        return (first, second) if self.scale >= 0 else (second, first)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the inner distribution, scaled and shifted."""
        p = probabilities if self.scale >= 0 else 1 - np.asarray(probabilities)
        return self.scale * self.inner.quantiles(self._inner_side(side), p) + self.shift

    def _inner_side(self, side: Side) -> Side:
        return side if self.scale >= 0 else _other(side)


@dataclass(frozen=True, eq=False)
class Difference(_BoundedByQuantiles):
    """`scale * (a - b)` for two independent values, by melding their confidence distributions.

    The lower bound is a quantile of the difference between a draw from `a`'s lower-side and one from `b`'s
    upper-side distribution. For two proportions and no difference it agrees with Fisher's exact test.

    Args:
        a: First value.
        b: Second value, independent of the first.
        scale: Factor, finite; a negative one swaps the sides.

    Source: Fay, Proschan and Brittain (2015), Biometrics 71, "Combining one-sample confidence procedures".

    >>> gain = Difference(Proportion(90, 100), Proportion(70, 100))
    >>> round(gain.value, 3), 0.09 < gain.bound("lower", 0.95) < 0.11
    (0.2, True)
    """

    a: Confidence
    b: Confidence
    scale: float = 1.0

    @property
    def value(self) -> float:
        """The scaled difference."""
        return self.scale * (self.a.value - self.b.value)

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return f"melded ({_joined(self.a.method, self.b.method)})"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        if self._are_proportions:
            return "Newcombe"
        return f"square-and-add ({_joined(self.a.display_method, self.b.display_method)})"

    @property
    def standard_error(self) -> float:
        """Root of the summed squares of the two standard errors, scaled."""
        return abs(self.scale) * math.hypot(self.a.standard_error, self.b.standard_error)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Newcombe's interval for two proportions, else the two shown intervals squared and added."""
        if isinstance(self.a, Proportion) and isinstance(self.b, Proportion):
            ends = newcombe_interval(self.a.successes, self.a.n, self.b.successes, self.b.n, level)
        else:
            ends = square_and_add(self.a.value, self.a.interval(level), self.b.value, self.b.interval(level))
        first, second = self.scale * ends[0], self.scale * ends[1]
        return (first, second) if self.scale >= 0 else (second, first)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the melded difference."""
        if self.scale < 0:
            mirrored = Difference(self.a, self.b, -self.scale)
            return -mirrored.quantiles(_other(side), 1 - np.asarray(probabilities))
        a = self.a.quantiles(side, _GRID)
        b = self.b.quantiles(_other(side), _GRID)
        with np.errstate(invalid="ignore"):
            gaps = np.subtract.outer(a, b)
        return self.scale * _pick(_against(gaps, side), probabilities, side)

    @property
    def _are_proportions(self) -> bool:
        return isinstance(self.a, Proportion) and isinstance(self.b, Proportion)


@dataclass(frozen=True, eq=False)
class Ratio(_BoundedByQuantiles):
    """`a / b` for two independent quantities that cannot be negative, by melding.

    Confidence below zero is cut at zero. Where `b` may be zero the upper bound is infinite; where `a` may be
    zero too, 0 / 0 counts against the claim (0 below, infinity above).

    Args:
        a: Numerator, at least 0.
        b: Denominator, at least 0, independent of the numerator.

    Raises:
        ValueError: If a value is negative or nan.

    Source: Fay, Proschan and Brittain (2015), Biometrics 71; displayed by Zou and Donner (2008) on logs.

    >>> better = Ratio(Proportion(90, 100), Proportion(60, 100))
    >>> round(better.value, 3), 1.2 < better.bound("lower", 0.95) < 1.3
    (1.5, True)
    """

    a: Confidence
    b: Confidence

    def __post_init__(self) -> None:
        """Refuse quantities below zero."""
        if not (self.a.value >= 0 and self.b.value >= 0):
            raise ValueError(f"a ratio needs quantities from 0 up, got {self.a.value} and {self.b.value}")

    @property
    def value(self) -> float:
        """The ratio; infinite when only `b` is zero, nan when both are."""
        if self.b.value == 0:
            return math.inf if self.a.value > 0 else math.nan
        return self.a.value / self.b.value

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return f"melded ({_joined(self.a.method, self.b.method)})"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        if not self._has_logs:
            return self.method
        return f"square-and-add of logs ({_joined(self.a.display_method, self.b.display_method)})"

    @property
    def standard_error(self) -> float:
        """Delta-method standard error; infinite when `b` is zero."""
        if self.b.value == 0:
            return math.inf
        return math.hypot(self.a.standard_error, self.value * self.b.standard_error) / self.b.value

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two shown intervals squared and added as logs; the melded bounds where a value is zero."""
        if not self._has_logs:
            return self._both_bounds(level)
        logs = square_and_add(
            math.log(self.a.value),
            _log_ends(self.a.interval(level)),
            math.log(self.b.value),
            _log_ends(self.b.interval(level)),
        )
        return float(np.exp(logs[0])), float(np.exp(logs[1]))

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the melded ratio."""
        a = np.maximum(0.0, self.a.quantiles(side, _GRID))
        b = np.maximum(0.0, self.b.quantiles(_other(side), _GRID))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ratios = np.divide.outer(a, b)
        return np.maximum(0.0, _pick(_against(ratios, side), probabilities, side))

    @property
    def _has_logs(self) -> bool:
        return self.a.value > 0 and self.b.value > 0


def _other(side: Side) -> Side:
    return "upper" if side == "lower" else "lower"


def _tail(side: Side, confidence: float) -> float:
    return 1 - confidence if side == "lower" else confidence


def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first} and {second}"


def _negated(number: float | None) -> float | None:
    return None if number is None else -number


def _log_ends(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = (math.log(end) if end > 0 else -math.inf for end in ends)
    return low, high


def _floats(numbers: Array) -> Array:
    return np.asarray(numbers, dtype=np.float64)


def _check_table(counts: Array) -> None:
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any() or counts.sum() <= 0:
        raise ValueError("a count table needs one dimension, finite counts from 0 up and something counted")


def _check_error(standard_error: float, degrees: float) -> None:
    if not 0 <= standard_error < math.inf or not degrees > 0:
        raise ValueError(f"needs a standard error from 0 up and degrees > 0, got {standard_error}, {degrees}")


def _binomial_error(rate: float, n: float) -> float:
    if rate in (0, 1):
        rate, n = 0.5 / (n + 1), n + 1
    return math.sqrt(rate * (1 - rate) / n)


def _t_quantiles(degrees: float, probabilities: Array) -> Array:
    if math.isinf(degrees):
        return np.asarray(special.ndtri(probabilities))
    return np.asarray(special.stdtrit(degrees, probabilities))


def _beta_quantiles(a: float, b: float, probabilities: Array) -> Array:
    if a <= 0 or b <= 0:
        return np.full(np.shape(probabilities), 0.0 if a <= 0 else 1.0)
    return np.asarray(special.betaincinv(a, b, probabilities))


def matched_beta(mean: float, variance: float, low: float, high: float, probabilities: Array) -> Array:
    """Quantiles of the beta distribution on [low, high] that has a given mean and variance.

    Args:
        mean: Within low to high.
        variance: At least 0; without any, all quantiles are the mean.
        low: Smallest possible value.
        high: Largest possible value.
        probabilities: Strictly between 0 and 1.

    Returns:
        The quantiles, low to high.
    """
    share = min(1.0, max(0.0, (mean - low) / (high - low))) if high > low else 0.0
    if variance <= 0 or share in (0, 1):
        return np.full(np.shape(probabilities), mean)
    cases = share * (1 - share) * (high - low) ** 2 / variance - 1
    return low + (high - low) * _beta_quantiles(share * cases, (1 - share) * cases, probabilities)


def _shares(weights: Array, most: int = _DRAWS) -> Array:
    """Draws of a Dirichlet distribution, always the same ones, shape (draws, cells)."""
    draws = min(most, max(_FEWEST_DRAWS, _GAMMAS // weights.size))
    gammas = np.random.default_rng(_SEED).standard_gamma(weights, size=(draws, weights.size))
    return np.asarray(gammas / gammas.sum(axis=1, keepdims=True))


def _against(melded: Array, side: Side) -> Array:
    flat = melded.ravel()
    flat[np.isnan(flat)] = -math.inf if side == "lower" else math.inf
    return flat


def _pick(sample: Array, probabilities: Array, side: Side) -> Array:
    """Order statistics of a sample; the upper side mirrors the lower, so that laws of symmetry are exact."""
    p, last = np.asarray(probabilities, dtype=np.float64), sample.size - 1
    if side == "lower":
        ranks = np.ceil(p * sample.size) - 1
    else:
        ranks = last - (np.ceil((1 - p) * sample.size) - 1)
    places = np.clip(ranks, 0, last).astype(np.intp)
    few = places.size <= 8
    ordered = np.partition(sample, np.unique(places)) if few else np.sort(sample)
    return np.asarray(ordered[places])
