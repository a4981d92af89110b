"""How much of a set is reached by independent draws that each reach a bounded part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.confidence import Side
from shipworthy.stats.proportions import check_confidence

__all__ = ["Coverage"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coverage:
    """The share of a set of items that independent draws reach together, with distribution-free bounds.

    It speaks of the expected share at this number of draws. Exchanging one draw changes the number of reached
    items by at most what that draw can reach, so that the bound holds for every n, and is wide.

    Args:
        reached: Items reached, 0 to `items`.
        items: Items there are, more than 0.
        reach: (draws,) most items that each independent draw can reach, at least 0.

    Raises:
        ValueError: If more is reached than there is, or nothing is drawn.

    Source: McDiarmid (1989), On the method of bounded differences, Surveys in Combinatorics.

    >>> shown = Coverage(600, 1000, np.full(200, 10.0))
    >>> shown.value, round(shown.bound("lower", 0.95), 3)
    (0.6, 0.427)
    """

    reached: float
    items: float
    reach: Array

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be."""
        if not 0 <= self.reached <= self.items or self.items <= 0:
            raise ValueError(f"{self.reached} of {self.items} items cannot be reached")
        if not self.reach.size or (self.reach < 0).any():
            raise ValueError("coverage needs at least one draw, each with a reach of 0 or more")

    @property
    def value(self) -> float:
        """Share of the items that is reached."""
        return self.reached / self.items

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "bounded differences (McDiarmid)"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    @property
    def standard_error(self) -> float:
        """The largest that bounded differences allow, for sizing."""
        return math.sqrt(float(self.reach @ self.reach)) / (2 * self.items)

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound, within 0 to 1."""
        check_confidence(confidence)
        margin = self._margin(np.array(1 - confidence))
        return (
            max(0.0, self.value - float(margin)) if side == "lower" else min(1.0, self.value + float(margin))
        )

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval between the two one-sided bounds."""
        one_sided = (1 + level) / 2
        return self.bound("lower", one_sided), self.bound("upper", one_sided)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the conservative confidence distribution of one side."""
        p = np.asarray(probabilities, dtype=float)
        if side == "lower":
            return np.maximum(0.0, self.value - self._margin(p))
        return np.minimum(1.0, self.value + self._margin(1 - p))

    def _margin(self, risk: Array) -> Array:
        squares = float(self.reach @ self.reach)
        return np.asarray(np.sqrt(squares * np.log(1 / risk) / 2) / self.items)
