"""Confidence in sums, differences and ratios of what already has a confidence distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shipworthy.stats.distribution import (
    Array,
    BoundedByQuantiles,
    Confidence,
    Side,
    order_statistics,
    other_side,
)
from shipworthy.stats.two_samples import square_and_add

__all__ = ["Affine", "Difference", "Ratio"]

_GRID = (np.arange(512) + 0.5) / 512
"""Probabilities at which two distributions are melded: the midpoints of 512 equal parts."""


@dataclass(frozen=True, eq=False)
class Affine(BoundedByQuantiles):
    """`scale * inner + shift`; a negative scale swaps the sides.

    Args:
        inner: What is scaled and shifted.
        scale: Factor, finite.
        shift: Added afterwards, finite.

    >>> from shipworthy.stats.confidence import Proportion
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
        return side if self.scale >= 0 else other_side(side)


@dataclass(frozen=True, eq=False)
class Difference(BoundedByQuantiles):
    """`scale * (a - b)` for two independent values, by melding their confidence distributions.

    The lower bound is a quantile of the difference between a draw from `a`'s lower-side and one from `b`'s
    upper-side distribution. For two proportions and no difference it agrees with Fisher's exact test.

    Args:
        a: First value.
        b: Second value, independent of the first.
        scale: Factor, finite; a negative one swaps the sides.

    Source: Fay, Proschan and Brittain (2015), Biometrics 71, "Combining one-sample confidence procedures".

    >>> from shipworthy.stats.confidence import Proportion
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
        if self._are_wilson:
            return "Newcombe"
        return f"square-and-add ({_joined(self.a.display_method, self.b.display_method)})"

    @property
    def standard_error(self) -> float:
        """Root of the summed squares of the two standard errors, scaled."""
        return abs(self.scale) * math.hypot(self.a.standard_error, self.b.standard_error)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two shown intervals squared and added, which is Newcombe's where both are Wilson's.

        Newcombe's own, on Wilson's whatever the counts, covered as little as 90% of rates near 0 and 1.
        """
        ends = square_and_add(self.a.value, self.a.interval(level), self.b.value, self.b.interval(level))
        first, second = self.scale * ends[0], self.scale * ends[1]
        return (first, second) if self.scale >= 0 else (second, first)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the melded difference."""
        if self.scale < 0:
            mirrored = Difference(self.a, self.b, -self.scale)
            return -mirrored.quantiles(other_side(side), 1 - np.asarray(probabilities))
        a = self.a.quantiles(side, _GRID)
        b = self.b.quantiles(other_side(side), _GRID)
        with np.errstate(invalid="ignore"):
            gaps = np.subtract.outer(a, b)
        return self.scale * order_statistics(_against(gaps, side), probabilities, side)

    @property
    def _are_wilson(self) -> bool:
        return self.a.display_method == self.b.display_method == "Wilson"


@dataclass(frozen=True, eq=False)
class Ratio(BoundedByQuantiles):
    """`a / b` for two independent quantities that cannot be negative, by melding.

    Confidence below zero is cut at zero. Where `b` may be zero the upper bound is infinite; where `a` may be
    zero too, 0 / 0 counts against the claim (0 below, infinity above).

    Args:
        a: Numerator, at least 0.
        b: Denominator, at least 0, independent of the numerator.

    Raises:
        ValueError: If a value is negative or nan.

    Source: Fay, Proschan and Brittain (2015), Biometrics 71; displayed by Zou and Donner (2008) on logs.

    >>> from shipworthy.stats.confidence import Proportion
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
        b = np.maximum(0.0, self.b.quantiles(other_side(side), _GRID))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            ratios = np.divide.outer(a, b)
        return np.maximum(0.0, order_statistics(_against(ratios, side), probabilities, side))

    @property
    def _has_logs(self) -> bool:
        return self.a.value > 0 and self.b.value > 0


def _joined(first: str, second: str) -> str:
    return first if first == second else f"{first} and {second}"


def _log_ends(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = (math.log(end) if end > 0 else -math.inf for end in ends)
    return low, high


def _against(melded: Array, side: Side) -> Array:
    flat = melded.ravel()
    flat[np.isnan(flat)] = -math.inf if side == "lower" else math.inf
    return flat
