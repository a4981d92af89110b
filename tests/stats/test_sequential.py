"""Confidence sequences: check numbers, laws, and the exact chance of ever passing when looks repeat."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom, multivariate_normal, norm

from shipworthy.stats.confidence import Mean, Proportion
from shipworthy.stats.proportions import lower_bound
from shipworthy.stats.sequential import (
    HORIZON,
    OVERRUN,
    chance_of_ever_passing,
    mean_distance,
    mean_interval,
    risk_left,
    risk_left_of_mean,
    robbins_interval,
    sequence_cases,
    sequence_lower,
    sequence_needed,
    sequence_upper,
)
from shipworthy.stats.sizing import observed_needed

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
confidences = st.floats(0.6, 0.999)


# -- check numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(93, 100, 0.81148, 0.98579), (930, 1000, 0.89608, 0.95606), (0, 100, 0.0, 1 - 2020 ** (-1 / 100))],
)
def test_the_two_sided_sequence_of_a_proportion_gives_the_known_numbers(successes, n, low, high):
    # The last is the closed form: B(1, 101) / (1 - p)^100 = 20.
    assert robbins_interval(successes, n) == pytest.approx((low, high), abs=5e-6)


@pytest.mark.parametrize(("n", "half"), [(1000, 0.05319), (5000, 0.02146), (20_000, 0.01106)])
def test_the_two_sided_sequence_of_a_mean_gives_the_half_widths_of_growthbook(n, half):
    # GrowthBook's asymptotic confidence sequence at p = 0.5, tuned to 5,000.
    low, high = mean_interval(0.5, 0.5 / math.sqrt(n), n, planned=5000)
    assert (high - low) / 2 == pytest.approx(half, abs=5e-6)
    assert (high + low) / 2 == pytest.approx(0.5)


def test_the_one_sided_evidence_is_a_likelihood_ratio_averaged_over_the_rates_above():
    # The same average by numerical integration over the truncated beta distribution.
    bar, n, x = 0.8, 300, 262
    risk = 0.05
    weight = 600 / (-2 * math.log(2 * risk) + math.log(1 - 2 * math.log(2 * risk)))
    prior = beta(weight * bar, weight * (1 - bar))

    def part(rate: float) -> float:
        ratio = x * math.log(rate / bar) + (n - x) * math.log((1 - rate) / (1 - bar))
        return math.exp(ratio) * prior.pdf(rate) / prior.sf(bar)

    evidence = quad(part, bar, 1, epsabs=1e-12)[0]
    # At a confidence one hair on either side of this evidence the bound passes the bar or does not.
    for hair, passes in ((1.001, True), (0.999, False)):
        bound = sequence_lower(x, n, planned=600, risk=hair / evidence)
        assert (bound >= bar) == passes


def test_the_risk_left_over_in_the_normal_limit_is_one_minus_a_known_orthant():
    # The chance to pass the first look under the mixture, from the bivariate normal distribution itself.
    risk = 0.05
    spread = (-2 * math.log(2 * risk) + math.log(1 - 2 * math.log(2 * risk))) / HORIZON
    joint = multivariate_normal([0, 0], [[spread, spread], [spread, spread + 1]])
    z = norm.ppf(0.95)
    above = 1 - norm.cdf(0) - norm.cdf(z / math.sqrt(1 + spread)) + joint.cdf([0, z])
    assert risk_left_of_mean(0.95) == pytest.approx(OVERRUN * risk / (1 - 2 * above), rel=1e-4)


def test_the_risk_left_over_of_many_cases_is_the_normal_one():
    # Above 100,000 cases the limit is used; just below, the sum over whole counts must come out near it.
    assert risk_left(99_999, 0.8, "at_least") == pytest.approx(risk_left_of_mean(), rel=0.1)
    assert risk_left(100_001, 0.8, "at_least") == risk_left_of_mean()


# -- laws ----------------------------------------------------------------------------------------------------


@given(counts, confidences, st.integers(1, 5000))
def test_a_bound_over_all_looks_lies_outside_that_of_one_look_and_within_zero_and_one(
    seen, confidence, planned
):
    x, n = seen
    low, high = (f(x, n, planned, confidence) for f in (sequence_lower, sequence_upper))
    assert 0 <= low <= lower_bound(x, n, confidence) + 1e-12
    assert low <= x / n <= high <= 1


@given(counts, confidences)
def test_better_counts_never_make_a_bound_worse(seen, confidence):
    x, n = seen
    if x < n:
        assert sequence_lower(x, n, n, confidence) <= sequence_lower(x + 1, n, n, confidence) + 1e-12
    assert sequence_lower(x, n + 1, n, confidence) <= sequence_lower(x, n, n, confidence) + 1e-12


@given(counts, confidences)
def test_upper_bounds_mirror_lower_ones(seen, confidence):
    x, n = seen
    assert sequence_upper(x, n, n, confidence) == pytest.approx(1 - sequence_lower(n - x, n, n, confidence))


@given(st.integers(1, 3000), st.floats(0.02, 0.98), st.integers(1, 5000), confidences)
def test_the_count_needed_is_the_first_whose_bound_reaches_the_bar(n, bar, planned, confidence):
    needed = sequence_needed(n, bar, planned, "at_least", confidence)
    reached = n + 1 if needed is None else needed
    if needed is not None:
        assert sequence_lower(reached, n, planned, confidence) >= bar - 1e-9
    assert sequence_lower(reached - 1, n, planned, confidence) <= bar + 1e-9
    most = sequence_needed(n, 1 - bar, planned, "at_most", confidence)
    assert (most is None) == (needed is None)


@given(st.floats(0.05, 0.9), st.floats(0.02, 0.09), st.integers(20, 2000), st.sampled_from([0.5, 0.8]))
@settings(max_examples=40)
def test_the_cases_promised_for_the_next_look_prove_the_bar_with_the_promised_chance(
    bar, gap, planned, power
):
    truth = bar + gap
    cases = sequence_cases(bar, truth, planned, "at_least", power)
    needed = sequence_needed(cases, bar, planned, "at_least")
    assert binom.sf(needed - 1, cases, truth) >= power
    # Whole counts make saw teeth of some points, so that fewer cases may still do; a twentieth fewer do not.
    fewer = int(cases * 0.95) - 3
    short = sequence_needed(fewer, bar, planned, "at_least") if fewer > 0 else None
    assert short is None or binom.sf(short - 1, fewer, truth) < power + 0.06
    assert sequence_cases(1 - bar, 1 - truth, planned, "at_most", power) == pytest.approx(cases, abs=1)
    assert sequence_cases(bar, bar, planned, "at_least", power) is None


@given(counts)
def test_the_two_sided_sequence_holds_the_estimate_and_narrows_with_doubled_counts(seen):
    x, n = seen
    low, high = robbins_interval(x, n)
    assert 0 <= low <= x / n <= high <= 1
    twice = robbins_interval(2 * x, 2 * n)
    assert twice[1] - twice[0] <= high - low


@given(st.floats(0.01, 100), confidences)
def test_a_sequence_stands_further_off_than_one_look_and_smaller_risks_further_still(share, confidence):
    distance = mean_distance(share, confidence)
    assert distance > norm.ppf(confidence)
    assert mean_distance(share, confidence, (1 - confidence) / 2) > distance


def test_a_sequence_is_tightest_near_where_it_was_planned():
    distances = {share: mean_distance(share, 0.95) for share in (0.1, 0.3, 1.0, 3.0, 10.0)}
    assert min(distances, key=distances.__getitem__) == 1.0


# -- what is promised: the exact chance that a candidate exactly at its bar ever passes ----------------------

BARS = (0.5, 0.8, 0.9, 0.95, 0.99)
SCHEDULES = {
    "2 looks": [500, 1000],
    "4 looks": [500, 1000, 1500, 2000],
    "20 looks": list(range(500, 10_001, 500)),
    "after every 50 to 2,000": list(range(50, 2001, 50)),
    "after every 10 from 200 to 2,000": list(range(200, 2001, 10)),
}


def sequence_from_first(cases, bar, confidence=0.95):
    return [sequence_needed(n, bar, HORIZON * cases[0], "at_least", confidence) for n in cases]


def exact_then_sequence(cases, bar, confidence=0.95):
    left = risk_left(cases[0], bar, "at_least", confidence)
    planned = HORIZON * cases[0]
    later = [sequence_needed(n, bar, planned, "at_least", confidence, left) for n in cases[1:]]
    return [observed_needed(cases[0], bar, "at_least", confidence), *later]


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize("cases", SCHEDULES.values(), ids=SCHEDULES.keys())
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_sequence_from_the_first_look_keeps_the_stated_risk_over_all_looks(bar, cases, confidence):
    needed = sequence_from_first(cases, bar, confidence)
    assert chance_of_ever_passing(cases, needed, bar) <= 1 - confidence


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize("cases", SCHEDULES.values(), ids=SCHEDULES.keys())
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_a_sequence_after_an_exact_first_look_adds_at_most_a_fifth_of_the_stated_risk(bar, cases, confidence):
    needed = exact_then_sequence(cases, bar, confidence)
    assert chance_of_ever_passing(cases, needed, bar) <= (1 + OVERRUN) * (1 - confidence)
    assert chance_of_ever_passing(cases[:1], needed[:1], bar) <= 1 - confidence


@pytest.mark.parametrize("rate", [0.4, 0.7, 0.79])
def test_below_the_bar_the_chance_is_smaller_than_at_it(rate):
    cases = SCHEDULES["after every 50 to 2,000"]
    for scheme in (sequence_from_first, exact_then_sequence):
        needed = scheme(cases, 0.8)
        assert chance_of_ever_passing(cases, needed, rate) < chance_of_ever_passing(cases, needed, 0.8)


def test_exact_bounds_at_every_look_break_the_promise_as_known():
    # Fixed-sample bounds looked at again: 6.7% after two looks and 20% after twenty.
    for schedule, chance in (("2 looks", 0.067), ("20 looks", 0.203)):
        cases = SCHEDULES[schedule]
        needed = [observed_needed(n, 0.8, "at_least") for n in cases]
        assert chance_of_ever_passing(cases, needed, 0.8) == pytest.approx(chance, abs=5e-4)


def test_a_better_candidate_does_pass_in_the_end():
    cases = SCHEDULES["20 looks"]
    for scheme in (sequence_from_first, exact_then_sequence):
        assert chance_of_ever_passing(cases, scheme(cases, 0.8), 0.83) > 0.99


def test_the_sequence_of_means_keeps_its_risk_in_simulation():
    # 4,000 walks of skewed values (exponential, mean 1) at the bar; 5% promised, about 1 point of noise.
    rng = np.random.default_rng(7)
    looks = np.arange(200, 2001, 50)
    ever = np.zeros(4000, dtype=bool)
    total, squares, seen = np.zeros(4000), np.zeros(4000), 0
    for n in looks.tolist():
        values = rng.exponential(1.0, (4000, n - seen))
        total, squares, seen = total + values.sum(axis=1), squares + (values**2).sum(axis=1), n
        error = np.sqrt((squares / n - (total / n) ** 2) / n)
        ever |= total / n - mean_distance(n / (HORIZON * 200), 0.95) * error >= 1.0
    assert ever.mean() <= 0.05


class Skewed:
    """Exponential values with mean 1, at least 1 wanted."""

    bar = 1.0

    def __init__(self, rng, most):
        values = rng.exponential(1.0, most)
        self.totals, self.squares = np.cumsum(values), np.cumsum(values**2)

    def at(self, n):
        return Mean(self.totals[n - 1], self.squares[n - 1], n, 0.0, None)


class Clustered:
    """Clusters of five rows with an intra-cluster correlation of one half, at least 80% wanted."""

    bar = 0.8

    def __init__(self, rng, most):
        counts = rng.binomial(5, rng.beta(0.8, 0.2, most // 5))
        self.totals, self.squares = np.cumsum(counts), np.cumsum(counts**2)

    def at(self, n):
        clusters, total, squares = n // 5, self.totals[n // 5 - 1], self.squares[n // 5 - 1]
        rate = total / n
        variance = (squares - total**2 / clusters) / (clusters - 1) * clusters / n**2
        effect = max(1.0, variance / (rate * (1 - rate) / n))
        return Proportion(total / effect, n / effect)


@pytest.mark.parametrize("kind", [Skewed, Clustered])
def test_later_looks_at_what_is_no_plain_share_keep_the_risk_in_simulation(kind):
    # 500 candidates exactly at the bar, an exact first look at 200 and a look after every 200 more.
    rng = np.random.default_rng(11)
    looks = list(range(200, 4001, 200))
    left = risk_left_of_mean(0.95)
    levels = [0.95, *(norm.cdf(mean_distance(n / (HORIZON * 200), 0.95, left)) for n in looks[1:])]
    passed = 0
    for _ in range(500):
        seen = kind(rng, looks[-1])
        passed += any(
            seen.at(n).bound("lower", float(level)) >= kind.bar
            for n, level in zip(looks, levels, strict=True)
        )
    assert passed / 500 <= 0.05


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 120), st.floats(0.05, 0.95))
@settings(max_examples=40)
def test_the_chance_of_ever_passing_adds_up_over_two_looks(first, more, needed, rate):
    # By hand: passes at the second look only if it failed the first.
    found = chance_of_ever_passing([first, first + more], [min(needed, first), needed], rate)
    at_first = min(needed, first)
    by_hand = binom.sf(at_first - 1, first, rate) + sum(
        binom.pmf(x, first, rate) * binom.sf(needed - x - 1, more, rate) for x in range(at_first)
    )
    assert found == pytest.approx(min(1.0, by_hand), abs=1e-9)


# -- wrong input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda: sequence_lower(5, 4, 10),
        lambda: sequence_lower(1, 4, 0),
        lambda: sequence_lower(1, 4, 10, 0.5),
        lambda: sequence_needed(10, 0.8, 10, "at_least", 1.0),
        lambda: mean_interval(0, 1, 0, 10),
        lambda: mean_distance(0.0, 0.95),
        lambda: robbins_interval(1, 2, 1.0),
        lambda: risk_left_of_mean(0.4),
        lambda: chance_of_ever_passing([10, 5], [5, 5], 0.5),
        lambda: chance_of_ever_passing([10], [5, 5], 0.5),
    ],
)
def test_numbers_out_of_range_are_refused(call):
    with pytest.raises(ValueError, match=r"need|must|got|between"):
        call()
