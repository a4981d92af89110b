"""Repeats, refusals, wins, tokens, first tokens and kappa: published figures and hand counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from measuring_rows import measured
from shipworthy.errors import UsageError
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.evidence.metrics.reliability import CELLS, MOST_REPEATS, _cell
from shipworthy.tables.row_plan import Basis


def repeats(*passes_of: tuple[int, int]) -> list[dict[str, Any]]:
    """Return one case per (repeats, passes)."""
    return [
        {"case_id": f"c{case}", "repeat": repeat, "correct": int(repeat < passes)}
        for case, (n, passes) in enumerate(passes_of)
        for repeat in range(n)
    ]


@pytest.mark.parametrize(
    ("name", "n", "c", "value"),
    [
        # 37 of 200: the example of Chen et al. (2021); 7 of 10: by hand, C(7, k) / C(10, k).
        ("pass@1", 200, 37, 0.185),
        ("pass@10", 200, 37, 0.877375),
        ("pass^1", 10, 7, 0.7),
        ("pass^2", 10, 7, 0.4667),
        ("pass^3", 10, 7, 0.2917),
        ("pass^4", 10, 7, 0.1667),
    ],
)
def test_chances_over_repeats(connection: Any, name: str, n: int, c: int, value: float) -> None:
    # Two cases alike, because one alone has no interval.
    found = measured(connection, repeats((n, c), (n, c)), name, Basis.CORRECT)
    assert found.confidence.value == pytest.approx(value, abs=6e-5)
    assert found.n == 2


@given(st.integers(0, MOST_REPEATS), st.integers(0, MOST_REPEATS))
def test_every_number_of_repeats_and_passes_has_a_cell_of_its_own(first: int, second: int) -> None:
    n, other = max(first, second), min(first, second)
    assert 0 <= _cell(n, other) < CELLS
    assert _cell(n, n) + 1 == _cell(n + 1, 0)


def test_cases_with_too_few_repeats_are_left_out_and_too_many_are_refused(connection: Any) -> None:
    found = measured(connection, repeats((4, 4), (4, 2), (1, 0)), "pass^2", Basis.CORRECT)
    assert (found.n, found.confidence.value) == (2, pytest.approx((1 + 1 / 6) / 2))
    with pytest.raises(Unmeasurable, match="more than 255 repeats"):
        measured(connection, repeats((256, 200), (4, 2)), "pass@1", Basis.CORRECT)


def test_a_case_is_as_good_as_its_worst_repeat(connection: Any) -> None:
    rows = repeats((3, 3), (3, 2), (2, 2))
    assert measured(connection, rows, "worst_of_repeats", Basis.CORRECT).confidence.value == pytest.approx(
        2 / 3
    )
    scored = [row | {"reward": 0.1 * index} for index, row in enumerate(rows)]
    # The smallest rewards of the three cases are 0.0, 0.3 and 0.6; the largest 0.2, 0.5 and 0.7.
    assert measured(
        connection, scored, "mean_worst(reward)", Basis.CORRECT
    ).confidence.value == pytest.approx(0.3)
    lower = measured(connection, scored, "mean_worst(reward)", Basis.CORRECT, wanted={"reward": "lower"})
    assert lower.confidence.value == pytest.approx((0.2 + 0.5 + 0.7) / 3)


def test_refusals_are_the_named_values_and_a_failed_row_is_none(connection: Any) -> None:
    said = ["full", "Partial", "none", "none", None]
    rows = [{"case_id": str(i), "correct": 1, "refusal": word} for i, word in enumerate(said)]
    rows.append({"case_id": "f", "refusal": "full", "failed_reason": "timeout"})
    found = measured(connection, rows, "refusal_rate(refusal, full, partial)", Basis.CORRECT)
    assert (found.confidence.value, found.n) == (2 / 5, 5)
    with pytest.raises(UsageError, match="needs the column that says so"):
        measured(connection, rows, "refusal_rate", Basis.CORRECT)
    with pytest.raises(Unmeasurable, match="no column denied"):
        measured(connection, rows, "refusal_rate(denied)", Basis.CORRECT)


def test_wins_count_one_ties_half_and_failures_nothing(connection: Any) -> None:
    winners = ["ours", "ours", "Tie", "theirs", None]
    rows = [{"case_id": str(i), "correct": 1, "winner": word} for i, word in enumerate(winners)]
    rows.append({"case_id": "f", "winner": "ours", "failed_reason": "timeout"})
    found = measured(connection, rows, "win_rate(winner, ours)", Basis.CORRECT)
    assert (found.confidence.value, found.n) == (pytest.approx(2.5 / 5), 5)


def test_both_orders_of_a_pair_are_one_case(connection: Any) -> None:
    orders = [("ours", "ours"), ("ours", "theirs"), ("tie", "tie"), ("theirs", None)]
    rows = [
        {"case_id": str(i), "repeat": p, "correct": 1, "winner": word, "position": ("first", "second")[p]}
        for i, words in enumerate(orders)
        for p, word in enumerate(words)
    ]
    found = measured(connection, rows, "position_consistency(winner, position)", Basis.CORRECT)
    assert (found.confidence.value, found.n) == (pytest.approx(2 / 3), 3)
    apart = [row | {"case_id": str(index), "item": row["case_id"]} for index, row in enumerate(rows)]
    named = measured(connection, apart, "position_consistency(winner, position, item)", Basis.CORRECT)
    assert (named.n, named.confidence.value) == (found.n, found.confidence.value)
    wins = measured(connection, rows, "win_rate(winner, ours)", Basis.CORRECT)
    assert wins.n == 7
    assert "cluster" in wins.confidence.method


def test_tokens_are_those_read_and_written(connection: Any) -> None:
    rows = [{"case_id": str(i), "correct": 1, "tokens_in": 100 * i, "tokens_out": 10 * i} for i in range(5)]
    assert measured(connection, rows, "tokens", Basis.CORRECT).confidence.value == 220


def test_the_time_to_the_first_token_is_a_quantile_of_its_own_column(connection: Any) -> None:
    rows = [{"case_id": str(i), "correct": 1, "latency_ms": 9, "first_token_ms": i + 1} for i in range(400)]
    found = measured(connection, rows, "ttft_p95_ms", Basis.CORRECT, bars={"ttft": (400.0,)})
    assert found.confidence.value == pytest.approx(380, rel=0.005)
    with pytest.raises(Unmeasurable, match="no number first_token_ms"):
        measured(connection, [{"case_id": "1", "correct": 1}], "ttft_p95_ms", Basis.CORRECT)


@pytest.mark.parametrize("weights", ["none", "linear", "quadratic"])
def test_kappa_agrees_with_scikit_learn_and_orders_classes_by_number(connection: Any, weights: str) -> None:
    rng = np.random.default_rng(len(weights))
    label = rng.choice([1, 2, 5, 10], 120)
    said = np.where(rng.random(120) < 0.6, label, rng.choice([1, 2, 5, 10], 120))
    rows = [{"case_id": str(i), "label": label[i], "prediction": said[i]} for i in range(120)]
    found = measured(connection, rows, f"kappa({weights})", Basis.PREDICTION)
    theirs = cohen_kappa_score(label, said, weights=None if weights == "none" else weights)
    assert found.confidence.value == pytest.approx(theirs, abs=1e-12)


def test_kappa_of_a_perfect_table_is_not_called_certain(connection: Any) -> None:
    rows = [{"case_id": str(i), "label": "ab"[i % 2], "prediction": "ab"[i % 2]} for i in range(60)]
    found = measured(connection, rows, "kappa", Basis.PREDICTION)
    assert found.confidence.value == 1
    assert found.bound("lower", 0.95) < 0.99
    with pytest.raises(UsageError, match="no weights 'cubic'"):
        measured(connection, rows, "kappa(cubic)", Basis.PREDICTION)


def test_a_failed_row_disagrees(connection: Any) -> None:
    rows = [{"case_id": str(i), "label": "ab"[i % 2], "prediction": "ab"[i % 2]} for i in range(60)]
    rows[0] = {"case_id": "0", "label": "a", "failed_reason": "timeout"}
    assert measured(connection, rows, "kappa", Basis.PREDICTION).confidence.value < 1
