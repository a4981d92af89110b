"""Shipping or holding at unequal losses: the confidence that they imply, and what more cases are worth."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from shipworthy.stats.distribution import Side

__all__ = [
    "LEAST_CONFIDENCE",
    "MOST_CONFIDENCE",
    "Bounded",
    "balanced_bound",
    "implied_confidence",
    "value_of_cases",
    "worth_of_shipping",
]

LEAST_CONFIDENCE = 0.501
MOST_CONFIDENCE = 0.999
#: Points of the next estimate's distribution at which the next choice is worked out.
_POINTS = 96
_Array = NDArray[np.float64]


class Bounded(Protocol):
    """Anything with one-sided bounds."""

    def bound(self, side: Side, confidence: float) -> float:
        """Return a one-sided bound at a confidence strictly between 0 and 1."""


def implied_confidence(wrong_ship: float, wrong_hold: float) -> float:
    """One-sided confidence at which shipping is expected to lose as much as holding.

    A wrong ship loses `wrong_ship` for each unit by which the truth misses the bar, a wrong hold `wrong_hold`
    for each unit by which it exceeds it. What is believed is normal around the estimate with its standard
    error, before which every value was as likely. Then the choice turns where the estimate stands k errors
    beyond the bar, with `k / (density(k) - k * tail(k)) = wrong_ship / wrong_hold - 1`, whatever the error.

    Args:
        wrong_ship: Loss per unit of a wrong ship, more than 0, in money.
        wrong_hold: Loss per unit of a wrong hold, more than 0, in money.

    Returns:
        The confidence, 0.501 to 0.999; where a wrong hold is the dearer one, 0.501.

    Raises:
        ValueError: If a loss is not a finite number above 0.

    Source: Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, chapter 5, two-action problems
    with linear loss.

    >>> [round(implied_confidence(ratio, 1), 3) for ratio in (1, 2, 10, 30)]
    [0.501, 0.609, 0.816, 0.904]
    """
    if not (0 < wrong_ship < np.inf and 0 < wrong_hold < np.inf):
        raise ValueError(f"needs two losses above 0, got {wrong_ship} and {wrong_hold}")
    excess = wrong_ship / wrong_hold - 1
    if excess <= 0:
        return LEAST_CONFIDENCE
    near, far = 0.0, 40.0
    for _ in range(60):
        middle = (near + far) / 2
        if middle > excess * float(_unit_loss(np.array(middle))):
            far = middle
        else:
            near = middle
    return float(np.clip(special.ndtr(far), LEAST_CONFIDENCE, MOST_CONFIDENCE))


def balanced_bound(of: Bounded, side: Side, confidence: float) -> float:
    """Bound of a choice that balances losses: it leans off as far as one loss outweighs the other.

    A bound that promises a risk leans away from the estimate by about half a case, so that the promise holds
    for every sample. Where both errors cost the same a choice must lean to neither side; the dearer a wrong
    ship is, the more the whole lean is worth.

    Args:
        of: What is bounded.
        side: "lower" or "upper".
        confidence: One-sided confidence, strictly between 0 and 1: the share that the bound of this side has.

    Returns:
        The bound of this side and the other side's bound at one less the confidence, averaged: the first with
        the confidence as its weight, the second with the rest.

    Source: for a proportion the two are the ends of the randomised bound of Stevens (1950), Biometrika 37;
    their middle has the mid-p chances.

    >>> from shipworthy.stats.confidence import Proportion
    >>> share = Proportion(80, 100)
    >>> round(share.bound("lower", 0.5), 4), round(balanced_bound(share, "lower", 0.5), 4)
    (0.794, 0.799)
    """
    other: Side = "upper" if side == "lower" else "lower"
    leaning, straight = of.bound(side, confidence), of.bound(other, 1 - confidence)
    return confidence * leaning + (1 - confidence) * straight


def worth_of_shipping(
    distance: ArrayLike, error: ArrayLike, wrong_ship: ArrayLike, wrong_hold: ArrayLike
) -> _Array:
    """Expected worth of shipping rather than holding, for a normal belief; below 0 holding is better.

    Args:
        distance: How far the estimate stands on the right side of the bar, any shape.
        error: Its standard error, more than 0, a shape that broadcasts.
        wrong_ship: Loss per unit below the bar, at least 0, a shape that broadcasts.
        wrong_hold: Gain forgone per unit above the bar, at least 0, a shape that broadcasts.

    Returns:
        The worth in money, in the broadcast shape.

    Source: as `implied_confidence`.

    >>> worth_of_shipping(0.0, 1.0, 1.0, 1.0).item()
    0.0
    """
    spread = np.asarray(error, float)
    beyond = np.asarray(distance, float) / spread
    # What lies above the bar is what lies below it and the distance itself.
    below = _unit_loss(beyond)
    return np.asarray(spread * (np.asarray(wrong_hold) * (below + beyond) - np.asarray(wrong_ship) * below))


def value_of_cases(
    distance: ArrayLike,
    error: ArrayLike,
    n: ArrayLike,
    cases: ArrayLike,
    wrong_ship: ArrayLike,
    wrong_hold: ArrayLike,
    reach: ArrayLike | None = None,
) -> _Array:
    """Expected value of seeing more cases before the choice between shipping and holding.

    Args:
        distance: How far the estimate stands on the right side of the bar, any shape.
        error: Its standard error, more than 0.
        n: Cases it rests on, more than 0.
        cases: Further cases of the same kind, at least 0.
        wrong_ship: Loss per unit below the bar, at least 0, in money.
        wrong_hold: Gain forgone per unit above the bar, at least 0, in money.
        reach: Standard errors beyond the bar from which a gate lets it ship after those cases, which does not
            let it ship now; by default it ships where that is worth more than holding.

    Returns:
        The value in money, at least 0 without a reach, in the shape to which all arguments broadcast.

    Source: Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, chapter 5.

    >>> [round(value_of_cases(-0.5, 1.0, 100, more, 1.0, 1.0).item(), 2) for more in (0, 100, 900)]
    [0.0, 0.1, 0.18]
    """
    shift, spread, seen, more = (np.asarray(part, float) for part in (distance, error, n, cases))
    share = more / (seen + more)
    likely = special.ndtri((np.arange(_POINTS) + 0.5) / _POINTS)
    # The points stand for their slices; stretched so that their variance is 1, as the distribution's is.
    likely /= np.sqrt(np.mean(likely**2))
    following = (shift[..., None] if shift.ndim else shift) + likely * np.sqrt(share * spread**2)[..., None]
    left = np.maximum(spread * np.sqrt(1 - share), 1e-300)[..., None]
    losses = [np.asarray(part, float)[..., None] for part in (wrong_ship, wrong_hold)]
    later = worth_of_shipping(following, left, *losses)
    if reach is not None:
        passes = following >= np.asarray(reach, float)[..., None] * left
        return np.asarray(np.where(more > 0, np.where(passes, later, 0.0).mean(-1), 0.0))
    # Both worths have the same mean; taking it from the points themselves cancels their error.
    gained = np.maximum(later, 0).mean(-1) - np.maximum(later.mean(-1), 0)
    return np.asarray(np.where(more > 0, np.maximum(gained, 0.0), 0.0))


def _unit_loss(beyond: _Array) -> _Array:
    """Mean distance of a standard normal beyond a point."""
    density = np.exp(-(beyond**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(density - beyond * special.ndtr(-beyond))
