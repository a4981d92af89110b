from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.paired import PairedProportion
from shipworthy.stats.proportions import lower_bound, upper_bound
from shipworthy.stats.sizing import (
    best_provable,
    cases_for_power,
    cases_for_power_normal,
    cases_for_zero_failures,
    observed_needed,
    power,
    ratio_needed,
    smallest_detectable,
    smallest_detectable_paired,
)


# spec_and_lint.md, last paragraph: cases for an even chance and for an 80% chance of proof.
@pytest.mark.parametrize(
    ("bar", "truth", "direction", "even", "likely"),
    [
        (0.80, 0.83, "at_least", 517, 1107),
        (0.80, 0.85, "at_least", 193, 398),
        (0.90, 0.91, "at_least", 2542, 5520),
        (0.90, 0.94, "at_least", 179, 333),
        (0.95, 0.97, "at_least", 361, 694),
        (0.08, 0.06, "at_most", 546, 1101),
    ],
)
def test_cases_for_power_are_those_of_the_reference(bar, truth, direction, even, likely):
    assert cases_for_power(bar, truth, direction, power=0.5) == even
    assert cases_for_power(bar, truth, direction, power=0.8) == likely


# spec_and_lint.md, last paragraph.
def test_observed_needed_is_that_of_the_reference():
    assert [observed_needed(500, bar, "at_least") for bar in (0.80, 0.92, 0.98)] == [416, 471, 496]
    assert observed_needed(100, 0.95, "at_least") == 99
    assert observed_needed(300, 0.99, "at_least") == 300


def test_zero_failures_are_those_of_the_reference():
    assert [cases_for_zero_failures(bar) for bar in (0.05, 0.02, 0.01, 0.005, 0.001)] == [
        59,
        149,
        299,
        598,
        2995,
    ]


# Scanned over every n: the last n that falls short, plus one.
@pytest.mark.parametrize(
    ("bar", "truth", "direction", "wanted", "top"),
    [
        (0.80, 0.85, "at_least", 0.8, 900),
        (0.50, 0.55, "at_least", 0.8, 1500),
        (0.97, 0.99, "at_least", 0.9, 1200),
        (0.90, 0.85, "at_most", 0.8, 800),
        (0.10, 0.90, "at_least", 0.99, 60),
        (0.30, 0.30001, "at_most", 0.04, 1),
        (0.50, 0.80, "at_least", 0.3, 100),
    ],
)
def test_cases_for_power_are_where_power_stays(bar, truth, direction, wanted, top):
    found = cases_for_power(bar, truth, direction, power=wanted)
    if top == 1:
        assert found is None
        return
    reached = np.array([power(n, bar, truth, direction) >= wanted for n in range(top)])
    assert found == np.flatnonzero(~reached)[-1] + 1


@given(st.integers(1, 3000), st.floats(0.01, 0.99), st.sampled_from([0.8, 0.95, 0.99]))
def test_observed_needed_is_the_edge_of_the_exact_bound(n, bar, confidence):
    needed = observed_needed(n, bar, "at_least", confidence)
    if needed is None:
        assert lower_bound(n, n, confidence) < bar
    else:
        assert lower_bound(needed, n, confidence) >= bar - 1e-12
        assert needed == 0 or lower_bound(needed - 1, n, confidence) < bar + 1e-12
    allowed = observed_needed(n, bar, "at_most", confidence)
    if allowed is None:
        assert upper_bound(0, n, confidence) > bar
    else:
        assert upper_bound(allowed, n, confidence) <= bar + 1e-12
        assert upper_bound(allowed + 1, n, confidence) > bar - 1e-12


@settings(max_examples=40)
@given(st.floats(0.02, 0.9), st.floats(0.02, 0.09), st.sampled_from([0.5, 0.8, 0.9]))
def test_power_at_the_answer_is_enough(bar, gap, wanted):
    n = cases_for_power(bar, bar + gap, "at_least", power=wanted)
    assert power(n, bar, bar + gap, "at_least") >= wanted
    assert power(n - 1, bar, bar + gap, "at_least") < wanted


@given(st.integers(1, 2000), st.floats(0.05, 0.95))
def test_power_at_the_bar_is_at_most_the_risk(n, bar):
    for direction in ("at_least", "at_most"):
        assert power(n, bar, bar, direction) <= 0.05 + 1e-9


def test_a_truth_not_better_than_the_bar_is_never_proved():
    assert cases_for_power(0.9, 0.9, "at_least") is None
    assert cases_for_power(0.1, 0.2, "at_most") is None
    assert cases_for_power(0.9, 0.90001, "at_least") is None
    assert cases_for_power(0.9, 0.91, "at_least", most=5519) is None


def test_a_flawless_truth_is_the_rule_of_zero_failures():
    assert cases_for_power(0.99, 1.0, "at_least") == cases_for_power(0.01, 0.0, "at_most") == 299


@pytest.mark.parametrize(("bar", "truth"), [(0.98, 0.981), (0.9, 0.901), (0.5, 0.501)])
def test_a_truth_next_to_its_bar_takes_hundreds_of_thousands(bar, truth):
    needed = cases_for_power(bar, truth, "at_least")
    assert needed > 100_000
    # Source of the order of size: the normal approximation.
    z = 1.6448536 * math.sqrt(bar * (1 - bar)) + 0.8416212 * math.sqrt(truth * (1 - truth))
    assert needed == pytest.approx((z / (truth - bar)) ** 2, rel=0.02)


