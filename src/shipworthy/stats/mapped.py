"""A confidence distribution seen through a rising function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.confidence import Confidence, Side

__all__ = ["Mapped"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mapped:
    """A strictly rising function of a quantity, with bounds and intervals mapped by it.

    Args:
        inner: The quantity.
        function: Strictly rising on the inner quantity's range, vectorised.

    >>> from shipworthy.stats.confidence import Proportion
    >>> f1 = Mapped(Proportion(80, 110), lambda j: 2 * j / (1 + j))
    >>> round(f1.value, 6), [round(end, 6) for end in f1.interval()]
    (0.842105, [0.778577, 0.889982])
    """

    inner: Confidence
    function: Callable[[Array], Array]

    @property
    def value(self) -> float:
        """The mapped value."""
        return self._map(self.inner.value)

    @property
    def method(self) -> str:
        """How the bounds are made."""
        return f"{self.inner.method}, mapped"

    @property
    def display_method(self) -> str:
        """How the interval is made."""
        return f"{self.inner.display_method}, mapped"

    @property
    def standard_error(self) -> float:
        """Delta method with a numerical slope."""
        step = 1e-6
        slope = (self._map(self.inner.value + step) - self._map(self.inner.value - step)) / (2 * step)
        return abs(slope) * self.inner.standard_error

    def bound(self, side: Side, confidence: float) -> float:
        """Return the mapped one-sided bound."""
        return self._map(self.inner.bound(side, confidence))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the mapped two-sided interval."""
        low, high = self.inner.interval(level)
        return self._map(low), self._map(high)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Return the mapped quantiles."""
        return np.asarray(self.function(self.inner.quantiles(side, probabilities)))

    def _map(self, value: float) -> float:
        return float(self.function(np.asarray(value, dtype=float)))
