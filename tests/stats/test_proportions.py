from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.proportions import (
    display_interval,
    exact_interval,
    lower_bound,
    lower_bounds,
    upper_bound,
    upper_bounds,
    wilson_interval,
)

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# Newcombe (1998) and the tests of the R package contingencytables, by methods.md F1.
@pytest.mark.parametrize(
    ("x", "n", "wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
        (13, 16, (0.5699, 0.9341), (0.5435, 0.9595)),
    ],
)
def test_intervals_are_those_of_the_paper(x, n, wilson, exact):
    assert wilson_interval(x, n) == pytest.approx(wilson, abs=5e-5)
    assert exact_interval(x, n) == pytest.approx(exact, abs=5e-5)


# methods.md A8: Wilson lower bounds of 93%.
@pytest.mark.parametrize(("n", "lower"), [(100, 0.8625), (200, 0.8859), (300, 0.8954), (500, 0.9042)])
def test_wilson_lower_end_of_93_percent_is_that_of_the_table(n, lower):
    assert wilson_interval(0.93 * n, n)[0] == pytest.approx(lower, abs=5e-5)


# methods.md A1: exactly enumerated coverage at nominal 95%.
@pytest.mark.parametrize(
    ("n", "p", "wilson", "exact"),
    [(30, 0.90, 0.9742, 0.9922), (100, 0.90, 0.9364, 0.9557), (300, 0.90, 0.9575, 0.9662)]
    + [(30, 0.98, 0.9783, 0.9783), (100, 0.98, 0.9492, 0.9845), (1000, 0.98, 0.9467, 0.9589)],
)
def test_coverage_is_that_of_the_table(n, p, wilson, exact):
    from scipy.stats import binom

    chances = binom.pmf(np.arange(n + 1), n, p)
    for interval, coverage in ((wilson_interval, wilson), (exact_interval, exact)):
        covered = [interval(x, n)[0] <= p <= interval(x, n)[1] for x in range(n + 1)]
        assert chances @ np.array(covered) == pytest.approx(coverage, abs=5e-5)


def test_exact_bound_holds_its_risk_where_wilson_does_not():
    from scipy.stats import binom

    # design.md 2.6: at 415 of 500 against 0.80 a Wilson bound passes at a true risk of 5.04%.
    assert binom.sf(414, 500, 0.80) == pytest.approx(0.0504, abs=5e-5)
    assert wilson_interval(415, 500, 0.90)[0] > 0.80 > lower_bound(415, 500)


@given(counts)
def test_bounds_are_ordered_around_the_rate(count):
    x, n = count
    assert 0 <= lower_bound(x, n, 0.95) <= x / n <= upper_bound(x, n, 0.95) <= 1


@given(counts)
def test_bounds_are_symmetric_under_complement(count):
    x, n = count
    assert upper_bound(x, n, 0.9) == pytest.approx(1 - lower_bound(n - x, n, 0.9), abs=1e-12)
    mirrored = wilson_interval(n - x, n)
    assert wilson_interval(x, n) == pytest.approx((1 - mirrored[1], 1 - mirrored[0]), abs=1e-12)


@given(st.integers(1, 500))
def test_bounds_are_monotone_in_successes(n):
    xs = np.arange(n + 1.0)
    for bounds in (lower_bounds, upper_bounds):
        assert (np.diff(bounds(xs, np.float64(n))) > 0).all()


@given(counts)
def test_doubling_the_evidence_is_narrowing(count):
    x, n = count
    for interval in (wilson_interval, exact_interval):
        (low, high), (low2, high2) = interval(x, n), interval(2 * x, 2 * n)
        assert high2 - low2 < high - low


@given(counts)
def test_array_bounds_are_the_scalar_bounds(count):
    x, n = count
    pair = np.array([x]), np.array([n])
    assert lower_bounds(*pair)[0] == pytest.approx(lower_bound(x, n), rel=1e-12)
    assert upper_bounds(*pair)[0] == pytest.approx(upper_bound(x, n), rel=1e-12)


def test_display_is_exact_only_when_few_are_seen():
    assert display_interval(9, 100) == exact_interval(9, 100)
    assert display_interval(95, 100) == exact_interval(95, 100)
    assert display_interval(10, 100) == wilson_interval(10, 100)


def test_nothing_seen_is_nothing_known():
    assert (lower_bound(0, 0), upper_bound(0, 0)) == exact_interval(0, 0) == wilson_interval(0, 0) == (0, 1)


@pytest.mark.parametrize(("x", "n"), [(-1, 10), (11, 10), (float("nan"), 10), (1, float("inf"))])
def test_impossible_counts_are_refused(x, n):
    for call in (lower_bound, upper_bound, wilson_interval):
        with pytest.raises(ValueError, match="successes"):
            call(x, n)
    assert np.isnan(lower_bounds(np.array([11.0]), np.array([10.0]))).all()
    assert np.isnan(upper_bounds(np.array([-1.0]), np.array([10.0]))).all()


def test_confidence_outside_zero_to_one_is_refused():
    for bad in (0, 1, 95):
        with pytest.raises(ValueError, match="confidence"):
            lower_bound(5, 10, bad)
