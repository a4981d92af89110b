from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.confidence import CountTableMean
from shipworthy.stats.paired import (
    PairedProportion,
    mcnemar_exact,
    mcnemar_mid_p,
    newcombe_paired_interval,
    tango_interval,
)

four = st.tuples(*[st.integers(0, 80)] * 4).filter(lambda cells: sum(cells) > 0)


# methods.md F3: R tests of contingencytables (cavo_2012, bentur_2009) and PropCIs (sign reversed).
def test_tango_is_that_of_r():
    assert tango_interval(6, 16, 161) == pytest.approx((-0.1240, -0.0054), abs=5e-5)
    assert tango_interval(1, 7, 21) == pytest.approx((-0.5172, -0.0260), abs=5e-5)
    assert tango_interval(28, 25, 618, 0.90) == pytest.approx((-0.0148, 0.0247), abs=5e-5)
    assert tango_interval(20, 60, 1000) == pytest.approx((-0.0584, -0.0231), abs=5e-5)
    # methods.md F4: Agresti, approval of the prime minister.
    assert tango_interval(150, 86, 1600) == pytest.approx((0.02136, 0.05900), abs=5e-6)


def test_newcombe_paired_is_that_of_r():
    assert newcombe_paired_interval(59, 6, 16, 80) == pytest.approx((-0.1186, -0.0046), abs=5e-5)
    assert newcombe_paired_interval(1, 1, 7, 12) == pytest.approx((-0.5069, -0.0256), abs=5e-5)


# methods.md F3 and F4 (statsmodels tests).
def test_mcnemar_is_that_of_r_and_statsmodels():
    assert mcnemar_exact(6, 16) == pytest.approx(0.052479, abs=5e-7)
    assert mcnemar_mid_p(6, 16) == pytest.approx(0.034690, abs=5e-7)
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703125, abs=1e-9)
    assert mcnemar_exact(121, 59) == pytest.approx(4e-06, abs=5e-7)
    assert mcnemar_exact(70, 59) == pytest.approx(0.378688, abs=5e-7)
    assert mcnemar_exact(80, 59) == pytest.approx(0.089452, abs=5e-7)
    assert mcnemar_exact(30, 60) == pytest.approx(0.00206, abs=5e-6)


def test_no_discordant_case_is_no_evidence():
    assert mcnemar_exact(0, 0) == mcnemar_mid_p(0, 0) == 1.0


@given(st.integers(0, 200), st.integers(0, 200))
def test_mid_p_is_below_the_exact_p_and_symmetric(b, c):
    assert 0 <= mcnemar_mid_p(b, c) <= mcnemar_exact(b, c) <= 1
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)


@given(four)
def test_paired_intervals_are_around_the_difference_and_antisymmetric(cells):
    a, b, c, d = cells
    n = sum(cells)
    for interval, mirrored in [
        (tango_interval(b, c, n), tango_interval(c, b, n)),
        (newcombe_paired_interval(a, b, c, d), newcombe_paired_interval(a, c, b, d)),
    ]:
        assert -1 <= interval[0] <= (b - c) / n <= interval[1] <= 1
        assert interval == pytest.approx((-mirrored[1], -mirrored[0]), abs=1e-9)


def test_paired_proportion_is_bounded_as_a_mean_of_three_values():
    pair = PairedProportion(59, 6, 16, 80)
    mean = CountTableMean([16, 139, 6], [-1, 0, 1])
    assert pair.bound("lower", 0.95) == mean.bound("lower", 0.95) < pair.value < pair.bound("upper", 0.95)
    assert pair.interval() == tango_interval(6, 16, 161)
    assert pair.standard_error == pytest.approx(((22 / 161 - (10 / 161) ** 2) / 161) ** 0.5)


@pytest.mark.parametrize("call", [lambda: tango_interval(3, 4, 6), lambda: PairedProportion(0, 0, 0, 0)])
def test_impossible_pairs_are_refused(call):
    with pytest.raises(ValueError, match="needs"):
        call()
