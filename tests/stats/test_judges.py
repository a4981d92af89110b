"""Rates judged by an instrument that errs: check numbers, laws, and the stated risk in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.judges import (
    CheckedAgainstPeople,
    PoststratifiedDifference,
    PredictionPoweredRate,
    RoganGladenRate,
    Sums,
    powered_mean,
    powered_values,
    rogan_gladen_interval,
    rogan_gladen_values,
    subset_gap,
)
from shipworthy.stats.melding import Difference
from shipworthy.stats.proportions import display_interval, lower_bound, upper_bound

counts = st.integers(0, 60)
tables = st.tuples(counts, counts, counts, counts).filter(lambda cells: sum(cells) > 0)
SEEDS = range(300)


def of_counts(checked: CheckedAgainstPeople, yes: float, n: float) -> tuple[np.ndarray, np.ndarray]:
    """The arrays of the vectorised forms: the instrument's and people's verdict, no before yes."""
    table = [[checked.right_rejections, checked.misses], [checked.false_alarms, checked.hits]]
    return np.array(table, float), np.array([n - yes, yes], float)


# methods.md F7: counts (133, 10, 9, 48; 3407 of 5000) through ppi-python 0.2.3.
def test_ppi_is_that_of_ppi_python():
    rate = PredictionPoweredRate(CheckedAgainstPeople(133, 10, 9, 48), 3407, 5000)
    assert rate.powered.weight == pytest.approx(0.698077, abs=5e-7)
    assert rate.value == pytest.approx(0.695035, abs=5e-7)
    assert rate.powered.interval() == pytest.approx((0.6537687, 0.7363013), abs=5e-8)


# methods.md F7, forest_badmodel: 34 of the first 200 labels are yes, and the model goes against them.
def test_a_worthless_instrument_gives_exactly_the_classical_interval():
    against = powered_mean(Sums(200, 5, 5, 34, 34, 0), Sums(1396, 28, 28))
    assert against.weight == 0
    assert against.interval() == pytest.approx((0.11794091, 0.22205909), abs=5e-9)


@given(tables, st.integers(1, 5000), st.floats(0, 1))
def test_an_instrument_that_goes_against_people_never_narrows_a_bound(cells, n, share):
    hits, misses, false_alarms, rejections = cells
    if hits * rejections > misses * false_alarms:
        hits, misses, false_alarms, rejections = misses, hits, rejections, false_alarms
    checked = CheckedAgainstPeople(hits, misses, false_alarms, rejections)
    rate = PredictionPoweredRate(checked, round(share * n), n)
    assert rate.value == pytest.approx(checked.people_yes / checked.n)
    assert rate.bound("lower", 0.95) == lower_bound(checked.people_yes, checked.n)
    assert rate.bound("upper", 0.95) == upper_bound(checked.people_yes, checked.n)
    assert rate.interval() == display_interval(checked.people_yes, checked.n)


def test_means_of_numbers_are_sharpened_too():
    # By hand: labels 1, 2, 3, 4 and predictions 1, 2, 3, 5; elsewhere 2, 4, 6, 8 and 5, 5, 5, 5.
    labels, seen, rest = np.array([1, 2, 3, 4]), np.array([1, 2, 3, 5]), np.array([2, 4, 6, 8, 5, 5, 5, 5])
    found = powered_mean(
        Sums(4, seen.sum(), (seen**2).sum(), labels.sum(), (labels**2).sum(), (labels * seen).sum()),
        Sums(8, rest.sum(), (rest**2).sum()),
    )
    pooled = np.concatenate([seen, rest]).var(ddof=1)
    weight = np.cov(labels, seen, ddof=0)[0, 1] / (1.5 * pooled)
    assert found.weight == pytest.approx(weight)
    assert found.value == pytest.approx(labels.mean() - weight * (seen.mean() - rest.mean()))
    variance = (labels - weight * seen).var() / 4 + weight**2 * rest.var() / 8
    assert found.standard_error == pytest.approx(math.sqrt(variance))


# methods.md F8: the worked example of Lee et al.'s repository.
def test_rogan_gladen_is_that_of_lee():
    assert rogan_gladen_interval(0.4, 1000, 0.9, 200, 0.7, 200) == pytest.approx(
        (0.056351, 0.262733), abs=5e-7
    )
    rate = RoganGladenRate(CheckedAgainstPeople(180, 20, 60, 140), 400, 1000)
    assert rate.value == pytest.approx(1 / 6)
    assert rate.interval() == pytest.approx((0.056351, 0.262733), abs=5e-7)


def test_a_perfect_instrument_is_taken_at_its_word():
    checked = CheckedAgainstPeople(10_000, 0, 0, 10_000)
    rate = RoganGladenRate(checked, 470, 500)
    assert rate.value == pytest.approx(0.94)
    assert rate.bound("lower", 0.95) == pytest.approx(lower_bound(470, 500), abs=0.002)


def test_things_that_are_surely_no_lower_the_share_in_proportion():
    checked = CheckedAgainstPeople(180, 20, 60, 140)
    bare, diluted = RoganGladenRate(checked, 400, 1000), RoganGladenRate(checked, 400, 1000, surely_no=250)
    assert diluted.value == pytest.approx(bare.value * 0.8)
    assert diluted.bound("upper", 0.95) < bare.bound("upper", 0.95)


@pytest.mark.parametrize(
    ("checked", "fit"),
    [
        # Youden's index at these counts by hand: 0.9 + 0.9 - 1, 0.5 + 0.5 - 1, 0.2 + 0.2 - 1, 2/3 + 2/3 - 1.
        (CheckedAgainstPeople(90, 10, 10, 90), True),
        (CheckedAgainstPeople(50, 50, 50, 50), False),
        (CheckedAgainstPeople(20, 80, 80, 20), False),
        (CheckedAgainstPeople(2, 1, 1, 2), False),
    ],
)
def test_an_instrument_must_be_shown_to_be_better_than_chance(checked, fit):
    assert checked.is_better_than_chance() is fit


def test_one_verdict_only_measures_no_instrument():
    with pytest.raises(ValueError, match="one verdict only"):
        RoganGladenRate(CheckedAgainstPeople(90, 10, 0, 0), 400, 1000)
    with pytest.raises(ValueError, match="no better than chance"):
        RoganGladenRate(CheckedAgainstPeople(20, 80, 80, 20), 400, 1000)


@given(tables, st.integers(0, 400), st.integers(0, 400))
def test_the_vectorised_values_are_those_of_the_distributions(cells, yes, no):
    checked = CheckedAgainstPeople(*cells)
    table, others = of_counts(checked, yes, yes + no)
    powered = PredictionPoweredRate(checked, yes, yes + no).value
    assert float(powered_values(table, others)) == pytest.approx(powered, abs=1e-9)
    if checked.has_both and checked.informedness.value > 0 and yes + no:
        plain = RoganGladenRate(checked, yes, yes + no).value
        assert float(rogan_gladen_values(table, others)) == pytest.approx(plain, abs=1e-9)


@given(tables, st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.8, 0.95, 0.99]))
def test_bounds_stand_on_either_side_of_the_value_and_within_zero_and_one(cells, yes, no, confidence):
    checked = CheckedAgainstPeople(*cells)
    rates = [PredictionPoweredRate(checked, yes, yes + no)]
    if checked.has_both and checked.informedness.value > 0 and yes + no:
        rates.append(RoganGladenRate(checked, yes, yes + no))
    for rate in rates:
        low, high = rate.interval(confidence)
        assert 0 <= low <= rate.value <= high <= 1
        assert 0 <= rate.bound("lower", confidence) <= rate.bound("upper", confidence) <= 1


@given(tables, st.integers(0, 400), st.integers(0, 400))
def test_yes_and_no_are_mirror_images(cells, yes, no):
    hits, misses, false_alarms, rejections = cells
    rate = PredictionPoweredRate(CheckedAgainstPeople(*cells), yes, yes + no)
    turned = PredictionPoweredRate(CheckedAgainstPeople(rejections, false_alarms, misses, hits), no, yes + no)
    assert turned.value == pytest.approx(1 - rate.value, abs=1e-9)
    # The two are drawn, and the draws of one are not those of the other.
    assert turned.bound("lower", 0.95) == pytest.approx(1 - rate.bound("upper", 0.95), abs=0.02)


def test_ten_times_the_counts_narrow_every_bound_and_keep_the_value():
    few = PredictionPoweredRate(CheckedAgainstPeople(42, 4, 3, 11), 340, 500)
    many = PredictionPoweredRate(CheckedAgainstPeople(420, 40, 30, 110), 3400, 5000)
    assert many.value == pytest.approx(few.value, abs=2e-3)
    assert few.bound("lower", 0.95) < many.bound("lower", 0.95) < many.value
    assert few.bound("upper", 0.95) > many.bound("upper", 0.95) > many.value


def test_a_good_instrument_proves_more_than_people_alone():
    checked = CheckedAgainstPeople(85, 2, 2, 11)
    rate = PredictionPoweredRate(checked, 2610, 3000)
    assert rate.bound("lower", 0.95) > lower_bound(87, 100) + 0.02


def test_the_gap_of_a_subset_is_the_pooled_z():
    # By hand: pooled 60/120 = 0.5, error sqrt(0.25 (1/40 + 1/80)) = 0.0968, gap (30/40 - 30/80) / 0.0968.
    assert subset_gap(30, 40, 30, 80) == pytest.approx(0.375 / math.sqrt(0.25 * (1 / 40 + 1 / 80)))
    assert subset_gap(30, 40, 0, 0) == 0


def simulated_risk(
    truth: float, labelled: int, rest: int, hit: float, rejection: float
) -> tuple[float, float, float]:
    """Share of samples with the lower bound above and the upper bound below the truth; coverage shown."""
    wrong = np.zeros(3)
    shares = np.array(
        [truth * hit, truth * (1 - hit), (1 - truth) * (1 - rejection), (1 - truth) * rejection]
    )
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        checked = CheckedAgainstPeople(*(float(count) for count in random.multinomial(labelled, shares)))
        rate = PredictionPoweredRate(checked, float(random.binomial(rest, shares[0] + shares[2])), rest)
        low, high = rate.interval()
        wrong += [
            rate.bound("lower", 0.95) > truth,
            rate.bound("upper", 0.95) < truth,
            low <= truth <= high,
        ]
    return tuple(wrong / len(SEEDS))


@pytest.mark.parametrize(
    ("truth", "labelled", "hit", "rejection"),
    [(0.5, 60, 0.95, 0.9), (0.9, 60, 0.99, 0.6), (0.95, 200, 0.8, 0.7), (0.2, 60, 0.98, 0.98)],
)
def test_a_system_at_its_bar_passes_no_more_often_than_stated(truth, labelled, hit, rejection):
    # The normal bound of PPI++ passes 8% to 25% of these; the seeds are fixed.
    lower, upper, covered = simulated_risk(truth, labelled, 1000, hit, rejection)
    assert lower <= 0.06
    assert upper <= 0.06
    assert covered >= 0.92


@pytest.mark.parametrize(
    ("truth", "set_size", "hit", "rejection"),
    [(0.5, 60, 0.95, 0.9), (0.9, 100, 0.8, 0.7), (0.1, 60, 0.99, 0.6)],
)
def test_rates_measured_elsewhere_carry_their_error_into_the_bound(truth, set_size, hit, rejection):
    wrong = np.zeros(2)
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        half = set_size // 2
        hits, rejections = float(random.binomial(half, hit)), float(random.binomial(half, rejection))
        yes = float(random.binomial(1000, truth * hit + (1 - truth) * (1 - rejection)))
        rate = RoganGladenRate(
            CheckedAgainstPeople(hits, half - hits, half - rejections, rejections), yes, 1000
        )
        wrong += [rate.bound("lower", 0.95) > truth, rate.bound("upper", 0.95) < truth]
    assert (wrong / len(SEEDS) <= 0.06).all()


# -- two systems on the same cases ---------------------------------------------------------------------------


def strata_of(
    random: np.random.Generator, n: int, labels: int, good: float, broken: float, delta: float, skill: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return labelled and further cases of two systems that differ by `delta`, by the judge's words."""
    live = random.random(n) < good
    fixed = (delta + good * broken) / (1 - good)
    ours = np.where(live, random.random(n) >= broken, random.random(n) < fixed)
    ours_judged, live_judged = (np.where(random.random(n) < skill, each, ~each) for each in (ours, live))
    chosen = np.zeros(n, dtype=bool)
    chosen[random.choice(n, labels, replace=False)] = True
    difference = ours.astype(int) - live
    stratum = ours_judged.astype(int) - live_judged + 1
    labelled = np.zeros((3, 3))
    np.add.at(labelled, (stratum[chosen], difference[chosen] + 1), 1.0)
    return labelled, np.bincount(stratum[~chosen], minlength=3).astype(float)


