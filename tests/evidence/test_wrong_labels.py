"""Beside a demanding bar stands how much wrong labelling it survives."""

from __future__ import annotations

from typing import Any

import pytest


def noted(product: Any, rule: str, right: int, n: int = 500) -> str:
    rows = [
        {"case_id": str(index), "label": "a", "prediction": "a" if index < right else "b"}
        for index in range(n)
    ]
    rows[0] |= {"label": "b", "prediction": "b"}
    made = product(
        {"golden.jsonl": rows},
        golden={"path": "golden.jsonl", "positive": ["a"], "sampled": "random"},
        systems={"candidate": {"recorded": "golden.jsonl"}},
        gates=[rule],
    )
    (gate,) = made.decide().decision.evidence.gates
    return next((note for note in gate.notes if note.startswith("If more than")), "")


def test_a_perfect_systems_limit_is_said(product: Any) -> None:
    # By hand: 1 - 0.98; and 496 of 500 prove it, where a binomial with 0.934% has its median at 4 errors.
    said = noted(product, "accuracy >= 98%", 499)
    assert "more than 2.0% of the labels it counts are wrong, even a perfect system is seen below" in said
    assert "on 500 rows it has an even chance to prove it up to 0.93%" in said


def test_met_stands_as_far_as_the_bound_lies_from_the_bar(product: Any) -> None:
    # Exact lower bound of 500 of 500 at 95%: 0.05 ** (1/500) = 0.99403; less 0.98 is 1.4%.
    assert "Met stands while no more than 1.4% of them are wrong in its favour." in noted(
        product, "accuracy >= 98%", 500
    )


def test_what_falls_short_is_explained_by_so_many_wrong_labels(product: Any) -> None:
    # By hand: (0.98 - 0.95) / (2 * 0.98 - 1) = 3.125%. Exact upper bound of 475 of 500 is 96.5%, so 1.5%.
    said = noted(product, "accuracy >= 98%", 475)
    assert "with 3.1% wrong at random" in said
    assert "Not met stands while no more than 1.5% of them are wrong against it." in said


def test_rates_of_errors_are_turned_round(product: Any) -> None:
    # By hand: the same 2%; recall counts the rows labelled a alone, so nothing is said of what stands.
    said = noted(product, "fnr <= 2%", 499)
    assert "more than 2.0% of the labels it counts are wrong, even a perfect system is seen above" in said
    assert "stands" not in said


@pytest.mark.parametrize("rule", ["accuracy >= 95%", "failed_share <= 1%", "selection_rate <= 1%"])
def test_nothing_is_said_where_no_label_counts_or_the_bar_leaves_room(product: Any, rule: str) -> None:
    assert noted(product, rule, 480) == ""
