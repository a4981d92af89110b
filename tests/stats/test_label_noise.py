from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from shipworthy.stats.label_noise import (
    most_wrong_at_all,
    most_wrong_for_even_chance,
    observed_rate,
    true_rate,
    wrong_that_explains,
)


# methods_monitoring.md, label noise: a_obs = a (1 - w) + (1 - a) w. By hand: 0.98 * 0.98 + 0.02 * 0.02.
def test_wrong_labels_pull_a_rate_toward_a_half():
    assert observed_rate(0.98, 0.02) == pytest.approx(0.9608)
    assert observed_rate(0.1, 0.5) == pytest.approx(0.5)


@given(st.floats(0, 1), st.floats(0, 0.49))
def test_what_was_seen_leads_back_to_the_truth(rate, wrong):
    assert true_rate(observed_rate(rate, wrong), wrong) == pytest.approx(rate, abs=1e-9)


def test_labels_that_say_nothing_lead_nowhere():
    with pytest.raises(ValueError, match="below"):
        true_rate(0.5, 0.5)


@given(st.floats(0.6, 1))
def test_a_perfect_system_is_seen_at_the_bar_with_that_many_wrong(bar):
    assert observed_rate(1.0, most_wrong_at_all(bar)) == pytest.approx(bar)


# 496 of 500 prove 98% (spec_and_lint.md, useful static numbers); scipy's binomial gives the chance.
@pytest.mark.parametrize(("n", "needed"), [(500, 496), (100, 99), (299, 299)])
def test_a_perfect_system_has_an_even_chance_there(n, needed):
    wrong = most_wrong_for_even_chance(n, needed)
    assert binom.cdf(n - needed, n, wrong) == pytest.approx(0.5, abs=1e-9)


@given(st.floats(0.96, 0.999), st.floats(0.6, 0.95))
def test_the_explaining_share_makes_a_system_at_the_bar_look_as_seen(bar, seen):
    assert observed_rate(bar, wrong_that_explains(seen, bar)) == pytest.approx(seen)
