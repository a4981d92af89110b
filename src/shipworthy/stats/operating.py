"""Where to draw the line: what each threshold costs, what people should look at, what can be promised."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from shipworthy.stats.proportions import check_confidence, two_sided_z

__all__ = [
    "Line",
    "OutcomeCosts",
    "Reviewing",
    "ScoreTable",
    "Triage",
    "best_line",
    "best_triage",
    "catch_rate_needed",
    "line_of_review",
    "proven_lines",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OutcomeCosts:
    """What one case costs by what it is and what is done with it; a gain is a negative cost.

    Args:
        false_positive: A negative case that is acted on.
        false_negative: A positive case that is left alone.
        true_positive: A positive case that is acted on.
        true_negative: A negative case that is left alone.

    Raises:
        ValueError: If a cost is not finite.
    """

    false_positive: float
    false_negative: float
    true_positive: float = 0.0
    true_negative: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no cost."""
        if not all(map(math.isfinite, self.all)):
            raise ValueError(f"costs must be finite, got {self.all}")

    @property
    def all(self) -> tuple[float, float, float, float]:
        """The four costs."""
        return self.false_positive, self.false_negative, self.true_positive, self.true_negative

    @property
    def chance_to_act(self) -> float | None:
        """The chance of a positive from which acting costs less; None where one answer is always cheaper.

        Source: Elkan (2001), The foundations of cost-sensitive learning, IJCAI.

        >>> OutcomeCosts(false_positive=40, false_negative=400).chance_to_act
        0.09090909090909091
        """
        alarm = self.false_positive - self.true_negative
        miss = self.false_negative - self.true_positive
        return alarm / (alarm + miss) if alarm > 0 and miss > 0 else None


