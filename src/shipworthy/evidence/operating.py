"""Operating points: cases by score, and what each place of the line means in errors, money and people."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.define.spec import Costs
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.stats.count_tables import CountTableMean
from shipworthy.stats.operating import OutcomeCosts, ScoreTable
from shipworthy.stats.proportions import display_interval
from shipworthy.tables.totals import Key, Split, Table, Total

__all__ = ["LINES", "Part", "Point", "costs_of", "parts_of", "point_of", "score_tables", "scores_by_label"]

#: Lines between the lowest and the highest score at which cases are cut: every thousandth of a probability.
LINES = 1_000
LARGEST_RANGE = 1e300
#: A score that should lie on a line, such as 0.29, lies a little beside it as a product of floats.
_SLACK = 1e-7


def scores_by_label(frame: Frame) -> Total:
    """Return the total of cases by true class and score, cut at `LINES` places.

    Args:
        frame: The rows.

    Raises:
        Unmeasurable: If there is no score, or no class is named positive.
    """
    if not frame.has("predicted_score"):
        raise Unmeasurable("there is no column predicted_score")
    if not frame.has("label"):
        raise Unmeasurable("there is no column label")
    if not frame.positive_codes:
        raise Unmeasurable("no class is named positive (golden.positive)")
    low, high, lines = _range(frame)
    score = f"CAST({frame.column('predicted_score')} AS DOUBLE)"
    place = f"floor(({score} - {low!r}) / {high - low!r} * {lines} + {_SLACK!r})"
    sql = (
        f"CASE WHEN isnan({score}) THEN NULL WHEN {score} >= {high!r} THEN {lines} "
        f"WHEN {score} < {low!r} THEN 0 ELSE CAST({place} AS INTEGER) END"
    )
    return Total(by=(frame.positive_key(), Key("line", sql, lines + 1)))


def score_tables(frame: Frame, table: Table, split: Split) -> dict[str, ScoreTable]:
    """Return the cases by score of each population that has any with a score and a label.

    Args:
        frame: The rows.
        table: The answer to `scores_by_label` on the split.
        split: The populations.
    """
    low, high, count = _range(frame)
    lines = low + np.round((high - low) * np.arange(count + 1) / count, 12)
    found = {}
    for code, label in enumerate(split.labels):
        counts, _sums = table.at(code)
        negatives, positives = counts.sum(axis=0)[:2, :-1]
        if positives.sum() + negatives.sum() > 0:
            found[label] = ScoreTable(lines, positives, negatives)
    return found


def _range(frame: Frame) -> tuple[float, float, int]:
    """Return the ends between which lines are drawn (0 and 1 for probabilities), and the steps between."""
    if frame.has_probability:
        return 0.0, 1.0, LINES
    low, high = frame.profile.score_low or 0.0, frame.profile.score_high or 1.0
    if not abs(high - low) < LARGEST_RANGE:
        raise Unmeasurable(f"its scores reach from {low:g} to {high:g}, which no line can tell apart")
    if high <= low:
        return low, low + 1.0, LINES
    whole = high - low
    # Scores such as 1 to 10 are whole numbers: each of them gets a line.
    steps = int(whole) * (LINES // int(whole)) if whole.is_integer() and whole <= LINES else LINES
    return low, high, steps


def costs_of(costs: Costs | None) -> OutcomeCosts:
    """Return what cases cost by outcome.

    Args:
        costs: Costs of the spec.

    Raises:
        Unmeasurable: If neither a false alarm nor a miss has a cost.
    """
    if costs is None or (costs.false_positive is None and costs.false_negative is None):
        raise Unmeasurable("neither costs.false_positive nor costs.false_negative is stated")
    return OutcomeCosts(
        costs.of("false_positive") or 0.0,
        costs.of("false_negative") or 0.0,
        costs.of("true_positive") or 0.0,
        costs.of("true_negative") or 0.0,
    )


@dataclass(frozen=True)
class Part:
    """One range of the score, and what lies in it.

    Args:
        low: Its lower end, which belongs to it.
        high: Its upper end, which does not (the highest score belongs to the last one).
        share: Share of all cases in it.
        positives: Share of its cases that are positive; None where it is empty.
        interval: 95% interval of that share; None where it is empty.
        cases: Cases in it.
    """

    low: float
    high: float
    share: float
    positives: float | None
    interval: tuple[float, float] | None
    cases: float


def parts_of(table: ScoreTable, cuts: Sequence[float]) -> tuple[Part, ...]:
    """Return what lies between cuts, from the lowest score to the highest.

    Args:
        table: Cases by score.
        cuts: Where the score is cut, ascending.

    Raises:
        ValueError: If the cuts do not ascend.
    """
    if any(upper < lower for lower, upper in itertools.pairwise(cuts)):
        raise ValueError("cuts must ascend")
    ends = [-math.inf, *cuts, math.inf]
    found = []
    for low, high in itertools.pairwise(ends):
        inside = (table.scores >= low - _SLACK / LINES) & (table.scores < high - _SLACK / LINES)
        positive, negative = float(table.positives[inside].sum()), float(table.negatives[inside].sum())
        cases = positive + negative
        found.append(
            Part(
                max(low, float(table.scores[0])),
                min(high, float(table.scores[-1])),
                cases / table.cases,
                positive / cases if cases > 0 else None,
                display_interval(positive, cases) if cases > 0 else None,
                cases,
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class Point:
    """What one line means.

    Args:
        threshold: Cases at or above it are acted on; infinite where none is.
        selected: Share of cases that are acted on.
        precision: Share of these that are positive; None where none is acted on.
        precision_interval: Its 95% interval.
        recall: Share of positive cases that are acted on; None where none is positive.
        recall_interval: Its 95% interval.
        fpr: Share of negative cases that are acted on; None where none is negative.
        cost: Mean cost of a case; None where no cost is stated.
        cost_interval: Its 95% interval.
    """

    threshold: float
    selected: float
    precision: float | None
    precision_interval: tuple[float, float] | None
    recall: float | None
    recall_interval: tuple[float, float] | None
    fpr: float | None
    cost: float | None
    cost_interval: tuple[float, float] | None


def point_of(table: ScoreTable, at: int, costs: OutcomeCosts | None) -> Point:
    """Return what one line means.

    Args:
        table: Cases by score.
        at: Position of the line.
        costs: What cases cost; None where that is not stated.
    """
    found, alarmed = float(table.found[at]), float(table.alarmed[at])
    positives, negatives = float(table.found[0]), float(table.alarmed[0])
    acted = found + alarmed
    priced = None
    if costs is not None:
        counts = np.array([alarmed, positives - found, found, negatives - alarmed])
        priced = CountTableMean(counts, np.array(costs.all))
    return Point(
        float(table.thresholds[at]),
        acted / table.cases,
        found / acted if acted > 0 else None,
        display_interval(found, acted) if acted > 0 else None,
        found / positives if positives > 0 else None,
        display_interval(found, positives) if positives > 0 else None,
        alarmed / negatives if negatives > 0 else None,
        priced.value if priced is not None else None,
        priced.interval() if priced is not None else None,
    )


def line_at(table: ScoreTable, threshold: float) -> int:
    """Return the position of the line at a threshold: the first at or above it.

    Args:
        table: Cases by score.
        threshold: The threshold.
    """
    return int(np.searchsorted(table.thresholds, threshold - _SLACK / LINES))
