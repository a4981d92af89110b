from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.stats.multiplicity import benjamini_hochberg, chance_one_passes, holm

# Benjamini and Hochberg (1995), 15 p-values (methods.md F12).
PAPER = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
PAPER += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def test_rejections_are_those_of_the_paper():
    assert (benjamini_hochberg(PAPER) <= 0.05).sum() == 4
    assert (holm(PAPER) <= 0.05).sum() == 3


@given(p_values)
def test_holm_is_at_least_as_strict_as_benjamini_hochberg(ps):
    assert (np.array(ps) <= benjamini_hochberg(ps) + 1e-15).all()
    assert (benjamini_hochberg(ps) <= holm(ps) + 1e-12).all()
    assert (holm(ps) <= 1).all()


@given(p_values, st.randoms())
def test_order_is_of_no_consequence(ps, random):
    order = list(range(len(ps)))
    random.shuffle(order)
    for adjust in (holm, benjamini_hochberg):
        assert adjust(np.array(ps)[order]) == pytest.approx(adjust(ps)[order])


def test_benjamini_hochberg_is_that_of_scipy():
    from scipy.stats import false_discovery_control

    assert benjamini_hochberg(PAPER) == pytest.approx(false_discovery_control(PAPER))


def test_no_p_value_is_no_finding():
    assert holm([]).size == benjamini_hochberg([]).size == 0


def test_one_of_ten_candidates_at_the_bar_passes_up_to_40_percent():
    assert chance_one_passes(10, 0.05) == pytest.approx(0.401, abs=5e-4)  # totals.md
    assert chance_one_passes(0, 0.05) == 0


def test_wrong_probabilities_are_refused():
    with pytest.raises(ValueError, match="p-values"):
        holm([0.5, 1.5])
    with pytest.raises(ValueError, match="risk"):
        chance_one_passes(3, 2.0)
