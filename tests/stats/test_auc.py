from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.auc import AreaUnderCurve, auc_bounds, delong
from shipworthy.stats.confidence import LogitNormal

tables = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=12).filter(
    lambda rows: sum(p for p, _ in rows) > 1 and sum(n for _, n in rows) > 1
)


def as_counts(rows):
    return np.array(rows, dtype=float).T


def by_pairs(pos, neg):
    """DeLong from the definition: every positive against every negative."""
    p, n = np.repeat(np.arange(pos.size), pos.astype(int)), np.repeat(np.arange(neg.size), neg.astype(int))
    wins = (p[:, None] > n) + 0.5 * (p[:, None] == n)
    variance = wins.mean(1).var(ddof=1) / p.size + wins.mean(0).var(ddof=1) / n.size
    return wins.mean(), variance


@given(tables)
def test_delong_is_its_definition_over_pairs(rows):
    pos, neg = as_counts(rows)
    area, variance = delong(pos, neg)
    assert (float(area), float(variance)) == pytest.approx(by_pairs(pos, neg), abs=1e-12)


def test_area_is_that_of_sklearn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(5)
    label = rng.random(500) < 0.3
    score = np.round(rng.normal(size=500) + label, 1)
    grid = np.unique(score)
    pos = (score[label][:, None] == grid).sum(0)
    neg = (score[~label][:, None] == grid).sum(0)
    assert float(delong(pos, neg)[0]) == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_leading_axes_are_separate_tables():
    rng = np.random.default_rng(6)
    pos, neg = rng.integers(0, 5, (2, 3, 8)) + 1.0, rng.integers(0, 5, (2, 3, 8)) + 1.0
    area, variance = delong(pos, neg)
    assert area.shape == variance.shape == (2, 3)
    assert float(area[1, 2]) == pytest.approx(float(delong(pos[1, 2], neg[1, 2])[0]))


@given(tables, st.integers(2, 4))
def test_bounds_of_binned_scores_hold_the_area_before_binning(rows, width):
    pos, neg = as_counts(rows)
    edges = np.arange(0, pos.size, width)
    low, high = auc_bounds(np.add.reduceat(pos, edges), np.add.reduceat(neg, edges))
    assert low - 1e-12 <= float(delong(pos, neg)[0]) <= high + 1e-12


def test_a_missing_class_is_unknown_not_half():
    area, variance = delong([1, 2], [0, 0])
    assert math.isnan(area)
    assert math.isnan(variance)
    assert math.isnan(delong([0, 1], [1, 1])[1])
    with pytest.raises(ValueError, match="at least one positive"):
        AreaUnderCurve([1, 2], [0, 0])


@given(tables)
def test_area_bounds_are_ordered_and_symmetric_under_exchange_of_classes(rows):
    pos, neg = as_counts(rows)
    area, mirrored = AreaUnderCurve(pos, neg), AreaUnderCurve(neg, pos)
    assert 0 <= area.bound("lower", 0.95) <= area.bound("upper", 0.95) <= 1
    assert area.bound("lower", 0.95) <= area.value + 1e-12
    assert area.bound("upper", 0.95) == pytest.approx(1 - mirrored.bound("lower", 0.95), abs=1e-9)


def test_area_bound_holds_its_risk_where_delong_does_not():
    rng, truth = np.random.default_rng(7), 0.98305  # Phi(3 / sqrt(2))
    guarded = plain = 0
    for _ in range(400):
        positive, negative = rng.normal(3, 1, 50), np.sort(rng.normal(0, 1, 1000))
        order = np.argsort(np.concatenate([positive, negative]), kind="stable")
        is_positive = (order < 50).astype(float)
        table = AreaUnderCurve(is_positive, 1 - is_positive)
        guarded += table.bound("lower", 0.95) >= truth
        plain += LogitNormal(table.value, table.standard_error).bound("lower", 0.95) >= truth
    assert guarded / 400 < 0.05 < 0.08 < plain / 400
