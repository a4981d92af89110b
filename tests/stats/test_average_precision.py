"""Average precision: its variance is the one that samples show, and its bounds move the right way."""

from __future__ import annotations

import numpy as np
import pytest

from shipworthy.stats.average_precision import AveragePrecision, average_precision, average_precision_bounds


def sample(rng: np.random.Generator, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    label = rng.random(n) < 0.3
    score = np.clip(np.round(rng.normal(label, 1.2) * 10) + 60, 0, 140).astype(int)
    return np.bincount(score, label, 141), np.bincount(score, ~label, 141)


def test_the_variance_is_the_spread_of_samples() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([average_precision(*sample(rng)) for _ in range(1_500)])
    assert drawn[:, 1].mean() == pytest.approx(drawn[:, 0].var(), rel=0.12)


@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_truth_at_the_bound_passes_at_most_one_time_in_twenty(side: str) -> None:
    rng = np.random.default_rng(1)
    truth = float(average_precision(*sample(rng, 400_000))[0])
    beyond = [AveragePrecision(*sample(rng, 120)).bound(side, 0.95) - truth for _ in range(400)]  # type: ignore[arg-type]
    wrong = np.mean(np.array(beyond) > 0) if side == "lower" else np.mean(np.array(beyond) < 0)
    assert wrong <= 0.05


def test_the_interval_holds_the_value_and_a_perfect_ranking_is_not_certain() -> None:
    perfect = AveragePrecision([0, 0, 12], [30, 5, 0])  # type: ignore[arg-type]
    low, high = perfect.interval()
    assert perfect.value == high == 1.0
    # 12 of 12 leave 73.5% as the lower end of an exact interval.
    assert low == pytest.approx(0.735, abs=0.002)
    assert 0.4 < perfect.bound("lower", 0.95) < 0.9
    assert perfect.standard_error > 0


def test_bins_of_one_score_leave_only_the_order_of_ties_open() -> None:
    positives, negatives = np.array([0.0, 1, 1]), np.array([3.0, 0, 0])
    low, high = average_precision_bounds(positives, negatives)
    assert float(low) == float(high) == float(average_precision(positives, negatives)[0]) == 1.0


def test_impossible_tables_are_refused() -> None:
    for positives, negatives in (([0, 0], [1, 1]), ([1, -1], [1, 1]), ([1], [1, 1]), ([1, 1], [0, 0])):
        with pytest.raises(ValueError, match="average precision needs"):
            AveragePrecision(positives, negatives)  # type: ignore[arg-type]
