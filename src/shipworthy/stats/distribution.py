"""What every confidence distribution has, and the draws and quantiles that several share."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import check_confidence

__all__ = [
    "DISPLAY_DRAWS",
    "DRAWS",
    "MANY_CELLS",
    "Array",
    "BoundedByQuantiles",
    "Confidence",
    "Side",
    "as_floats",
    "beta_quantiles",
    "binomial_error",
    "dirichlet_draws",
    "matched_beta",
    "order_statistics",
    "other_side",
    "t_quantiles",
    "tail_of",
]

Side = Literal["lower", "upper"]
Array = NDArray[np.float64]

DRAWS = 20_000
DISPLAY_DRAWS = 2_000
MANY_CELLS = 1_000
"""Above this many cells a beta distribution with the same two moments replaces the draws."""
_SEED = 20_240_611
_FEWEST_DRAWS = 4_000
_GAMMAS = 4_000_000
"""Numbers drawn at most per distribution, so that wide tables stay within tens of milliseconds."""
_KEPT = 100_000
"""Up to so many numbers are kept: one table is drawn for its gate, to be shown and for its price."""


class Confidence(Protocol):
    """A value with a conservative confidence distribution for each side.

    >>> from shipworthy.stats.count_tables import Proportion
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


class BoundedByQuantiles:
    """Gives `bound` to classes that have `quantiles`."""

    def quantiles(self, side: Side, probabilities: Array) -> Array:
        """Quantiles of the conservative confidence distribution of one side."""
        raise NotImplementedError

    def bound(self, side: Side, confidence: float) -> float:
        """One-sided bound: the quantile `1 - confidence` (lower) or `confidence` (upper)."""
        check_confidence(confidence)
        return float(self.quantiles(side, np.array([tail_of(side, confidence)]))[0])

    def _both_bounds(self, level: float) -> tuple[float, float]:
        one_sided = (1 + level) / 2
        return self.bound("lower", one_sided), self.bound("upper", one_sided)


def other_side(side: Side) -> Side:
    """The opposite side.

    Args:
        side: "lower" or "upper".

    Returns:
        The other of the two.
    """
    return "upper" if side == "lower" else "lower"


def tail_of(side: Side, confidence: float) -> float:
    """Probability of the quantile that is a one-sided bound.

    Args:
        side: "lower" or "upper".
        confidence: One-sided confidence, strictly between 0 and 1.

    Returns:
        `1 - confidence` for the lower side, `confidence` for the upper.
    """
    return 1 - confidence if side == "lower" else confidence


def as_floats(numbers: Array) -> Array:
    """Numbers as an array of floats.

    Args:
        numbers: Numbers, any shape.

    Returns:
        The same numbers and shape.
    """
    return np.asarray(numbers, dtype=np.float64)


def binomial_error(rate: float, n: float) -> float:
    """Standard error of a rate; for a rate of 0 or 1, that of half an event in one more trial.

    Args:
        rate: 0 to 1.
        n: Trials, more than 0.

    Returns:
        The standard error, a share.
    """
    if rate in (0, 1):
        rate, n = 0.5 / (n + 1), n + 1
    return math.sqrt(rate * (1 - rate) / n)


def t_quantiles(degrees: float, probabilities: Array) -> Array:
    """Quantiles of Student's t, of the normal where the degrees are infinite.

    Args:
        degrees: Degrees of freedom, more than 0.
        probabilities: Strictly between 0 and 1.

    Returns:
        The quantiles, in the shape of `probabilities`.
    """
    if math.isinf(degrees):
        return np.asarray(special.ndtri(probabilities))
    return np.asarray(special.stdtrit(degrees, probabilities))


def beta_quantiles(a: float, b: float, probabilities: Array) -> Array:
    """Quantiles of the beta distribution, 0 or 1 throughout where a parameter is 0.

    Args:
        a: First parameter, at least 0.
        b: Second parameter, at least 0.
        probabilities: Strictly between 0 and 1.

    Returns:
        The quantiles, 0 to 1, in the shape of `probabilities`.
    """
    if a <= 0 or b <= 0:
        return np.full(np.shape(probabilities), 0.0 if a <= 0 else 1.0)
    return np.asarray(special.betaincinv(a, b, probabilities))


def matched_beta(
    mean: float | Array, variance: float | Array, low: float, high: float, probabilities: Array
) -> Array:
    """Quantiles of the beta distribution on [low, high] that has a given mean and variance.

    Args:
        mean: Within low to high; an array has to broadcast with `probabilities`.
        variance: At least 0, likewise; without any, all quantiles are the mean.
        low: Smallest possible value.
        high: Largest possible value.
        probabilities: Strictly between 0 and 1.

    Returns:
        The quantiles, low to high.
    """
    width = high - low
    middle, spread = np.asarray(mean, dtype=np.float64), np.asarray(variance, dtype=np.float64)
    share = np.clip((middle - low) / width, 0.0, 1.0) if width > 0 else np.zeros_like(middle)
    varies = (spread > 0) & (share > 0) & (share < 1)
    cases = share * (1 - share) * width**2 / np.where(varies, spread, 1.0) - 1
    fits = varies & (cases > 0)
    a, b = np.where(fits, share * cases, 1.0), np.where(fits, (1 - share) * cases, 1.0)
    inside = low + width * special.betaincinv(a, b, probabilities)
    return np.asarray(np.where(fits, inside, np.where(varies, low, middle)))


def dirichlet_draws(weights: Array, most: int = DRAWS) -> Array:
    """Draws of a Dirichlet distribution, always the same ones.

    Args:
        weights: Parameter of each cell, shape (cells,), more than 0.
        most: Draws at most; wide tables get fewer.

    Returns:
        Shares, shape (draws, cells), read-only.
    """
    draws = min(most, max(_FEWEST_DRAWS, _GAMMAS // weights.size))
    plain = as_floats(weights)
    drawn = _kept_shares if draws * plain.size <= _KEPT else _shares
    return drawn(plain.tobytes(), draws)


def _shares(weights: bytes, draws: int) -> Array:
    parameters = np.frombuffer(weights)
    shares = np.random.default_rng(_SEED).standard_gamma(parameters, size=(draws, parameters.size))
    shares /= shares.sum(axis=1, keepdims=True)
    shares.flags.writeable = False
    return shares


_kept_shares = lru_cache(maxsize=8)(_shares)


def order_statistics(sample: Array, probabilities: Array, side: Side) -> Array:
    """Order statistics of a sample; the upper side mirrors the lower, so that laws of symmetry are exact.

    Args:
        sample: One-dimensional.
        probabilities: Strictly between 0 and 1.
        side: "lower" or "upper".

    Returns:
        One number of the sample for each probability.
    """
    p, last = np.asarray(probabilities, dtype=np.float64), sample.size - 1
    if side == "lower":
        ranks = np.ceil(p * sample.size) - 1
    else:
        ranks = last - (np.ceil((1 - p) * sample.size) - 1)
    places = np.clip(ranks, 0, last).astype(np.intp)
    few = places.size <= 8
    ordered = np.partition(sample, np.unique(places)) if few else np.sort(sample)
    return np.asarray(ordered[places])
