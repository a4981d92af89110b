"""How much of a set is reached by independent draws that each reach a bounded part of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.confidence import Side
from shipworthy.stats.proportions import check_confidence

__all__ = ["Coverage"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Coverage:
    """The share of a set of items that independent draws reach together, with distribution-free bounds.

    It speaks of the expected share at this number of draws. Two bounds hold for every n, and the nearer one
    counts. Exchanging one draw changes the number of reached items by at most what that draw can reach. And
    what single draws reach alone adds up to no more than what all reach together, so that the number reached,
    in units of the largest reach, has no heavier tails than a Poisson's. The second is nearer where draws are
    many for the items there are.

    Args:
        reached: Items reached, 0 to `items`.
        items: Items there are, more than 0.
        reach: (draws,) most items that each independent draw can reach, at least 0.

    Raises:
        ValueError: If more is reached than there is, or nothing is drawn.

    Source: McDiarmid (1989), On the method of bounded differences, Surveys in Combinatorics; Boucheron,
        Lugosi and Massart (2013), Concentration Inequalities, theorem 6.12, for self-bounding functions.

    >>> shown = Coverage(600, 1000, np.full(200, 10.0))
    >>> shown.value, round(shown.bound("lower", 0.95), 3)
    (0.6, 0.43)
    >>> round(Coverage(950, 1000, np.full(2000, 10.0)).bound("lower", 0.95), 3)
    0.731
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
        return "bounded differences (McDiarmid), or self-bounding"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method

    @property
    def standard_error(self) -> float:
        """The largest that either bound allows, for sizing."""
        by_differences = math.sqrt(float(self.reach @ self.reach)) / (2 * self.items)
        unit = float(self.reach.max())
        return min(by_differences, math.sqrt(max(self.reached, unit) * unit) / self.items)

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound, within 0 to 1."""
        check_confidence(confidence)
        return float(self._bounds(side, np.array(1 - confidence)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Two-sided interval between the two one-sided bounds."""
        one_sided = (1 + level) / 2
        return self.bound("lower", one_sided), self.bound("upper", one_sided)

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the conservative confidence distribution of one side."""
        p = np.asarray(probabilities, dtype=float)
        return self._bounds(side, p if side == "lower" else 1 - p)

    def _bounds(self, side: Side, risk: Array) -> Array:
        """Return one-sided bounds at some risks; for every true share the better of two tests is inverted."""
        with np.errstate(divide="ignore"):
            exponent = -np.log(risk)
        margin = np.sqrt(float(self.reach @ self.reach) * exponent / 2) / self.items
        if side == "lower":
            return np.maximum(0.0, np.maximum(self.value - margin, self._poisson("lower", exponent)))
        return np.minimum(1.0, np.minimum(self.value + margin, self._poisson("upper", exponent)))

    def _poisson(self, side: Side, exponent: Array) -> Array:
        """Return the shares at which a Poisson's Chernoff bound for what is reached equals exp(-exponent)."""
        unit = float(self.reach.max())
        if not unit:
            return np.full_like(exponent, self.value)
        if not self.reached:
            return np.zeros_like(exponent) if side == "lower" else exponent * unit / self.items
        # mean - seen - seen log(mean / seen) = exponent, solved by Lambert's W on either branch.
        seen = self.reached / unit
        ratio = -special.lambertw(-np.exp(-1 - exponent / seen), 0 if side == "lower" else -1).real
        # Rounding carries -1/e past the branch point where nothing is risked; the value itself is then meant.
        return np.asarray(np.where(np.isfinite(ratio), ratio, 1.0) * self.value)
