from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.joint_sizing import (
    CellTarget,
    MeanTarget,
    RateTarget,
    cases_for_joint_power,
    joint_chance,
    joint_power,
    joint_power_of_cells,
)
from shipworthy.stats.sizing import cases_for_power, cases_for_power_normal, observed_needed, power

GOOD = RateTarget(0.80, 0.85, "at_least")
HARMFUL = RateTarget(0.08, 0.05, "at_most")
STRATA = [
    [GOOD, HARMFUL],
    [RateTarget(0.80, 0.85, "at_least", share=0.3), RateTarget(0.08, 0.05, "at_most", share=0.7)],
    [RateTarget(0.95, 0.97, "at_least"), GOOD, RateTarget(0.01, 0.002, "at_most", share=0.4)],
    [RateTarget(0.5, 0.56, "at_least"), RateTarget(0.5, 0.58, "at_least", share=0.11)],
    [MeanTarget(0.03, 0.3), GOOD],
]


# Scanned over every n: the last n that falls short, plus one.
@pytest.mark.parametrize("targets", STRATA)
@pytest.mark.parametrize("wanted", [0.5, 0.8])
@pytest.mark.parametrize("however", [False, True])
def test_joint_cases_are_where_the_joint_chance_stays(targets, wanted, however):
    n = np.arange(14_000)
    chances = [target.chances(n) for target in targets]
    if however:
        reached = sum(1 - chance for chance in chances) <= 1 - wanted + 1e-12
    else:
        reached = np.prod(chances, axis=0) >= wanted
    found = cases_for_joint_power(targets, wanted, however_dependent=however)
    assert found == np.flatnonzero(~reached)[-1] + 1


# Drawn and judged: two disjoint strata of 30 and 70 of each 100 cases.
@pytest.mark.parametrize("wanted", [0.5, 0.8])
def test_the_promised_cases_prove_all_gates_with_the_promised_chance(wanted):
    strata = STRATA[1]
    n = cases_for_joint_power(strata, wanted)
    first, second = math.floor(n * 0.3 + 1e-9), math.floor(n * 0.7 + 1e-9)
    random = np.random.default_rng(11)
    good, harmful = random.binomial(first, 0.85, 20_000), random.binomial(second, 0.05, 20_000)
    proved = (good >= observed_needed(first, 0.80, "at_least")) & (
        harmful <= observed_needed(second, 0.08, "at_most")
    )
    # 20,000 samples are good to one point; above the promise only by a tooth.
    assert wanted - 0.01 < proved.mean() < wanted + 0.05


def test_one_target_is_sized_as_alone():
    for wanted in (0.5, 0.8):
        assert cases_for_joint_power([GOOD], wanted) == cases_for_power(0.80, 0.85, "at_least", power=wanted)
    assert cases_for_joint_power([MeanTarget(0.05, 0.4)], 0.8) == cases_for_power_normal(0.05, 0.4)


def test_one_that_is_never_proved_makes_all_unprovable():
    assert cases_for_joint_power([GOOD, RateTarget(0.9, 0.9, "at_least")]) is None
    assert cases_for_joint_power([GOOD, MeanTarget(-0.1, 1.0)]) is None
    assert cases_for_joint_power([GOOD, HARMFUL], most=500) is None


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 0.95), st.floats(0.03, 0.05), st.floats(0.05, 1.0), st.sampled_from([0.5, 0.8]))
def test_all_take_at_least_as_many_cases_as_each(bar, gap, share, wanted):
    other = RateTarget(bar, bar + gap, "at_least", share=share)
    together = cases_for_joint_power([GOOD, other], wanted)
    assert together >= max(GOOD.cases_for(wanted), other.cases_for(wanted))
    assert cases_for_joint_power([GOOD, other], wanted, however_dependent=True) >= together - 1
    assert joint_power(together, [GOOD, other])[1] >= wanted


@given(st.lists(st.floats(0, 1), max_size=6))
def test_the_chance_of_all_lies_within_what_any_dependence_allows(chances):
    least, about, most = joint_chance(chances)
    assert 0 <= least <= about <= most <= 1
    assert most == min(chances, default=1.0)


def test_a_chance_of_a_share_is_that_of_its_cases():
    half = RateTarget(0.80, 0.85, "at_least", share=0.5)
    for n in (0, 1, 301, 1000):
        found = float(half.chances(np.array([n]))[0])
        assert found == pytest.approx(power(n // 2, 0.80, 0.85, "at_least"))


def test_rates_on_the_same_cases_are_proved_as_often_as_in_a_simulation_of_cases():
    # Good and harmful exclude each other, so proofs go together: more often than independent ones would.
    shares = np.array([0.85, 0.10, 0.05])
    everyone = np.ones(3)
    good = CellTarget(np.array([1, 0, 0]), everyone, 0.80, "at_least")
    harmful = CellTarget(np.array([0, 0, 1]), everyone, 0.08, "at_most")
    drawn = np.random.default_rng(5).choice(3, size=(4000, 500), p=shares)
    proved = ((drawn == 0).sum(axis=1) >= observed_needed(500, 0.80, "at_least")) & (
        (drawn == 2).sum(axis=1) <= observed_needed(500, 0.08, "at_most")
    )
    found = joint_power_of_cells(500, shares, [good, harmful])
    assert found == pytest.approx(proved.mean(), abs=0.03)
    least, about, most = joint_power(500, [GOOD, HARMFUL])
    assert least - 0.01 <= found <= most + 0.01
    assert found > about


def test_a_rate_among_some_cells_counts_only_these():
    # Precision: of the flagged half of the cases, 95% are right; the other half does not count.
    precision = CellTarget(np.array([1, 0, 0]), np.array([1, 1, 0]), 0.90, "at_least")
    found = joint_power_of_cells(600, np.array([0.475, 0.025, 0.5]), [precision])
    flagged = np.random.default_rng(2).binomial(600, 0.5, 400)
    assert found == pytest.approx(np.mean([power(int(n), 0.90, 0.95, "at_least") for n in flagged]), abs=0.03)


def test_wrong_calls_are_refused():
    for call in (
        lambda: RateTarget(1.0, 0.9, "at_least"),
        lambda: RateTarget(0.9, 0.95, "at_least", share=0.0),
        lambda: MeanTarget(0.1, -1.0),
        lambda: joint_chance([1.2]),
        lambda: joint_power(-1, [GOOD]),
        lambda: cases_for_joint_power([]),
        lambda: joint_power_of_cells(10, np.array([-1.0, 2.0]), []),
    ):
        with pytest.raises(ValueError, match=r"need|must"):
            call()
