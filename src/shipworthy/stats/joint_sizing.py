"""Several things to prove at once: the chance that all are proved, and how many cases give that chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import check_confidence
from shipworthy.stats.sizing import (
    SPARE_TEETH,
    Direction,
    cases_for_power,
    chance_of_at_most,
    check_rates,
    most_events_each,
    normal_quantile,
)

_SEED = 20_240_611
LARGEST_ROOT = 1e8
"""Distances beyond which squares are numbers of cases that nobody can collect."""
_WIDEST = 200_000
"""Cases on either side of a crossing that are looked at one by one; teeth further off are low."""


@dataclass(frozen=True)
class RateTarget:
    """A rate to prove on a share of the cases, bounded exactly.

    Args:
        bar: The rate to prove, strictly between 0 and 1.
        truth: The expected true rate, 0 to 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
        share: Share of all cases that it counts, more than 0, at most 1.

    Raises:
        ValueError: If a rate, the confidence or the share is out of range.

    >>> [RateTarget(0.80, 0.85, "at_least", share=share).cases_for(0.8) for share in (1.0, 0.5)]
    [398, 796]
    """

    bar: float
    truth: float
    direction: Direction
    confidence: float = 0.95
    share: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be sized."""
        check_rates(self.confidence, self.bar, self.truth)
        _check_share(self.share)
        if not 0 < self.bar < 1:
            raise ValueError(f"a bar to be proved must lie strictly between 0 and 1, got {self.bar}")

    def chances(self, cases: NDArray[np.int64]) -> NDArray[np.float64]:
        """Exact chance of proof.

        Args:
            cases: Whole numbers of cases in all, any shape.

        Returns:
            The chances, 0 to 1, in the same shape.
        """
        counted, where = np.unique(_counted(cases, self.share), return_inverse=True)
        allowed = most_events_each(counted, self._limit, self.confidence)
        chances = np.where(allowed < 0, 0.0, chance_of_at_most(np.maximum(allowed, 0), counted, self._rate))
        return np.asarray(chances[where].reshape(np.shape(cases)))

    def cases_for(self, power: float) -> int | None:
        """Cases in all from which on the chance stays at or above `power`; None where no number does."""
        counted = cases_for_power(self.bar, self.truth, self.direction, self.confidence, power)
        return None if counted is None else math.ceil(_tidy(counted / self.share))

    @property
    def unrest(self) -> int:
        """Cases on either side of a crossing within which the saw teeth may cross it again."""
        teeth = math.ceil(6 * self._limit**2 / max(self._limit - self._rate, 1e-9)) + SPARE_TEETH
        return math.ceil(teeth / self._limit / self.share)

    @property
    def _limit(self) -> float:
        return self.bar if self.direction == "at_most" else 1 - self.bar

    @property
    def _rate(self) -> float:
        return self.truth if self.direction == "at_most" else 1 - self.truth


