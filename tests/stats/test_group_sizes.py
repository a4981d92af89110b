"""What ratio two groups can prove: the definition holds at the edge, and more cases never ask for more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.stats.confidence import Proportion, Ratio
from shipworthy.stats.group_sizes import largest_provable_ratio, smallest_provable_ratio

sizes = st.integers(1, 400)
rates = st.integers(1, 20).map(lambda twentieths: twentieths / 20)


def bound(ratio: float, n: int, rate: float, reference_n: int, side: str) -> float:
    group = Proportion(round(ratio * rate * n), n)
    return Ratio(group, Proportion(rate * reference_n, reference_n)).bound(side, 0.95)  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(n=sizes, rate=rates, reference_n=sizes)
def test_the_smallest_ratio_proves_the_bar_and_one_case_less_does_not(
    n: int, rate: float, reference_n: int
) -> None:
    found = smallest_provable_ratio(0.8, n, rate, reference_n)
    if found is None:
        assert bound(1 / rate, n, rate, reference_n, "lower") < 0.8
        return
    assert bound(found, n, rate, reference_n, "lower") >= 0.8
    assert bound(found - 1 / (n * rate), n, rate, reference_n, "lower") < 0.8
    assert found > 0.8


@settings(max_examples=30, deadline=None)
@given(n=sizes, rate=rates, reference_n=sizes)
def test_the_largest_ratio_proves_the_bar_and_one_case_more_does_not(
    n: int, rate: float, reference_n: int
) -> None:
    found = largest_provable_ratio(1.25, n, rate, reference_n)
    if found is None:
        assert bound(0.0, n, rate, reference_n, "upper") > 1.25
        return
    assert bound(found, n, rate, reference_n, "upper") <= 1.25
    assert found < 1.25


def test_more_cases_prove_a_ratio_nearer_to_the_bar() -> None:
    found = [smallest_provable_ratio(0.8, n, 0.45, n) for n in (100, 500, 2_500, 12_500)]
    assert all(ratio is not None for ratio in found)
    assert found == sorted(found, reverse=True)
    assert 0.8 < found[-1] < 0.83


def test_approval_of_45_percent_and_groups_of_500_need_a_ratio_of_0_91() -> None:
    """On the log scale: 0.8 exp(1.645 sqrt(0.592 / 204 + 0.55 / 225)) = 0.905, and whole cases round up."""
    assert smallest_provable_ratio(0.8, 500, 0.45, 500) == pytest.approx(0.907, abs=0.001)


@pytest.mark.parametrize("wrong", [{"bar": 0.0}, {"n": 0}, {"reference_n": 0}, {"reference_rate": 0.0}])
def test_groups_without_cases_and_rates_of_zero_are_refused(wrong: dict[str, float]) -> None:
    arguments = {"bar": 0.8, "n": 50, "reference_rate": 0.5, "reference_n": 50} | wrong
    for function in (smallest_provable_ratio, largest_provable_ratio):
        with pytest.raises(ValueError, match="above 0"):
            function(**arguments)  # type: ignore[arg-type]
