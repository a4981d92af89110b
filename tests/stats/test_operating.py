from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shipworthy.stats.operating import (
    OutcomeCosts,
    Reviewing,
    ScoreTable,
    best_line,
    best_triage,
    catch_rate_needed,
    line_of_review,
    proven_lines,
)

Array = NDArray[np.float64]


def table_of(scores: Array, labels: NDArray[np.bool_]) -> ScoreTable:
    distinct, where = np.unique(scores, return_inverse=True)
    positives, negatives = np.zeros(len(distinct)), np.zeros(len(distinct))
    np.add.at(positives, where[labels], 1.0)
    np.add.at(negatives, where[~labels], 1.0)
    return ScoreTable(distinct, positives, negatives)


def cases(n: int, seed: int) -> tuple[Array, NDArray[np.bool_]]:
    """Calibrated scores on a grid of 0.02."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(0.8, 1.2, n) * 50) / 50
    return scores, rng.random(n) < scores


tables = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12).filter(
    lambda bins: sum(map(sum, bins)) > 0
)
costs_of_outcomes = st.builds(OutcomeCosts, *[st.floats(0, 100)] * 2, *[st.floats(-50, 0)] * 2)


def made(bins: list[tuple[int, int]]) -> ScoreTable:
    counts = np.array(bins, dtype=float)
    return ScoreTable(np.arange(len(bins)) / len(bins), counts[:, 0], counts[:, 1])


def test_the_line_and_its_cost_agree_with_scikit_learn() -> None:
    base = pytest.importorskip("sklearn.base")
    metrics = pytest.importorskip("sklearn.metrics")
    selection = pytest.importorskip("sklearn.model_selection")
    scores, labels = cases(4_000, 1)

    class Scored(base.ClassifierMixin, base.BaseEstimator):  # type: ignore[misc, name-defined]
        def fit(self, rows: Array, truth: Array) -> Any:
            self.classes_ = np.array([0, 1])
            return self

        def predict_proba(self, rows: Array) -> Array:
            return np.column_stack([1 - rows[:, 0], rows[:, 0]])

    def saved(truth: Array, predicted: Array) -> float:
        (_tn, fp), (fn, _tp) = metrics.confusion_matrix(truth, predicted, labels=[0, 1])
        return -float(40 * fp + 400 * fn) / len(truth)

    rows, truth = scores[:, None], labels.astype(int)
    tuned = selection.TunedThresholdClassifierCV(
        Scored().fit(rows, truth),
        scoring=metrics.make_scorer(saved),
        cv="prefit",
        refit=False,
        thresholds=np.unique(scores),
    ).fit(rows, truth)
    ours = best_line(table_of(scores, labels), OutcomeCosts(40, 400))
    assert ours.cost == pytest.approx(-tuned.best_score_, rel=1e-12)
    assert ours.alike[0] <= tuned.best_threshold_ <= ours.alike[1]


def test_counts_at_every_line_are_those_of_scikit_learns_curves() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    scores, labels = cases(1_000, 2)
    table = table_of(scores, labels)
    fpr, tpr, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    assert table.thresholds[::-1] == pytest.approx(thresholds)
    assert (table.found / labels.sum())[::-1] == pytest.approx(tpr)
    assert (table.alarmed / (~labels).sum())[::-1] == pytest.approx(fpr)


def test_calibrated_scores_put_the_line_where_the_costs_say() -> None:
    scores, labels = cases(200_000, 3)
    found = best_line(table_of(scores, labels), OutcomeCosts(40, 120))
    # A case at 0.24 costs less left alone and one at 0.26 acted on: between them no line differs.
    assert found.threshold == pytest.approx(0.26, abs=0.021)
    assert found.alike[1] - found.alike[0] <= 0.1


def test_dear_false_alarms_move_the_line_up() -> None:
    scores, labels = cases(20_000, 4)
    table = table_of(scores, labels)
    lines = [best_line(table, OutcomeCosts(alarm, 38)).threshold for alarm in (38, 380, 4_200, 8_400)]
    assert lines == sorted(lines)
    assert lines[0] < lines[-1]


@given(tables, costs_of_outcomes)
def test_no_line_costs_less_than_the_best_one(bins: list[tuple[int, int]], costs: OutcomeCosts) -> None:
    table = made(bins)
    found = best_line(table, costs)
    assert found.cost == pytest.approx(table.costs(costs).min(), abs=1e-9)
    assert found.alike[0] <= found.threshold <= found.alike[1]


@given(tables, costs_of_outcomes, st.integers(0, 12))
def test_the_gap_between_lines_is_the_difference_of_their_costs(
    bins: list[tuple[int, int]], costs: OutcomeCosts, to: int
) -> None:
    table = made(bins)
    to = min(to, len(bins))
    gaps, errors = table.gaps(costs, to)
    means = table.costs(costs)
    assert gaps == pytest.approx(means - means[to], abs=1e-9)
    assert errors[to] == 0


@given(tables, costs_of_outcomes, st.floats(0, 20), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
@settings(deadline=None)
def test_two_lines_are_the_cheapest_of_all_pairs_that_people_have_time_for(
    bins: list[tuple[int, int]],
    costs: OutcomeCosts,
    look: float,
    finds: float,
    clears: float,
    most: float,
) -> None:
    table, reviewing = made(bins), Reviewing(look, finds, clears)
    found = best_triage(table, costs, reviewing, most)
    assert found.low <= found.high
    assert found.reviewed <= most + 1e-9

    def cost(low: int, high: int) -> float:
        total = 0.0
        for at, (positive, negative) in enumerate(bins):
            if at < low:
                total += costs.false_negative * positive + costs.true_negative * negative
            elif at >= high:
                total += costs.true_positive * positive + costs.false_positive * negative
            else:
                total += look * (positive + negative)
                total += positive * (finds * costs.true_positive + (1 - finds) * costs.false_negative)
                total += negative * (clears * costs.true_negative + (1 - clears) * costs.false_positive)
        return total / table.cases

    sizes = np.cumsum([0, *map(sum, bins)])
    allowed = [
        cost(low, high)
        for low, high in itertools.combinations_with_replacement(range(len(bins) + 1), 2)
        if sizes[high] - sizes[low] <= most * table.cases + 1e-9
    ]
    assert found.cost == pytest.approx(min(allowed), abs=1e-6)


def test_people_who_catch_nothing_are_never_asked() -> None:
    table = made([(1, 99), (50, 50), (99, 1)])
    assert best_triage(table, OutcomeCosts(100, 100), Reviewing(5, 0, 0)).reviewed == 0


# inventory.md N7: a review costs 22, a loss 4,200.
def test_the_line_of_a_loan_depends_on_what_reviewers_catch() -> None:
    assert line_of_review(22, 4_200) == pytest.approx(0.995, abs=5e-4)
    assert catch_rate_needed(22, 4_200, 0.95) == pytest.approx(0.105, abs=5e-4)
    assert line_of_review(22, 4_200, catch_rate_needed(22, 4_200, 0.95)) == pytest.approx(0.95)


# With no review, approving at 0.95 is break-even when loss : gain = 19 : 1.
def test_without_review_nineteen_to_one_is_break_even_at_95_percent() -> None:
    assert OutcomeCosts(false_positive=19, false_negative=0, true_positive=-1).chance_to_act == pytest.approx(
        0.95
    )


def _errors_at(line: float) -> float:
    """True share of negatives at or above a line, for calibrated scores, uniform on a grid of 0.02."""
    grid = np.arange(51) / 50
    return float(1 - grid[grid >= line - 1e-9].mean())


@pytest.mark.parametrize("n", [200, 1_000])
def test_lines_that_are_proved_are_rarely_wrong_where_a_naive_line_often_is(n: int) -> None:
    # Stated: a chance of at most 5% that any line returned has more than 10% errors. 1,000 samples: the
    # binomial error is 0.7 points.
    rng, samples, broken, naive, returned = np.random.default_rng(5), 1_000, 0, 0, 0
    grid = np.arange(51) / 50
    for _ in range(samples):
        scores = rng.choice(grid, n)
        table = table_of(scores, rng.random(n) < scores)
        proven = table.thresholds[:-1][proven_lines(table, "acted", 0.1)[:-1]]
        returned += len(proven) > 0
        broken += any(_errors_at(line) > 0.1 + 1e-9 for line in proven)
        counted = table.found + table.alarmed
        seen = np.divide(table.alarmed, counted, out=np.ones_like(counted), where=counted > 0)
        naive += _errors_at(float(table.thresholds[np.flatnonzero(seen <= 0.1)[0]])) > 0.1 + 1e-9
    assert broken / samples <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / samples)
    assert naive / samples > 0.2
    assert returned / samples > (0.7 if n == 1_000 else 0.05)


def test_the_lower_side_is_the_mirror_of_the_upper_one() -> None:
    scores, labels = cases(3_000, 6)
    table = table_of(scores, labels)
    mirrored = table_of(np.round(1 - scores, 2), ~labels)
    left = proven_lines(table, "left", 0.1)
    acted = proven_lines(mirrored, "acted", 0.1)
    assert left.tolist() == acted[::-1].tolist()
    assert left.any()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ScoreTable(np.array([0.2, 0.1]), np.ones(2), np.ones(2)),
        lambda: ScoreTable(np.array([0.1]), np.zeros(1), np.zeros(1)),
        lambda: ScoreTable(np.array([0.1]), np.array([-1.0]), np.ones(1)),
        lambda: ScoreTable(np.array([0.1]), np.ones(2), np.ones(2)),
        lambda: OutcomeCosts(math.nan, 1),
        lambda: Reviewing(1, 1.2),
        lambda: best_triage(made([(1, 1)]), OutcomeCosts(1, 1), Reviewing(1), 2),
        lambda: proven_lines(made([(1, 1)]), "acted", 0.0),
        lambda: line_of_review(1, 0),
        lambda: catch_rate_needed(1, 1, 1),
    ],
)
def test_what_cannot_be_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        wrong()