@dataclass(frozen=True)
class MeanTarget:
    """A mean or a difference to prove on a share of the cases, by the normal distribution.

    Args:
        gap: Distance of the expected truth from its bar, more than 0 where it is on the right side.
        deviation: Standard deviation of one case, at least 0, in the unit of the gap.
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
        share: Share of all cases that it counts, more than 0; above 1 where it counts several rows of a case.
        reach: Distance of the bound from the value with one case; None for the normal one.

    Raises:
        ValueError: If a number is out of range.

    Source: Miller (2024), arXiv 2411.00640, section 5, one-sided.

    >>> MeanTarget(0.03, 1 / 3, 0.975).cases_for(0.8)
    969
    """

    gap: float
    deviation: float
    confidence: float = 0.95
    share: float = 1.0
    reach: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be sized."""
        check_confidence(self.confidence)
        if not (math.isfinite(self.gap) and 0 <= self.deviation < math.inf and self.share > 0):
            raise ValueError(
                f"needs a finite gap, deviation and share, got {self.gap}, {self.deviation}, {self.share}"
            )

    def chances(self, cases: NDArray[np.int64]) -> NDArray[np.float64]:
        """Chance of proof.

        Args:
            cases: Whole numbers of cases in all, any shape.

        Returns:
            The chances, 0 to 1, in the same shape.
        """
        counted = _counted(cases, self.share)
        if self.deviation == 0:
            return np.where(counted > 0, float(self.gap > 0), 0.0)
        spare = (np.sqrt(counted) * self.gap - self._reach) / self.deviation
        return np.where(counted > 0, special.ndtr(spare), 0.0)

    def cases_for(self, power: float) -> int | None:
        """Cases in all from which on the chance is at or above `power`; None where no number is enough."""
        check_confidence(power)
        if self.gap <= 0:
            return None
        errors = max(0.0, self._reach + normal_quantile(power) * self.deviation) / self.gap
        if not errors < LARGEST_ROOT:
            return None
        return math.ceil(_tidy(max(1, math.ceil(errors**2)) / self.share))

    @property
    def unrest(self) -> int:
        """Cases on either side of a crossing within which whole numbers may cross it again."""
        return math.ceil(1 / self.share)

    @property
    def _reach(self) -> float:
        return normal_quantile(self.confidence) * self.deviation if self.reach is None else self.reach


Target = RateTarget | MeanTarget


def joint_chance(chances: Sequence[float]) -> tuple[float, float, float]:
    """Chance that all of several things happen, when it is not known how they depend on each other.

    Args:
        chances: The chance of each, 0 to 1; without any, all of them happen.

    Returns:
        (at least, about, at most): the ends hold however they depend on each other, and the middle holds
        where they are independent, as proofs on disjoint cases are.

    Raises:
        ValueError: If a chance is outside 0 to 1.

    Source: Fréchet (1935), Fundamenta Mathematicae 25.

    >>> [round(chance, 2) for chance in joint_chance([0.9, 0.8])]
    [0.7, 0.72, 0.8]
    """
    if any(not 0 <= chance <= 1 for chance in chances):
        raise ValueError(f"a chance must be within 0 to 1, got {chances}")
    missing = math.fsum(1 - chance for chance in chances)
    most = min(chances, default=1.0)
    least = min(max(0.0, 1 - missing), most)
    return least, min(max(math.prod(chances), least), most), most


def joint_power(n: int, targets: Sequence[Target]) -> tuple[float, float, float]:
    """Chance that n cases prove all targets.

    Args:
        n: Number of cases in all, at least 0; each target counts its share of them.
        targets: What is to be proved.

    Returns:
        (at least, about, at most), as in `joint_chance`.

    Raises:
        ValueError: If n is negative.

    >>> both = RateTarget(0.80, 0.85, "at_least"), RateTarget(0.08, 0.05, "at_most")
    >>> [round(chance, 2) for chance in joint_power(500, both)]
    [0.71, 0.73, 0.82]
    """
    if n < 0:
        raise ValueError(f"needs n from 0 up, got {n}")
    return joint_chance([float(target.chances(np.array([n]))[0]) for target in targets])


def cases_for_joint_power(
    targets: Sequence[Target], power: float = 0.80, *, however_dependent: bool = False, most: int = 10_000_000
) -> int | None:
    """Smallest number of cases from which on all targets together are proved with the wanted chance.

    The cases of every target grow in proportion to its share. On disjoint cases the proofs are independent
    and the chance is the product; on the same cases `however_dependent` gives a number that is enough
    whatever their dependence.

    Args:
        targets: What is to be proved, at least one.
        power: Wanted chance that all are proved, strictly between 0 and 1.
        however_dependent: Whether to count on the least chance that any dependence leaves.
        most: Largest number of cases worth naming.

    Returns:
        The number of cases; None when one of them is never proved or more than `most` are needed.

    Raises:
        ValueError: If there is no target or the power is not between 0 and 1.

    >>> cases_for_joint_power([RateTarget(0.80, 0.85, "at_least"), RateTarget(0.08, 0.05, "at_most")])
    561
    """
    check_confidence(power)
    if not targets:
        raise ValueError("needs at least one target")
    low = _largest([target.cases_for(power) for target in targets])
    if low is None or low > most:
        return None

    def short(cases: NDArray[np.int64]) -> NDArray[np.bool_]:
        found = [target.chances(cases) for target in targets]
        if however_dependent:
            return np.asarray(sum(1 - chances for chances in found) > 1 - power + 1e-12)
        return np.asarray(np.prod(found, axis=0) < power - 1e-12)

    high = low
    while short(np.array([high]))[0]:
        if high > most:
            return None
        high *= 2
    n = _last_short(short, low, high, min(_WIDEST, max(t.unrest for t in targets))) + 1
    return n if n <= most else None


def _largest(sizes: Sequence[int | None]) -> int | None:
    known = [size for size in sizes if size is not None]
    return max(known) if len(known) == len(sizes) else None


def _last_short(
    short: Callable[[NDArray[np.int64]], NDArray[np.bool_]], low: int, high: int, unrest: int
) -> int:
    """Last number of cases that falls short: a crossing by halving, then every number around it."""
    first, last = low - 1, high
    while last - first > 1:
        middle = (first + last) // 2
        first, last = (middle, last) if short(np.array([middle]))[0] else (first, middle)
    around = np.arange(max(low - 1, first - unrest), last + unrest + 1)
    lacking = np.flatnonzero(short(around))
    return int(around[lacking[-1]]) if lacking.size else int(around[0])


def joint_power_of_cells(
    n: int, shares: NDArray[np.float64], targets: Sequence[CellTarget], draws: int = 20_000
) -> float:
    """Chance that n cases prove several rates that are counted on the same cases, by simulation.

    Args:
        n: Number of cases, at least 0.
        shares: (cells,) how often each kind of case occurs, not negative; they are scaled to add up to 1.
        targets: What is to be proved; each says which cells count and which of these succeed.
        draws: Number of simulated samples; with 20,000 the chance is good to about one point of 100.

    Returns:
        The chance, 0 to 1; the same numbers give the same chance.

    Raises:
        ValueError: If n is negative or the shares are no shares.

    >>> good = CellTarget(np.array([1, 0, 0]), np.ones(3), 0.80, "at_least")
    >>> harmful = CellTarget(np.array([0, 0, 1]), np.ones(3), 0.08, "at_most")
    >>> joint_power_of_cells(500, np.array([0.85, 0.10, 0.05]), [good, harmful]) > 0.70
    True
    """
    weights = np.asarray(shares, dtype=float)
    if n < 0 or weights.ndim != 1 or not (weights >= 0).all() or not 0 < weights.sum() < math.inf:
        raise ValueError("needs n from 0 up, and shares that are not negative and not all 0")
    drawn = np.random.default_rng(_SEED).multinomial(n, weights / weights.sum(), draws)
    proved = np.ones(draws, dtype=bool)
    for target in targets:
        proved &= target.proved(drawn)
    return float(proved.mean())


@dataclass(frozen=True, eq=False)
class CellTarget:
    """A rate over some cells of a count table, to be proved.

    Args:
        succeeds: (cells,) whether a case of that kind is a success (for "at_most": an event).
        counts: (cells,) whether a case of that kind counts at all.
        bar: The rate to prove, strictly between 0 and 1.
        direction: "at_least" or "at_most".
        confidence: One-sided confidence of the bound, strictly between 0 and 1.
    """

    succeeds: NDArray[np.float64]
    counts: NDArray[np.float64]
    bar: float
    direction: Direction
    confidence: float = 0.95

    def proved(self, drawn: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each sample proves the rate.

        Args:
            drawn: (samples, cells) counts.

        Returns:
            (samples,) answers.
        """
        counted = drawn @ np.asarray(self.counts, dtype=np.int64)
        successes = drawn @ np.asarray(np.asarray(self.counts) * np.asarray(self.succeeds), dtype=np.int64)
        events = successes if self.direction == "at_most" else counted - successes
        limit = self.bar if self.direction == "at_most" else 1 - self.bar
        sizes, where = np.unique(counted, return_inverse=True)
        return np.asarray(events <= most_events_each(sizes, limit, self.confidence)[where])


def _counted(cases: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Whole cases that a share of all cases is."""
    return np.asarray(np.floor(np.asarray(cases) * share + 1e-9), dtype=np.int64)


def _tidy(number: float) -> float:
    """A quotient without the last digits that a computer adds, so that rounding up stays honest."""
    return number - 1e-9 * max(1.0, number)


def _check_share(share: float) -> None:
    if not 0 < share <= 1:
        raise ValueError(f"a share of the cases must be above 0 and at most 1, got {share}")
