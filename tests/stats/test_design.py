from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.design import design_effect, jackknife_error, kish_effect

weights = st.lists(st.floats(0.01, 100), min_size=1, max_size=40).map(np.array)


def test_jackknife_of_a_mean_is_its_standard_error():
    # By algebra: the values without one are spread 1 / (n - 1) as far as the values themselves.
    values = np.random.default_rng(1).normal(size=30)
    left_out = (values.sum() - values) / 29
    assert jackknife_error(left_out) == pytest.approx(values.std(ddof=1) / np.sqrt(30))


@given(weights)
def test_effective_cases_are_at_most_the_cases_and_at_least_one(w):
    effect = kish_effect(w.sum(), (w**2).sum(), w.size)
    assert 1 <= effect <= w.size * (1 + 1e-9)


@given(weights, st.floats(0.1, 10))
def test_the_unit_of_weights_is_of_no_matter(w, unit):
    scaled = unit * w
    assert kish_effect(scaled.sum(), (scaled**2).sum(), w.size) == pytest.approx(
        kish_effect(w.sum(), (w**2).sum(), w.size)
    )


def test_one_heavy_row_among_many_is_nearly_all_there_is():
    # (99 * 1 + 99)^2 / (99 + 99^2) = 3.96 effective cases of 100.
    assert kish_effect(198.0, 99 + 99**2, 100) == pytest.approx(100 / 3.96, rel=1e-3)


def test_too_few_events_are_no_proof_of_independence():
    assert design_effect(0.01, 0.01, n=500, events=9) == 2.0
    # With enough of them only the error of 64 groups is left: t with 63 degrees over the normal, squared.
    assert design_effect(0.01, 0.01, n=500, events=10) == pytest.approx((1.66940 / 1.64485) ** 2, abs=1e-4)
    assert design_effect(0.01, 0.01, n=500, events=9, weights=3.0) == 3.0
    assert design_effect(0.05, 0.01, n=10, events=10) == 10.0


@pytest.mark.parametrize("call", [lambda: jackknife_error(np.array([1.0])), lambda: kish_effect(0, 0, 5)])
def test_impossible_numbers_are_refused(call):
    with pytest.raises(ValueError, match="needs"):
        call()