@pytest.mark.parametrize(
    ("n", "labels", "good", "broken", "delta", "skill"),
    [
        (1000, 60, 0.9, 0.05, -0.02, 0.85),
        (1000, 60, 0.9, 0.02, -0.018, 0.98),
        (2000, 100, 0.8, 0.10, -0.05, 0.9),
        (1000, 200, 0.7, 0.10, 0.0, 0.9),
        (500, 40, 0.85, 0.10, -0.03, 0.55),
        (400, 400, 0.85, 0.10, -0.03, 0.8),
    ],
)
def test_paired_bound_passes_a_system_at_its_bar_no_more_often_than_stated(
    n: int, labels: int, good: float, broken: float, delta: float, skill: float
) -> None:
    random, runs = np.random.default_rng(7), 150
    passed = sum(
        PoststratifiedDifference(*strata_of(random, n, labels, good, broken, delta, skill)).bound(
            "lower", 0.95
        )
        >= delta
        for _ in range(runs)
    )
    # Two errors of the simulation beyond the stated risk.
    assert passed / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5


def test_paired_bound_reaches_less_far_than_two_rates_taken_as_independent() -> None:
    strata = np.array([[8.0, 2, 0], [5, 160, 5], [0, 3, 17]])
    paired = PoststratifiedDifference(strata, np.array([90.0, 1510, 200]))
    alone = PredictionPoweredRate(CheckedAgainstPeople(130, 10, 10, 50), 1200, 1800)
    melded = Difference(alone, alone)
    assert paired.value - paired.bound("lower", 0.95) < 0.7 * (melded.value - melded.bound("lower", 0.95))
    assert paired.bound("lower", 0.95) < paired.interval()[1]
    assert paired.interval()[0] < paired.value < paired.bound("upper", 0.95)


def test_a_stratum_that_nobody_labelled_counts_as_the_worst() -> None:
    labelled = np.array([[0.0, 0, 0], [0, 50, 0]])
    found = PoststratifiedDifference(labelled, np.array([50.0, 0]))
    assert found.bound("lower", 0.95) < -0.45
    assert found.bound("upper", 0.95) > 0.45
    with pytest.raises(ValueError, match="something labelled"):
        PoststratifiedDifference(labelled * 0, np.array([50.0, 0]))


def test_sides_mirror_each_other() -> None:
    labelled, others = np.array([[8.0, 2, 0], [5, 160, 5], [0, 3, 17]]), np.array([90.0, 1510, 200])
    ours = PoststratifiedDifference(labelled, others)
    theirs = PoststratifiedDifference(labelled[::-1, ::-1], others[::-1])
    assert ours.value == pytest.approx(-theirs.value)
    assert ours.bound("lower", 0.95) == pytest.approx(-theirs.bound("upper", 0.95), abs=0.005)
