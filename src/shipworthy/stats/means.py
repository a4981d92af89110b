"""Confidence in a mean, and in any estimate with a standard error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from shipworthy.stats.count_tables import Proportion
from shipworthy.stats.distribution import (
    Array,
    BoundedByQuantiles,
    Side,
    as_floats,
    matched_beta,
    t_quantiles,
)
from shipworthy.stats.proportions import check_confidence

__all__ = ["FEWEST_VALUES", "GUARDED_AGAINST_SKEWNESS", "GUARDED_BY_RANGE", "LogitNormal", "Mean", "Normal"]

GUARDED_BY_RANGE = "t, guarded by the range"
GUARDED_AGAINST_SKEWNESS = "t, guarded against skewness"

FEWEST_VALUES = 20
"""Below so many values nothing is proven about a mean towards an end that nothing bounds."""
_CONSTANT_NEEDS = 30
"""Below so many equal values they say nothing of what else there may be."""
_SKEWNESS = 7.0
"""Skewness held against a mean of unknown range: with 3, lognormal values failed 10% of the time at 20."""
_SKEWNESS_PER_SPREAD = 7.0
"""The same per deviation over the distance to a known other end: lognormal values have four to six."""
_LEAST_SKEWNESS = 6.0
_SHOWN_SKEWNESS = 3.0
"""What the displayed interval allows for; enough to cover 93% of lognormal means from n = 20 on."""


@dataclass(frozen=True)
class Mean(BoundedByQuantiles):
    """A mean from n, the sum and the sum of squares: t, guarded against what a small sample hides.

    The t bound fails when values far out are rare and were not seen. Where the worst possible value is known
    (`floor` for the lower side, `ceiling` for the upper) one more case with that value is added, and the
    bound is the more cautious of t and a beta (or, with one end open, gamma) distribution with the two
    moments of that case's Dirichlet distribution; for zeros and ones this is Clopper-Pearson or beyond.

    Where it is not known, no method holds its risk for every distribution (Bahadur and Savage 1956). Then a
    skewness against the claim is assumed and t corrected for it: 7, or where the other end is known 7 times
    the spread over the distance to it, at least 6. The correction fades as one over the root of n, and below
    20 values there is no bound. Simulated risk at a stated 5% from n = 20 on: at most 6% for exponential
    values and lognormal ones with log deviation 1; more for heavier tails, as docs/honesty.md shows.

    Args:
        total: Sum of the values.
        total_squares: Sum of their squares.
        n: Number of values, at least 2.
        floor: Smallest possible value, if known.
        ceiling: Largest possible value, if known.

    Raises:
        ValueError: If n is below 2, or the sums cannot come from values within the range.

    Source: Johnson (1978), JASA 73, for skewness; Gaffke (2005) for the added case; Bahadur and Savage
    (1956), Annals of Mathematical Statistics 27, for why there is no more.

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
        return GUARDED_BY_RANGE if known else GUARDED_AGAINST_SKEWNESS

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    @property
    def standard_error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / math.sqrt(self.n)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval from t with a milder guard than the bounds have, cut at the known range."""
        check_confidence(level)
        low, high, _error = shown_ends(
            self.total, self.total_squares, self.n, self.floor, self.ceiling, level
        )
        return float(low), float(high)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the guarded t distribution of one side."""
        if side == "lower":
            return self._lower(probabilities)
        return -self._mirrored._lower(1 - np.asarray(probabilities))

    @cached_property
    def _mirrored(self) -> Mean:
        return Mean(-self.total, self.total_squares, self.n, _negated(self.ceiling), _negated(self.floor))

    def _lower(self, p: Array) -> Array:
        sums = _Sums.of(self.total, self.total_squares, self.n)
        if self.floor is not None:
            return sums.with_case_at(self.floor, self.ceiling, p)
        few = self.n < (FEWEST_VALUES if self.deviation > 0 else _CONSTANT_NEEDS)
        return np.full(np.shape(p), -math.inf) if few else sums.against_skewness(self.ceiling, p, math.inf)


