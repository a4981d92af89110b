"""Errors of predicted numbers: scikit-learn's figures, traps, and how often their gates are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from measuring_rows import measured
from shipworthy.errors import UsageError
from shipworthy.evidence.metric import Unmeasurable
from shipworthy.evidence.metrics.regression import Determination


def records(label: np.ndarray, prediction: np.ndarray, **columns: np.ndarray) -> list[dict[str, Any]]:
    return [
        {
            "case_id": str(index),
            "label": repr(float(label[index])),
            "prediction": repr(float(prediction[index])),
            **{name: repr(float(values[index])) for name, values in columns.items()},
        }
        for index in range(len(label))
    ]


@pytest.mark.parametrize("seed", range(5))
def test_errors_agree_with_scikit_learn(connection: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = rng.normal(100, 30, 80)
    prediction = label + rng.normal(0, 12, 80)
    p90 = prediction + 15
    rows = records(label, prediction, p90=p90)
    wanted = {
        "mae": sk.mean_absolute_error(label, prediction),
        "rmse": sk.root_mean_squared_error(label, prediction),
        "mape": sk.mean_absolute_percentage_error(label, prediction),
        "r2": sk.r2_score(label, prediction),
        "pinball(0.3)": sk.mean_pinball_loss(label, prediction, alpha=0.3),
        "pinball(0.9, p90)": sk.mean_pinball_loss(label, p90, alpha=0.9),
    }
    for name, value in wanted.items():
        assert measured(connection, rows, name).confidence.value == pytest.approx(value, rel=1e-10), name


def test_a_range_covers_its_ends_and_a_failed_row_or_a_missing_range_covers_nothing(connection: Any) -> None:
    rows: list[dict[str, Any]] = [
        {"case_id": "1", "label": 5, "prediction": 5, "low": 5, "high": 9},
        {"case_id": "2", "label": 9, "prediction": 5, "low": 5, "high": 9},
        {"case_id": "3", "label": 10, "prediction": 5, "low": 5, "high": 9},
        {"case_id": "4", "label": 7, "prediction": 5, "low": 5, "high": None},
        {"case_id": "5", "label": 7, "prediction": 5, "low": 5, "high": 9, "failed_reason": "timeout"},
    ]
    found = measured(connection, rows, "interval_coverage(low, high)")
    assert (found.confidence.value, found.n) == (2 / 5, 5)
    assert measured(connection, rows, "interval_width(low, high)").confidence.value == 4


def test_a_failed_row_has_no_error_even_where_it_gave_a_number(connection: Any) -> None:
    rows = records(np.array([1.0, 2.0, 3.0, 50.0]), np.array([2.0, 2.0, 2.0, 0.0]))
    rows[3]["failed_reason"] = "timeout"
    for name in ("mae", "rmse", "mape", "r2", "pinball(0.5)"):
        assert measured(connection, rows, name).n == 3, name


def test_a_label_of_zero_makes_a_percentage_unknown_and_says_what_to_do(connection: Any) -> None:
    rows = records(np.array([1.0, 0.0, 3.0]), np.array([2.0, 2.0, 2.0]))
    with pytest.raises(Unmeasurable, match=r"rows: 1\); gate mae, or say which rows: mape\[label != 0\]"):
        measured(connection, rows, "mape")


def test_labels_that_do_not_vary_leave_nothing_to_explain(connection: Any) -> None:
    for label in (np.full(9, 4.0), 1e9 + np.arange(9.0)):
        with pytest.raises(Unmeasurable, match="labels are all alike"):
            measured(connection, records(label, label + np.arange(9.0)), "r2")


def test_exact_predictions_give_no_interval_for_r2(connection: Any) -> None:
    with pytest.raises(Unmeasurable, match="every prediction exact"):
        measured(connection, records(np.arange(9.0), np.arange(9.0)), "r2")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pinball", "needs a quantile between 0 and 1"),
        ("pinball(p90)", "needs a quantile between 0 and 1"),
        ("pinball(1.5)", "needs a quantile between 0 and 1"),
        ("interval_coverage(low)", "needs the columns of both ends"),
        ("interval_width", "needs the columns of both ends"),
    ],
)
def test_a_wrong_call_says_how_it_is_written(connection: Any, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        measured(connection, records(np.arange(9.0), np.arange(9.0), low=np.arange(9.0)), name)


def test_classes_are_no_numbers(connection: Any) -> None:
    rows = [{"case_id": str(i), "label": "yes", "prediction": "no"} for i in range(4)]
    for name in ("mae", "rmse", "r2", "mape", "pinball(0.5)"):
        with pytest.raises(Unmeasurable, match="classes, not numbers"):
            measured(connection, rows, name, "prediction")


def sums_of(label: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, ...]:
    squared = (prediction - label) ** 2
    parts = (
        np.ones_like(label), squared, label, label**2, squared**2,
        squared * label, squared * label**2, label**3, label**4,
    )  # fmt: skip
    return tuple(np.asarray(part.sum()) for part in parts)


def determination(label: np.ndarray, prediction: np.ndarray) -> Any:
    from shipworthy.tables.totals import Total

    metric = Determination("r2", "number", "higher", Total())
    return metric.independent(np.asarray(float(len(label))), sums_of(label, prediction))


def test_the_error_of_r2_is_that_of_the_jackknife() -> None:
    rng = np.random.default_rng(2)
    label = rng.normal(300, 40, 400)
    prediction = label + rng.normal(0, 25, 400)
    without = [
        sk.r2_score(np.delete(label, index), np.delete(prediction, index)) for index in range(len(label))
    ]
    jackknife = np.sqrt((len(label) - 1) / len(label) * ((without - np.mean(without)) ** 2).sum())
    assert determination(label, prediction).standard_error == pytest.approx(jackknife, rel=0.02)


@pytest.mark.parametrize("n", [100, 400])
def test_a_gate_on_r2_passes_what_is_exactly_at_the_bar_about_as_seldom_as_it_says(n: int) -> None:
    """Normal labels and errors: the truth is 1 - 20^2 / 40^2 = 0.75."""
    rng = np.random.default_rng(n)
    passed = 0
    for _run in range(2_000):
        label = rng.normal(300, 40, n)
        passed += determination(label, label + rng.normal(0, 20, n)).bound("lower", 0.95) > 0.75
    # A stated 5%; 2,000 runs have a standard error of half a point.
    assert passed / 2_000 <= 0.065
