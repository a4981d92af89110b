"""Coverage of a catalogue: bounds that hold whatever the draws look like."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.coverage import Coverage


def shown(rng: np.random.Generator, queries: int, items: int, k: int, popular: float) -> int:
    chance = 1 / np.arange(1, items + 1) ** popular
    chance /= chance.sum()
    return len({int(i) for _q in range(queries) for i in rng.choice(items, k, replace=False, p=chance)})


@pytest.mark.parametrize("popular", [0.0, 1.0])
def test_the_lower_bound_is_seldom_above_the_expected_coverage(popular: float) -> None:
    rng = np.random.default_rng(7)
    queries, items, k = 40, 300, 5
    found = [shown(rng, queries, items, k, popular) for _run in range(300)]
    expected = float(np.mean(found)) / items
    over = [Coverage(n, items, np.full(queries, float(k))).bound("lower", 0.95) > expected for n in found]
    assert np.mean(over) <= 0.05


def test_bounds_are_those_of_mcdiarmid() -> None:
    # sqrt(100 * 10^2 * ln(20) / 2) / 1000 = 0.12238...
    found = Coverage(500, 1000, np.full(100, 10.0))
    assert found.bound("lower", 0.95) == pytest.approx(0.5 - 0.12239, abs=1e-5)
    assert found.interval(0.90) == pytest.approx((0.5 - 0.12239, 0.5 + 0.12239), abs=1e-5)
    assert found.quantiles("lower", np.array([0.05, 0.5])).tolist() == sorted(
        found.quantiles("lower", np.array([0.05, 0.5])).tolist()
    )


def test_bounds_stay_within_nothing_and_everything() -> None:
    found = Coverage(999, 1000, np.full(500, 10.0))
    assert found.bound("upper", 0.95) == 1
    assert Coverage(1, 1000, np.full(500, 10.0)).bound("lower", 0.95) == 0


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be reached"):
        Coverage(5, 4, np.ones(1))
    with pytest.raises(ValueError, match="at least one draw"):
        Coverage(1, 4, np.zeros(0))