@dataclass(frozen=True)
class Reviewing:
    """What people who look at a case cost, and what they get right.

    Args:
        cost: One look, in money.
        finds_positives: Share of positive cases that they see as such, 0 to 1.
        clears_negatives: Share of negative cases that they see as such, 0 to 1.

    Raises:
        ValueError: If a share or the cost is out of range.
    """

    cost: float
    finds_positives: float = 1.0
    clears_negatives: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no reviewer."""
        shares = (self.finds_positives, self.clears_negatives)
        if not all(0 <= share <= 1 for share in shares) or not 0 <= self.cost < math.inf:
            raise ValueError(f"needs a cost from 0 up and shares from 0 to 1, got {self.cost} and {shares}")


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Positive and negative cases by score.

    Args:
        scores: Lower ends of the bins (or the distinct scores), shape (bins,), strictly ascending.
        positives: Positive cases in each bin, shape (bins,), counts or sums of weights.
        negatives: Negative cases in each bin, same shape.

    Raises:
        ValueError: If shapes differ, scores do not ascend, a count is negative or there is no case.
    """

    scores: Array
    positives: Array
    negatives: Array

    def __post_init__(self) -> None:
        """Refuse what is no table."""
        shapes = {np.shape(self.scores), np.shape(self.positives), np.shape(self.negatives)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(f"scores and counts need one shape, got {sorted(shapes)}")
        if not np.all(np.diff(self.scores) > 0):
            raise ValueError("scores must ascend")
        if np.any(self.positives < 0) or np.any(self.negatives < 0) or not self.cases > 0:
            raise ValueError("needs counts from 0 up, and at least one case")

    @property
    def cases(self) -> float:
        """Number of cases."""
        return float(np.sum(self.positives) + np.sum(self.negatives))

    @property
    def thresholds(self) -> Array:
        """Every line there is: each score, and one above all, shape (bins + 1,)."""
        return np.append(self.scores, math.inf)

    @property
    def found(self) -> Array:
        """Positives at or above each line, shape (bins + 1,)."""
        return _from_top(self.positives)

    @property
    def alarmed(self) -> Array:
        """Negatives at or above each line, shape (bins + 1,)."""
        return _from_top(self.negatives)

    def costs(self, costs: OutcomeCosts) -> Array:
        """Return the mean cost of a case at each line, shape (bins + 1,)."""
        found, alarmed = self.found, self.alarmed
        missed, cleared = found[0] - found, alarmed[0] - alarmed
        total = (
            costs.true_positive * found
            + costs.false_positive * alarmed
            + costs.false_negative * missed
            + costs.true_negative * cleared
        )
        return np.asarray(total / self.cases)

    def cost_errors(self, costs: OutcomeCosts) -> Array:
        """Return the standard error of each mean cost, shape (bins + 1,)."""
        squares = OutcomeCosts(*(cost**2 for cost in costs.all))
        variance = self.costs(squares) - self.costs(costs) ** 2
        return np.asarray(np.sqrt(np.maximum(variance, 0) / self.cases))

    def gaps(self, costs: OutcomeCosts, to: int) -> tuple[Array, Array]:
        """Return how much more each line costs a case than another line, and the standard error of that.

        Only cases between two lines are treated otherwise, so both lines are compared on the same cases.

        Args:
            costs: What cases cost.
            to: Position of the other line.

        Returns:
            Differences of mean costs and their standard errors, shape (bins + 1,) each.
        """
        miss = costs.false_negative - costs.true_positive
        alarm = costs.false_positive - costs.true_negative
        between_positives, between_negatives = self.found - self.found[to], self.alarmed - self.alarmed[to]
        gap = (alarm * between_negatives - miss * between_positives) / self.cases
        squares = (alarm**2 * np.abs(between_negatives) + miss**2 * np.abs(between_positives)) / self.cases
        return gap, np.sqrt(np.maximum(squares - gap**2, 0) / self.cases)


@dataclass(frozen=True)
class Line:
    """A threshold and what it does.

    Args:
        at: Position among the table's lines.
        threshold: Cases at or above it are acted on; infinite where none is.
        cost: Mean cost of a case.
        interval: 95% interval of that cost.
        alike: Lowest and highest threshold whose cost cannot be told from this one's at 95%.
    """

    at: int
    threshold: float
    cost: float
    interval: tuple[float, float]
    alike: tuple[float, float]


def best_line(table: ScoreTable, costs: OutcomeCosts, level: float = 0.95) -> Line:
    """Return the line at which errors cost least on these cases, and the lines that cannot be told from it.

    Args:
        table: Cases by score.
        costs: What cases cost.
        level: Level of the intervals, strictly between 0 and 1.

    Returns:
        The line; of several that cost the same the middle one, named by the score above it.

    Source: Elkan (2001) for the line; the comparison is paired, by the normal distribution. The interval of
    the cost of a line that was chosen on the same cases is a little too good; cases of their own check it.

    >>> table = ScoreTable(np.array([0.1, 0.5, 0.9]), np.array([1.0, 5, 9]), np.array([90.0, 10, 1]))
    >>> best_line(table, OutcomeCosts(1, 5)).threshold
    0.5
    """
    z = two_sided_z(level)
    means = table.costs(costs)
    cheapest = np.flatnonzero(np.isclose(means, means.min(), rtol=1e-12, atol=1e-12))
    at = int(cheapest[len(cheapest) // 2])
    # Between two scores no line differs: the upper score names them all.
    at = int(np.flatnonzero((table.found == table.found[at]) & (table.alarmed == table.alarmed[at]))[-1])
    error = float(table.cost_errors(costs)[at])
    gaps, errors = table.gaps(costs, at)
    alike = table.thresholds[gaps - z * errors <= 0]
    return Line(
        at,
        float(table.thresholds[at]),
        float(means[at]),
        (float(means[at]) - z * error, float(means[at]) + z * error),
        (float(alike.min()), float(alike.max())),
    )


@dataclass(frozen=True)
class Triage:
    """Two lines: below the first nothing is done, from the second on it is acted, between them people look.

    Args:
        low: Threshold below which a case is left alone.
        high: Threshold from which a case is acted on.
        cost: Mean cost of a case, looks included.
        reviewed: Share of cases that people look at.
        acted: Share of cases that are acted on without a look.
        wrongly_acted: Share of cases that are acted on without a look and are negative.
        wrongly_left: Share of cases that are left alone without a look and are positive.
    """

    low: float
    high: float
    cost: float
    reviewed: float
    acted: float
    wrongly_acted: float
    wrongly_left: float


def best_triage(
    table: ScoreTable, costs: OutcomeCosts, reviewing: Reviewing, most_reviewed: float = 1.0
) -> Triage:
    """Return the two lines that cost least, given what people cost, find, and have time for.

    Args:
        table: Cases by score.
        costs: What cases cost.
        reviewing: What people cost and get right.
        most_reviewed: Largest share of cases that people have time for, 0 to 1.

    Returns:
        The two lines; they are one where no case is worth a look.

    Raises:
        ValueError: If the share is out of range.

    >>> table = ScoreTable(np.array([0.1, 0.5, 0.9]), np.array([1.0, 50, 99]), np.array([99.0, 50, 1]))
    >>> found = best_triage(table, OutcomeCosts(100, 100), Reviewing(cost=5))
    >>> (found.low, found.high, round(found.reviewed, 3))
    (0.5, 0.9, 0.333)
    """
    if not 0 <= most_reviewed <= 1:
        raise ValueError(f"a share of cases lies between 0 and 1, got {most_reviewed}")
    left = costs.false_negative * table.positives + costs.true_negative * table.negatives
    acted = costs.true_positive * table.positives + costs.false_positive * table.negatives
    finds, clears = reviewing.finds_positives, reviewing.clears_negatives
    of_positive = finds * costs.true_positive + (1 - finds) * costs.false_negative
    of_negative = clears * costs.true_negative + (1 - clears) * costs.false_positive
    looked = (reviewing.cost + of_positive) * table.positives + (
        reviewing.cost + of_negative
    ) * table.negatives
    cases = _from_bottom(table.positives + table.negatives)
    # What two lines cost is a part of the lower one and a part of the upper one.
    lower = _from_bottom(left) - _from_bottom(looked)
    upper = _from_bottom(looked) - _from_bottom(acted)
    low, high = _cheapest_pair(lower, upper, cases, most_reviewed * table.cases)
    thresholds, n = table.thresholds, table.cases
    return Triage(
        float(thresholds[low]),
        float(thresholds[high]),
        float((lower[low] + upper[high] + acted.sum()) / n),
        float((cases[high] - cases[low]) / n),
        float((cases[-1] - cases[high]) / n),
        float(table.alarmed[high] / n),
        float((table.found[0] - table.found[low]) / n),
    )


def _cheapest_pair(lower: Array, upper: Array, cases: Array, most: float) -> tuple[int, int]:
    """Return positions low <= high with the least sum and at most so many cases between them."""
    best, pair = math.inf, (0, 0)
    waiting: deque[int] = deque()
    for high in range(len(upper)):
        while waiting and lower[waiting[-1]] >= lower[high]:
            waiting.pop()
        waiting.append(high)
        while cases[high] - cases[waiting[0]] > most + 1e-9:
            waiting.popleft()
        cost = float(lower[waiting[0]] + upper[high])
        if cost < best - 1e-12 * max(1.0, abs(best) if math.isfinite(best) else 1.0):
            best, pair = cost, (waiting[0], high)
    return pair


def line_of_review(review: float, false_positive: float, catch_rate: float = 1.0) -> float:
    """Return the chance of being right from which acting without a look costs less than a look.

    Args:
        review: Cost of one look, at least 0.
        false_positive: Cost of acting wrongly, more than 0.
        catch_rate: Share of wrong cases that a look catches, more than 0, at most 1.

    Returns:
        The chance, at most 1; at or below 0 no look ever pays.

    Raises:
        ValueError: If a number is out of range.

    >>> round(line_of_review(22, 4200), 3)
    0.995
    """
    if not (review >= 0 and false_positive > 0 and 0 < catch_rate <= 1):
        raise ValueError("needs a review cost from 0 up, a cost above 0 and a catch rate in (0, 1]")
    return 1 - review / (false_positive * catch_rate)


def catch_rate_needed(review: float, false_positive: float, line: float) -> float:
    """Return the share of wrong cases that a look must catch so that a given line is worth its looks.

    Args:
        review: Cost of one look, at least 0.
        false_positive: Cost of acting wrongly, more than 0.
        line: The chance of being right from which it is acted without a look, 0 to less than 1.

    Returns:
        The share; above 1 no reviewer is good enough.

    Raises:
        ValueError: If a number is out of range.

    >>> round(catch_rate_needed(22, 4200, 0.95), 3)
    0.105
    """
    if not (review >= 0 and false_positive > 0 and 0 <= line < 1):
        raise ValueError("needs a review cost from 0 up, a cost above 0 and a line in [0, 1)")
    return review / (false_positive * (1 - line))


def proven_lines(
    table: ScoreTable,
    side: Literal["acted", "left"],
    largest_error: float,
    confidence: float = 0.95,
) -> NDArray[np.bool_]:
    """Return at which lines the share of errors in the automated part is proved to be small enough.

    The lines are tested from the most careful to the boldest, and the sequence ends at the first that fails,
    so that all lines returned hold together with the confidence stated, whichever is chosen afterwards. It
    begins where so many cases lie that a part without any error would be proved; where that is depends on the
    scores alone.

    Args:
        table: Cases by score, counts of independent cases.
        side: "acted" for the cases at or above a line (their errors are negatives), "left" for those below
            it (their errors are positives).
        largest_error: Largest share of errors that is tolerated, strictly between 0 and 1.
        confidence: Chance that no line returned is above it, strictly between 0 and 1.

    Returns:
        For each line, shape (bins + 1,), whether it is proved.

    Raises:
        ValueError: If a number is out of range.

    Source: Angelopoulos, Bates, Candès, Jordan and Lei (2021), Learn then test, arXiv 2110.01052: fixed
    sequence testing, with exact binomial p-values.
    """
    check_confidence(confidence)
    if not 0 < largest_error < 1:
        raise ValueError(f"needs a share of errors strictly between 0 and 1, got {largest_error}")
    if side == "acted":
        errors, counted = table.alarmed[::-1], (table.found + table.alarmed)[::-1]
    else:
        errors, counted = _from_bottom(table.positives), _from_bottom(table.positives + table.negatives)
    risk = 1 - confidence
    start = int(np.searchsorted(counted, math.log(risk) / math.log1p(-largest_error)))
    failing = np.flatnonzero(_binomial_p(errors, counted, largest_error)[start:] > risk)
    proven = np.zeros(len(counted), dtype=bool)
    proven[start : start + int(failing[0]) if len(failing) else len(counted)] = True
    return proven[::-1] if side == "acted" else proven


def _binomial_p(errors: Array, counted: Array, largest: float) -> Array:
    """Return the chance of so few errors where the share is the largest tolerated."""
    whole, wrong = np.floor(counted + 1e-9), np.ceil(errors - 1e-9)
    with np.errstate(invalid="ignore"):
        chance = special.bdtr(np.minimum(wrong, whole), whole.astype(np.int64), largest)
    return np.where(whole > 0, chance, 1.0)


def _from_top(counts: Array) -> Array:
    return np.append(np.cumsum(counts[::-1])[::-1], 0.0)


def _from_bottom(counts: Array) -> Array:
    return np.concatenate(([0.0], np.cumsum(counts)))
