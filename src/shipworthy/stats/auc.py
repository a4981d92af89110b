"""Area under the ROC curve from counts of positives and negatives per score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

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


@dataclass(frozen=True, eq=False)
class AreaUnderCurve:
    """The area under the ROC curve, bounded after one more case of each class was seen ranked wrongly.

    For the lower side one positive below all scores and one negative above them is added (for the upper side
    the reverse); the bound is a quantile of the beta distribution with the resulting area and variance.
    DeLong's own one-sided bound on the logit scale passed bad candidates up to 13% of the time at a stated
    5% (50 positives, area 0.98); this one stayed below 5% on both sides in the same simulations.

    Args:
        positives: Positives at each score, shape (scores,), scores ascending; fractions are allowed.
        negatives: Negatives at each score, same shape.

    Raises:
        ValueError: If shapes differ, a count is negative or a class is empty.

    Source: DeLong et al. (1988) for the variance and the displayed interval; the added cases are our own.

    >>> area = AreaUnderCurve([0, 0, 10], [20, 5, 0])
    >>> area.value, 0.6 < area.bound("lower", 0.95) < 0.8
    (1.0, True)
    """

    positives: NDArray[np.float64]
    negatives: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse tables without both classes."""
        pos, neg = _checked(self.positives, self.negatives)
        if pos.ndim != 1 or not (pos.sum() > 0 and neg.sum() > 0):
            raise ValueError("an area needs one dimension, at least one positive and one negative")
        object.__setattr__(self, "positives", pos)
        object.__setattr__(self, "negatives", neg)

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
        first, last = ([1.0], [0.0]) if side == "lower" else ([0.0], [1.0])
        pos = np.concatenate([first, self.positives, last])
        neg = np.concatenate([last, self.negatives, first])
        area, variance = _posterior_moments(pos, neg)
        return matched_beta(area, variance, 0.0, 1.0, probabilities)

    @property
    def _is_thin(self) -> bool:
        return bool(min(self.positives.sum(), self.negatives.sum()) < FEW_OF_A_CLASS)

    @cached_property
    def _logit(self) -> LogitNormal:
        area, variance = delong(self.positives, self.negatives)
        cases = float(min(self.positives.sum(), self.negatives.sum()))
        return LogitNormal(float(area), math.sqrt(max(0.0, float(variance))), cases=cases)


def _posterior_moments(pos: NDArray[np.float64], neg: NDArray[np.float64]) -> tuple[float, float]:
    """Area and its variance when the shares of each class are Dirichlet with these counts."""
    n_pos, n_neg = pos.sum(), neg.sum()
    beaten, outdone = _placements(pos, neg)
    area = float(pos @ beaten / n_pos)
    spread_pos = float(pos @ (beaten - area) ** 2 / n_pos / (n_pos + 1))
    spread_neg = float(neg @ (outdone - area) ** 2 / n_neg / (n_neg + 1))
    return area, spread_pos + spread_neg


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
