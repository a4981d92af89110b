"""Coverage of a catalogue: bounds that hold whatever the draws look like."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.coverage import Coverage


def shown(rng: np.random.Generator, queries: int, items: int, k: int, popular: float) -> int:
    chance = 1 / np.arange(1, items + 1) ** popular
    chance /= chance.sum()
    return len({int(i) for _q in range(queries) for i in rng.choice(items, k, replace=False, p=chance)})


@pytest.mark.parametrize(
    ("queries", "items", "popular"), [(40, 300, 0.0), (40, 300, 1.0), (200, 60, 1.0), (60, 6, 2.0)]
)
def test_bounds_are_seldom_on_the_wrong_side_of_the_expected_coverage(
    queries: int, items: int, popular: float
) -> None:
    rng = np.random.default_rng(7)
    k = 5
    found = [shown(rng, queries, items, k, popular) for _run in range(200)]
    expected = float(np.mean(found)) / items
    bounds = [Coverage(n, items, np.full(queries, float(k))) for n in found]
    assert np.mean([each.bound("lower", 0.95) > expected for each in bounds]) <= 0.05
    assert np.mean([each.bound("upper", 0.95) < expected for each in bounds]) <= 0.05


def test_many_draws_are_bounded_by_what_they_reach_alone() -> None:
    """A Poisson with the mean m has at least z with a chance of at most exp(z - m - z log(z / m))."""
    reached, unit = 950 / 10, 10 / 1000
    found = Coverage(950, 1000, np.full(2000, 10.0))
    mean = found.bound("lower", 0.95) / unit
    assert mean < reached
    assert np.exp(reached - mean - reached * np.log(reached / mean)) == pytest.approx(0.05)
    # By bounded differences alone the bound would be 0.403.
    assert found.bound("lower", 0.95) == pytest.approx(0.731, abs=5e-4)


def test_few_items_reached_by_many_draws_bound_from_above_too() -> None:
    found = Coverage(20, 1000, np.full(2000, 10.0))
    mean = found.bound("upper", 0.95) * 1000 / 10
    assert np.exp(2 - mean - 2 * np.log(2 / mean)) == pytest.approx(0.05)
    # Nothing reached: exp(-m) is 0.05 at 2.9957 draws' worth.
    assert Coverage(0, 1000, np.full(2000, 10.0)).bound("upper", 0.95) == pytest.approx(0.029957, abs=1e-6)


def test_bounds_of_few_draws_are_those_of_mcdiarmid() -> None:
    # sqrt(100 * 10^2 * ln(20) / 2) / 1000 = 0.12238...
    found = Coverage(900, 1000, np.full(100, 10.0))
    assert found.bound("lower", 0.95) == pytest.approx(0.9 - 0.12239, abs=1e-5)
    assert found.interval(0.90) == pytest.approx((0.9 - 0.12239, 1.0), abs=1e-5)
    assert found.quantiles("lower", np.array([0.05, 0.5])).tolist() == sorted(
        found.quantiles("lower", np.array([0.05, 0.5])).tolist()
    )


def test_bounds_stay_within_nothing_and_everything() -> None:
    found = Coverage(999, 1000, np.full(500, 10.0))
    assert found.bound("upper", 0.95) == 1
    assert Coverage(1, 1000, np.full(500, 10.0)).bound("lower", 0.95) == pytest.approx(0, abs=1e-12)


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be reached"):
        Coverage(5, 4, np.ones(1))
    with pytest.raises(ValueError, match="at least one draw"):
        Coverage(1, 4, np.zeros(0))