def shown_ends(
    total: float | Array,
    total_squares: float | Array,
    n: float | Array,
    floor: float | None,
    ceiling: float | None,
    level: float = 0.95,
) -> tuple[Array, Array, Array]:
    """Two-sided interval of many means: t, with a milder guard than the bounds have.

    Args:
        total: Sums of the values, any shape.
        total_squares: Sums of their squares, same shape.
        n: Numbers of values, same shape, at least 2.
        floor: Smallest possible value, if known.
        ceiling: Largest possible value, if known.
        level: Two-sided level, strictly between 0 and 1.

    Returns:
        Lower ends, upper ends and standard errors, in that shape; the ends are cut at the known range.

    Source: as `Mean`.

    >>> low, high, _error = shown_ends(np.array([120.0]), np.array([200.0]), np.array([100.0]), 0.0, None)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([1.046], [1.382])
    """
    tail = np.asarray((1 - level) / 2)
    ends = []
    for sign, near, far in ((1.0, floor, ceiling), (-1.0, _negated(ceiling), _negated(floor))):
        sums = _Sums.of(sign * np.asarray(total), total_squares, n)
        if near is not None:
            end = np.maximum(near, sums.with_case_at(near, far, tail))
        else:
            end = sums.against_skewness(far, tail, _SHOWN_SKEWNESS)
        ends.append(sign * end)
    return ends[0], ends[1], sums.deviation / np.sqrt(sums.n)


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of many samples, with lower quantiles of their means."""

    total: Array
    squares: Array
    n: Array
    value: Array
    deviation: Array

    @classmethod
    def of(cls, total: float | Array, squares: float | Array, n: float | Array) -> _Sums:
        """Return sums with what follows from them."""
        held, second, cases = (
            as_floats(np.asarray(total)),
            as_floats(np.asarray(squares)),
            as_floats(np.asarray(n)),
        )
        value = held / cases
        spread = second - held * value
        # What rounding leaves of equal values is not spread.
        deviation = np.sqrt(np.where(spread > 1e-13 * second, spread, 0.0) / (cases - 1))
        return cls(held, second, cases, value, deviation)

    def plain(self, p: Array) -> Array:
        """Return quantiles of t."""
        return np.asarray(self.value + self.deviation / np.sqrt(self.n) * special.stdtrit(self.n - 1, p))

    def against_skewness(self, ceiling: float | None, p: Array, most: float) -> Array:
        """Return quantiles of t stretched for a skewness against the claim, no more than `most`."""
        skewness: Array = np.full_like(self.value, _SKEWNESS)
        if ceiling is not None:
            room = ceiling - self.value
            seen = _SKEWNESS_PER_SPREAD * self.deviation / np.where(room > 0, room, 1.0)
            skewness = np.where(room > 0, np.maximum(_LEAST_SKEWNESS, seen), _SKEWNESS)
        # Only the near tail is stretched: past the middle the correction would bend the quantiles back.
        shift = (2 * np.minimum(special.ndtri(p), 0) ** 2 + 1) / (6 * np.sqrt(self.n))
        stretch = np.minimum(skewness, most) * shift
        return np.asarray(self.plain(p) - self.deviation / np.sqrt(self.n) * stretch)

    def with_case_at(self, floor: float, ceiling: float | None, p: Array) -> Array:
        """Return the more cautious of t and the distribution with one more case at the floor."""
        n = self.n + 1
        above = np.maximum(0.0, (self.total - self.n * floor) / n)
        second = np.maximum(0.0, self.squares - 2 * floor * self.total + self.n * floor**2) / n
        variance = np.maximum(0.0, second - above**2) / (n + 1)
        if ceiling is not None:
            return np.minimum(self.plain(p), matched_beta(floor + above, variance, floor, ceiling, p))
        varies = (above > 0) & (variance > 0)
        scale = np.where(varies, variance, 1.0) / np.where(varies, above, 1.0)
        shape = np.where(varies, above, 1.0) / scale
        gamma = floor + np.where(varies, scale * special.gammaincinv(shape, p), above)
        return np.minimum(self.plain(p), gamma)


@dataclass(frozen=True)
class Normal(BoundedByQuantiles):
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
        return self.value + self.standard_error * t_quantiles(self.degrees, probabilities)


@dataclass(frozen=True)
class LogitNormal(BoundedByQuantiles):
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
                + self.standard_error / spread * t_quantiles(self.degrees, probabilities)
            )
        )

    def _fallback_quantiles(self, side: Side, probabilities: Array) -> Array:
        if self.cases is None or self.cases <= 0:
            return np.full(np.shape(probabilities), 0.0 if side == "lower" else 1.0)
        return Proportion(self.value * self.cases, self.cases).quantiles(side, probabilities)


def _negated(number: float | None) -> float | None:
    return None if number is None else -number


def _check_error(standard_error: float, degrees: float) -> None:
    if not 0 <= standard_error < math.inf or not degrees > 0:
        raise ValueError(f"needs a standard error from 0 up and degrees > 0, got {standard_error}, {degrees}")
