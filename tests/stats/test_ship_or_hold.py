"""The confidence that losses imply, and what more cases are worth before a choice."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import binom, norm

from shipworthy.stats.confidence import Difference, Proportion
from shipworthy.stats.paired import PairedProportion
from shipworthy.stats.ship_or_hold import (
    LEAST_CONFIDENCE,
    MOST_CONFIDENCE,
    balanced_bound,
    implied_confidence,
    value_of_cases,
    worth_of_shipping,
)
from shipworthy.stats.value import MeanBelief, RateBelief


@pytest.mark.parametrize("ratio", [1.5, 3, 10, 30, 200])
def test_at_the_implied_confidence_both_choices_are_expected_to_lose_the_same(ratio):
    distance = norm.ppf(implied_confidence(ratio, 1))
    wrong_ship = quad(lambda truth: -truth * norm.pdf(truth, distance), -12, 0)[0]
    wrong_hold = quad(lambda truth: truth * norm.pdf(truth, distance), 0, 20)[0]
    assert ratio * wrong_ship == pytest.approx(wrong_hold, rel=1e-6)
    assert worth_of_shipping(distance, 1.0, ratio, 1.0).item() == pytest.approx(0, abs=1e-9)


@given(st.floats(1e-6, 1e9), st.floats(1e-6, 1e9), st.floats(1.0, 100.0))
def test_a_dearer_wrong_ship_never_asks_for_less_confidence(ship, hold, more):
    found = implied_confidence(ship, hold)
    assert LEAST_CONFIDENCE <= found <= implied_confidence(ship * more, hold) <= MOST_CONFIDENCE


def test_only_the_ratio_of_the_losses_counts():
    assert implied_confidence(5_000, 500) == implied_confidence(10, 1)
    assert implied_confidence(1, 7) == LEAST_CONFIDENCE
    assert implied_confidence(1e12, 1) == MOST_CONFIDENCE


@pytest.mark.parametrize("losses", [(0, 1), (1, 0), (-1, 1), (math.inf, 1), (1, math.nan)])
def test_losses_that_are_no_amounts_above_0_are_refused(losses):
    with pytest.raises(ValueError, match="two losses above 0"):
        implied_confidence(*losses)


def test_where_both_errors_cost_the_same_the_bound_leans_to_neither_side():
    for x in range(1, 200):
        share = Proportion(x, 200)
        middle = balanced_bound(share, "lower", 0.5)
        assert middle == pytest.approx(balanced_bound(share, "upper", 0.5))
        assert middle == pytest.approx(x / 200, abs=0.002)


@given(st.integers(1, 400), st.data(), st.floats(0.501, 0.999))
def test_a_balanced_bound_lies_between_the_exact_one_and_the_estimate_that_it_leans_from(n, data, confidence):
    share = Proportion(data.draw(st.integers(0, n)), n)
    exact, balanced = share.bound("lower", confidence), balanced_bound(share, "lower", confidence)
    assert exact <= balanced <= max(exact, share.bound("upper", 1 - confidence))
    assert balanced <= balanced_bound(share, "upper", confidence) + 1e-12


def test_every_kind_of_bound_can_be_balanced():
    for kind in (
        PairedProportion(59, 16, 6, 80),
        Difference(Proportion(80, 100), Proportion(70, 100)),
    ):
        exact = kind.bound("lower", 0.8)
        assert exact < balanced_bound(kind, "lower", 0.8) < kind.value


def test_more_cases_are_worth_what_the_exact_sum_over_counts_says():
    for ratio in (1.0, 5.0):
        exact = RateBelief(4601, 601, 0.882, gain=1, loss=ratio)
        rate = 4601 / 5202
        error = math.sqrt(rate * (1 - rate) / 5203)
        for cases in (1000, 10_000):
            found = value_of_cases(rate - 0.882, error, 5202, cases, ratio, 1.0).item()
            assert found == pytest.approx(exact.value_of_cases(cases), rel=0.1)


def test_with_equal_losses_it_is_the_value_of_a_normal_mean():
    for worth in (-0.5, 0.0, 0.8):
        belief = MeanBelief(worth, 1.0, 100)
        found = value_of_cases(worth, 1.0, 100, np.array([50, 400, 5000]), 1.0, 1.0)
        assert found == pytest.approx([belief.value_of_cases(n) for n in (50, 400, 5000)], abs=0.003)


@given(st.floats(-4, 4), st.floats(0.01, 10), st.floats(1, 30))
def test_more_cases_are_never_worth_less_and_never_more_than_knowing(beyond, error, ratio):
    worth = value_of_cases(beyond * error, error, 200, np.array([0, 50, 200, 1000, 10**9]), ratio, 1.0)
    assert worth[0] == 0
    assert (np.diff(worth) >= -1e-3 * ratio * error).all()


def test_a_gate_that_stands_far_off_makes_few_cases_worth_nothing():
    free, gated = (value_of_cases(0.5, 1.0, 100, 50, 2.0, 1.0, reach).item() for reach in (None, 4.0))
    assert gated < free
    assert gated == pytest.approx(0, abs=1e-3)


def test_a_gate_from_costs_loses_less_than_a_gate_at_95_percent_where_costs_are_even():
    n, bar = 200, 0.80
    lost = {0.95: 0.0, implied_confidence(2, 1): 0.0}
    for truth in np.arange(0.70, 0.9001, 0.01):
        for confidence in lost:
            proves = [Proportion(x, n).bound("lower", confidence) >= bar for x in range(n + 1)]
            ships = binom.pmf(np.arange(n + 1), n, truth) @ np.array(proves)
            lost[confidence] += 2 * ships * max(0, bar - truth) + (1 - ships) * max(0, truth - bar)
    assert lost[implied_confidence(2, 1)] < 0.5 * lost[0.95]
