from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.two_samples import miettinen_nurminen_interval, newcombe_interval

arm = st.integers(1, 150).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


# methods.md section 0, item 1: R (PropCIs, contingencytables) and Newcombe (1998).
def test_miettinen_nurminen_is_that_of_r():
    assert miettinen_nurminen_interval(7, 34, 1, 34) == pytest.approx((0.0270416, 0.3452912), abs=5e-7)
    assert miettinen_nurminen_interval(56, 70, 48, 80) == pytest.approx((0.0528, 0.3382), abs=5e-5)


def test_without_correction_it_is_mee():
    mee = miettinen_nurminen_interval(7, 34, 1, 34, correction=False)
    assert mee == pytest.approx((0.0284, 0.3439), abs=5e-5)


# Newcombe (1998), table II, method 10: case (a) 56/70 v 48/80; contingencytables: 7/34 v 1/34.
def test_newcombe_is_that_of_the_paper():
    assert newcombe_interval(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe_interval(7, 34, 1, 34) == pytest.approx((0.0189, 0.3404), abs=5e-5)


@given(arm, arm)
def test_intervals_are_around_the_difference_and_antisymmetric(first, second):
    observed = first[0] / first[1] - second[0] / second[1]
    for interval in (newcombe_interval, miettinen_nurminen_interval):
        low, high = interval(*first, *second)
        assert -1 <= low <= observed <= high <= 1
        assert interval(*second, *first) == pytest.approx((-high, -low), abs=1e-9)


# methods.md section 0: tables on which statsmodels raises; and empty cells.
@pytest.mark.parametrize(
    "table", [(9, 10, 3, 10), (6, 7, 2, 7), (5, 56, 0, 29), (0, 10, 0, 20), (10, 10, 0, 20)]
)
def test_hard_tables_have_an_interval(table):
    low, high = miettinen_nurminen_interval(*table)
    assert -1 <= low < high <= 1


def test_restricted_rate_is_the_most_likely_one():
    import numpy as np

    from shipworthy.stats.two_samples import _restricted_rate

    for x1, n1, x2, n2, d in [
        (7, 34, 1, 34, 0.1),
        (5, 56, 0, 29, -0.2),
        (9, 10, 3, 10, 0.3),
        (1, 9, 8, 9, 0.0),
    ]:
        grid = np.linspace(max(0, -d) + 1e-9, min(1, 1 - d) - 1e-9, 200_001)
        likelihood = x1 * np.log(grid + d) + (n1 - x1) * np.log1p(-grid - d)
        likelihood += x2 * np.log(grid) + (n2 - x2) * np.log1p(-grid)
        assert _restricted_rate(x1, n1, x2, n2, d) == pytest.approx(grid[likelihood.argmax()], abs=1e-5)


def test_an_empty_sample_is_refused():
    with pytest.raises(ValueError, match="both samples"):
        newcombe_interval(0, 0, 1, 2)
