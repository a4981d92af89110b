from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.value import MeanBelief, RateBelief, best_number_of_cases, largest_exposure

NEAR = 1e-12

beliefs = st.builds(
    RateBelief,
    successes=st.floats(0.5, 300),
    failures=st.floats(0.5, 300),
    bar=st.floats(0.05, 0.95),
    gain=st.floats(0, 10),
    loss=st.floats(0, 10),
    direction=st.sampled_from(["at_least", "at_most"]),
)
mean_beliefs = st.builds(MeanBelief, worth=st.floats(-5, 5), error=st.floats(0, 5), n=st.floats(1, 5000))


# methods.md A8: Beta(46, 6), bar 0.9, a false pass costs 5 and a false hold 1.
def test_the_value_of_more_cases_is_that_of_the_reference():
    belief = RateBelief(46, 6, 0.9, gain=1, loss=5)
    found = [round(belief.value_of_cases(m), 6) for m in (25, 50, 100, 400)]
    assert found == [0.000227, 0.002186, 0.004546, 0.008240]


def test_the_value_of_more_cases_is_what_a_simulation_of_them_gives():
    belief = RateBelief(46, 6, 0.9, gain=1, loss=5)
    random = np.random.default_rng(7)
    truth = random.beta(46, 6, 400_000)
    seen = random.binomial(100, truth)
    # Who has seen x of 100 more ships where that is worth more than nothing; the truth says what it brought.
    after = [RateBelief(46 + x, 6 + 100 - x, 0.9, 1, 5).worth > 0 for x in range(101)]
    brought = np.where(truth > 0.9, truth - 0.9, 5 * (truth - 0.9)) * np.array(after)[seen]
    assert belief.value_of_cases(100) == pytest.approx(
        brought.mean() - max(0, belief.worth), abs=4 * brought.std() / 632
    )


def test_a_rate_that_should_be_small_is_the_mirror_of_one_that_should_be_large():
    large = RateBelief(46, 6, 0.9, gain=1, loss=5)
    small = RateBelief(6, 46, 0.1, gain=1, loss=5, direction="at_most")
    assert small.value_of_cases(50) == pytest.approx(large.value_of_cases(50), rel=1e-9)
    assert small.worth == pytest.approx(large.worth, rel=1e-9)


@settings(max_examples=150)
@given(beliefs, st.integers(0, 400), st.integers(0, 400))
def test_more_cases_are_never_worth_less_nor_more_than_knowing(belief, first, second):
    fewer, more = sorted((first, second))
    value = belief.value_of_cases(more)
    assert 0 <= belief.value_of_cases(fewer) <= value + NEAR
    assert value <= belief.value_of_knowing() + 1e-9


@given(beliefs)
def test_no_more_cases_are_worth_nothing(belief):
    assert belief.value_of_cases(0) == pytest.approx(0, abs=NEAR)


@given(mean_beliefs, st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_cases_of_a_mean_are_never_worth_less_nor_more_than_knowing(belief, first, second):
    fewer, more = sorted((first, second))
    assert 0 <= belief.value_of_cases(fewer) <= belief.value_of_cases(more) + NEAR
    assert belief.value_of_cases(more) <= belief.value_of_knowing() + NEAR


@pytest.mark.parametrize("worth", [-0.5, 0.0, 0.8])
def test_the_value_of_more_cases_of_a_mean_is_the_integral_over_what_they_may_show(worth):
    belief = MeanBelief(worth, error=1.0, n=100)
    # After 300 more the estimate lies around the present one with this spread.
    spread = np.sqrt(300 / 400)
    shown = worth + spread * np.linspace(-9, 9, 200_001)
    density = np.exp(-(((shown - worth) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    integral = np.trapezoid(np.maximum(shown, 0) * density, shown)
    assert belief.value_of_cases(300) == pytest.approx(integral - max(0, worth), abs=1e-8)


def test_the_best_number_of_cases_is_the_best_of_all():
    belief = RateBelief(46, 6, 0.9, gain=1, loss=5)
    net = [100_000 * belief.value_of_cases(m) - m for m in range(600)]
    best, worth = best_number_of_cases(belief.value_of_cases, 1, 100_000)
    # The value rises in small steps, so two numbers next to each other may be as good.
    assert worth == pytest.approx(max(net), rel=0.002)
    assert worth == pytest.approx(net[best])


def test_cases_that_cost_more_than_knowing_is_worth_are_not_labelled():
    assert best_number_of_cases(MeanBelief(0.1, 0.1, 100).value_of_cases, 1_000, 10) == (0, 0.0)


@given(st.floats(0.01, 1e6), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_a_larger_loss_never_allows_more_exposure(waiting, loss, more):
    share = largest_exposure(waiting, loss)
    assert 0 <= largest_exposure(waiting, loss + more) <= share <= 1
    assert share * loss <= waiting * (1 + 1e-9)


def test_where_waiting_is_free_nothing_is_exposed():
    assert largest_exposure(0, 100) == largest_exposure(-5, 0) == 0


def test_wrong_calls_are_refused():
    for call in (
        lambda: RateBelief(0, 1, 0.5, 1, 1),
        lambda: RateBelief(1, 1, 1.0, 1, 1),
        lambda: RateBelief(1, 1, 0.5, -1, 1),
        lambda: RateBelief(1, 1, 0.5, 1, 1).value_of_cases(-1),
        lambda: MeanBelief(0, -1, 1),
        lambda: MeanBelief(0, 1, 1).value_of_cases(-1),
        lambda: best_number_of_cases(lambda _m: 0.0, 0),
        lambda: largest_exposure(float("nan"), 1),
    ):
        with pytest.raises(ValueError, match="needs"):
            call()
