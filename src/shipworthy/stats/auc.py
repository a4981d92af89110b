"""Area under the ROC curve from counts of positives and negatives per score."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.confidence import LogitNormal, Side, matched_beta
from shipworthy.stats.proportions import check_confidence

FEW_OF_A_CLASS = 100
"""Below so many cases of a class DeLong's interval is too short for areas near 0 or 1."""


def delong(
    positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area under the ROC curve and its DeLong variance, from counts per ascending distinct score.

    Args:
        positives: Positives at each score, shape (..., scores), scores ascending.
        negatives: Negatives at each score, same shape.

    Returns:
        Area (0 to 1, ties count half) and variance, shape (...); the area is nan without positives or
        negatives, the variance is nan with fewer than two of either.

    Raises:
        ValueError: If the shapes differ or a count is negative.

    Source: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44; counts instead of rows as in Sun and
    Xu (2014), IEEE Signal Processing Letters 21.

    >>> area, variance = delong([0, 1, 2], [2, 1, 0])
    >>> round(float(area), 4), round(float(variance), 4)
    (0.9444, 0.0062)
    """
    pos, neg = _checked(positives, negatives)
    n_pos, n_neg = pos.sum(-1), neg.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        beaten, outdone = _placements(pos, neg)
        area = (pos * beaten).sum(-1) / n_pos
        spread_pos = (pos * (beaten - area[..., None]) ** 2).sum(-1) / np.where(n_pos > 1, n_pos - 1, np.nan)
        spread_neg = (neg * (outdone - area[..., None]) ** 2).sum(-1) / np.where(n_neg > 1, n_neg - 1, np.nan)
        variance = spread_pos / n_pos + spread_neg / n_neg
    return area, variance


def auc_bounds(
    positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Smallest and largest area that scores could have had before they were binned.

    Args:
        positives: Positives in each bin, shape (..., bins), bins ascending.
        negatives: Negatives in each bin, same shape.

    Returns:
        Lower and upper end, shape (...); nan without positives or negatives.

    Raises:
        ValueError: If the shapes differ or a count is negative.

    >>> low, high = auc_bounds([0, 1, 2], [2, 1, 0])
    >>> round(float(low), 4), round(float(high), 4)
    (0.8889, 1.0)
    """
    pos, neg = _checked(positives, negatives)
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = pos.sum(-1) * neg.sum(-1)
        up_to = np.cumsum(neg, -1)
        low = (pos * (up_to - neg)).sum(-1) / pairs
        high = (pos * up_to).sum(-1) / pairs
    return low, high


@dataclass(frozen=True, slots=True)
class Placements:
    """Five totals that DeLong's area and variance are functions of, whatever the number of distinct scores.

    The placement of a positive is the number of negatives below its score, that of a negative the number of
    positives above, ties counting half.

    Args:
        positives: Number of positives.
        negatives: Number of negatives.
        wins: Sum of the positives' placements, which is that of the negatives' too.
        positive_squares: Sum of the squares of the positives' placements.
        negative_squares: Sum of the squares of the negatives' placements.

    Source: DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44.

    >>> Placements.of([0, 1, 2], [2, 1, 0])
    Placements(positives=3.0, negatives=3.0, wins=8.5, positive_squares=24.25, negative_squares=24.25)
    """

    positives: float
    negatives: float
    wins: float
    positive_squares: float
    negative_squares: float

    @classmethod
    def of(cls, positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> Placements:
        """Return the totals of counts per ascending distinct score.

        Args:
            positives: Positives at each score, shape (scores,).
            negatives: Negatives at each score, same shape.
        """
        pos, neg = _checked(positives, negatives)
        n_pos, n_neg = float(pos.sum()), float(neg.sum())
        below, above = np.cumsum(neg) - neg / 2, n_pos - np.cumsum(pos) + pos / 2
        squares = float(pos @ below**2), float(neg @ above**2)
        return cls(n_pos, n_neg, float(pos @ below), *squares)

    def divided(self, effect: float) -> Placements:
        """Return the totals of a sample `effect` times as small with the same shares at every score."""
        return Placements(
            self.positives / effect,
            self.negatives / effect,
            self.wins / effect**2,
            self.positive_squares / effect**3,
            self.negative_squares / effect**3,
        )

    def with_worst(self, side: Side) -> Placements:
        """Return the totals after one more case of each class was ranked as wrongly as can be.

        Args:
            side: "lower" adds a positive below all scores and a negative above, "upper" the reverse.
        """
        pos, neg = self.positives, self.negatives
        if side == "lower":
            # Nobody beats or is beaten by either of them.
            return Placements(pos + 1, neg + 1, self.wins, self.positive_squares, self.negative_squares)
        return Placements(
            pos + 1,
            neg + 1,
            self.wins + pos + neg + 1,
            self.positive_squares + 2 * self.wins + pos + (neg + 1) ** 2,
            self.negative_squares + 2 * self.wins + neg + (pos + 1) ** 2,
        )

    @property
    def area(self) -> float:
        """The area, ties counted half."""
        area = self.wins / (self.positives * self.negatives)
        return 1.0 if area > 1 - 1e-15 else area

    @property
    def spreads(self) -> tuple[float, float]:
        """Sums of squared distances of the shares beaten from the area, of positives and of negatives."""
        area = self.area
        of_positives = self.positive_squares / self.negatives**2 - self.positives * area**2
        of_negatives = self.negative_squares / self.positives**2 - self.negatives * area**2
        return max(of_positives, 0.0), max(of_negatives, 0.0)

    @property
    def variance(self) -> float:
        """DeLong's variance of the area; nan with fewer than two cases of a class."""
        if min(self.positives, self.negatives) <= 1:
            return math.nan
        first, second = self.spreads
        first /= (self.positives - 1) * self.positives
        return first + second / ((self.negatives - 1) * self.negatives)

    @property
    def posterior_moments(self) -> tuple[float, float]:
        """Area and its variance when the shares of each class are Dirichlet with these counts."""
        first, second = self.spreads
        first /= self.positives * (self.positives + 1)
        return self.area, first + second / (self.negatives * (self.negatives + 1))


@dataclass(frozen=True)
class ExactArea:
    """The area under the ROC curve, bounded after one more case of each class was seen ranked wrongly.

    For the lower side one positive below all scores and one negative above them is added (for the upper side
    the reverse); the bound is a quantile of the beta distribution with the resulting area and variance.
    DeLong's own one-sided bound on the logit scale passed bad candidates up to 13% of the time at a stated
    5% (50 positives, area 0.98); this one stayed below 5% on both sides in the same simulations.

    Args:
        placements: The totals of the scores.

    Raises:
        ValueError: If a class is empty.

    Source: DeLong et al. (1988) for the variance and the displayed interval; the added cases are our own.
    """

    placements: Placements

    def __post_init__(self) -> None:
        """Refuse totals without both classes."""
        if not (self.placements.positives > 0 and self.placements.negatives > 0):
            raise ValueError("an area needs at least one positive and one negative")

    @property
    def value(self) -> float:
        """The area, ties counted half."""
        return self._logit.value

    @property
    def method(self) -> str:
        """Short name of the method of the one-sided bounds."""
        return "DeLong, one worst case per class"

    @property
    def display_method(self) -> str:
        """Short name of the method of the two-sided interval."""
        return self.method if self._is_thin else "DeLong on the logit scale"

    @property
    def standard_error(self) -> float:
        """DeLong's standard error; 0 when the classes are separated."""
        return self._logit.standard_error

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound of the area."""
        check_confidence(confidence)
        tail = 1 - confidence if side == "lower" else confidence
        return float(self.quantiles(side, np.array([tail]))[0])

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """DeLong's interval on the logit scale; the two bounds where a class has few cases.

        With 20 positives and an area of 0.98 DeLong's covered 90%.
        """
        if self._is_thin:
            one_sided = (1 + level) / 2
            return self.bound("lower", one_sided), self.bound("upper", one_sided)
        return self._logit.interval(level)

    def quantiles(self, side: Side, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Quantiles of the beta distribution with the moments after the added cases."""
        area, variance = self.placements.with_worst(side).posterior_moments
        return matched_beta(area, variance, 0.0, 1.0, probabilities)

    @property
    def _is_thin(self) -> bool:
        return min(self.placements.positives, self.placements.negatives) < FEW_OF_A_CLASS

    @property
    def _logit(self) -> LogitNormal:
        variance = self.placements.variance
        cases = min(self.placements.positives, self.placements.negatives)
        return LogitNormal(self.placements.area, math.sqrt(max(0.0, variance)), cases=cases)


class AreaUnderCurve(ExactArea):
    """The same from counts per score.

    Args:
        positives: Positives at each score, shape (scores,), scores ascending; fractions are allowed.
        negatives: Negatives at each score, same shape.

    Raises:
        ValueError: If shapes differ, a count is negative or a class is empty.

    >>> area = AreaUnderCurve([0, 0, 10], [20, 5, 0])
    >>> area.value, 0.6 < area.bound("lower", 0.95) < 0.8
    (1.0, True)
    """

    def __init__(self, positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> None:
        if np.ndim(positives) != 1:
            raise ValueError("an area needs one dimension")
        super().__init__(Placements.of(positives, negatives))


def _placements(
    pos: NDArray[np.float64], neg: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of negatives that a positive at each score beats, and of positives that outdo a negative."""
    n_pos, n_neg = pos.sum(-1, keepdims=True), neg.sum(-1, keepdims=True)
    return (np.cumsum(neg, -1) - neg / 2) / n_neg, (n_pos - np.cumsum(pos, -1) + pos / 2) / n_pos


def _checked(
    positives: NDArray[np.float64], negatives: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pos, neg = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    if pos.shape != neg.shape or pos.ndim == 0:
        raise ValueError(f"positives and negatives need the same shape, got {pos.shape} and {neg.shape}")
    if (pos < 0).any() or (neg < 0).any():
        raise ValueError("counts cannot be negative")
    return pos, neg