# methods.md A9 (non-inferiority, 2.5% one-sided), A4 and F6 (Miller), A3 (Connor).
def test_normal_sizes_are_those_of_the_reference():
    assert cases_for_power_normal(0.05, (2 * 0.85 * 0.15) ** 0.5, 0.975) == 801
    assert cases_for_power_normal(0.03, 1 / 3, 0.975) == 969
    mde = smallest_detectable_paired
    assert mde(1742, 0.2, 0.975) <= 0.03 < mde(1741, 0.2, 0.975)
    assert mde(870, 0.1, 0.975) <= 0.03 < mde(869, 0.1, 0.975)


# spec_and_lint.md 4B-ter: support g_tone, 500 pairs of which 10% differ, one-sided 95%, power 80%.
def test_the_smallest_detectable_paired_difference_is_that_of_the_reference():
    assert round(smallest_detectable_paired(500, 0.1), 3) == 0.035
    assert smallest_detectable_paired(1600, 0.1) < 0.02 < smallest_detectable_paired(1500, 0.1)


@pytest.mark.parametrize(("n", "discordance"), [(500, 0.1), (500, 0.3), (2000, 0.1)])
def test_the_smallest_detectable_paired_difference_is_detected_as_often_as_said(n, discordance):
    gap = smallest_detectable_paired(n, discordance)
    won, lost = (discordance + gap) / 2, (discordance - gap) / 2
    drawn = np.random.default_rng(3).multinomial(n, [won, lost, 1 - discordance], 1500)[:, :2]
    kinds, where = np.unique(drawn, axis=0, return_inverse=True)
    proved = [PairedProportion(n - b - c, b, c, 0).bound("lower", 0.95) > 0 for b, c in kinds.tolist()]
    # 1,500 samples are good to three points; the bound of the gate is a little more careful than the normal.
    assert 0.72 < np.array(proved)[where.ravel()].mean() < 0.84


# spec_and_lint.md 4B-ter: loan g_fair, 500 cases of the group, approval 45%, the reference as good as known.
def test_the_ratio_of_groups_that_must_be_observed_is_that_of_the_reference():
    assert round(ratio_needed(500, 0.45, 0.80), 2) == 0.87
    assert ratio_needed(500, 0.45, 0.80, reference_n=500) > ratio_needed(500, 0.45, 0.80)
    assert ratio_needed(500_000, 0.45, 0.80) == pytest.approx(0.80, abs=0.005)


@given(st.integers(1, 5000), st.floats(0.02, 0.98), st.sampled_from(["at_least", "at_most"]))
def test_the_smallest_detectable_rate_is_proved_with_the_wanted_chance(n, bar, direction):
    truth = smallest_detectable(n, bar, direction)
    if truth is None:
        assert power(n, bar, 1.0 if direction == "at_least" else 0.0, direction) == 0
        return
    assert power(n, bar, truth, direction) == pytest.approx(0.8, abs=1e-6)


# The zero-failure numbers of spec_and_lint.md, the other way round.
@pytest.mark.parametrize(("n", "bar"), [(59, 0.05), (149, 0.02), (299, 0.01), (598, 0.005), (2995, 0.001)])
def test_the_best_provable_bar_is_the_rule_of_zero_failures(n, bar):
    assert best_provable(n, "at_most") <= bar < best_provable(n - 1, "at_most")
    assert best_provable(n, "at_least") == pytest.approx(1 - best_provable(n, "at_most"))
    assert observed_needed(n, bar, "at_most") == 0


def test_no_case_proves_nothing():
    assert (best_provable(0, "at_least"), best_provable(0, "at_most")) == (0.0, 1.0)


# Drawn and judged one by one: the promised number gives the promised chance.
@pytest.mark.parametrize("wanted", [0.5, 0.8])
def test_the_promised_cases_give_the_promised_chance(wanted):
    n = cases_for_power(0.80, 0.85, "at_least", power=wanted)
    seen = np.random.default_rng(1).binomial(n, 0.85, 4000)
    proved = np.array([lower_bound(x, n, 0.95) >= 0.80 for x in range(n + 1)])[seen]
    assert wanted - 0.025 < proved.mean() < wanted + 0.06


def test_too_few_pairs_detect_nothing():
    assert smallest_detectable_paired(5, 0.1) is None


def test_wrong_calls_are_refused():
    for call in (
        lambda: observed_needed(-1, 0.5, "at_least"),
        lambda: power(10, 1.5, 0.5, "at_least"),
        lambda: cases_for_power(0.5, 0.6, "at_least", power=1.0),
        lambda: cases_for_power_normal(0.0, 1.0),
        lambda: smallest_detectable_paired(10, 0.0),
        lambda: best_provable(-1, "at_most"),
        lambda: smallest_detectable(-1, 0.5, "at_least"),
        lambda: ratio_needed(0, 0.5, 0.8),
    ):
        with pytest.raises(ValueError, match=r"need|must"):
            call()
