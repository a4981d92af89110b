from __future__ import annotations

import math

import numpy as np
import pytest

from shipworthy.stats.calibration import debiased_calibration_error, plug_in, resampled_calibration_error
from shipworthy.stats.confidence import TableFunction


def test_perfect_calibration_is_zero_after_debiasing_not_before():
    # methods.md A7: a calibrated set of 2,000 shows a plug-in error near .09 with many bins, debiased near 0.
    rng = np.random.default_rng(8)
    n, predicted = np.full(100, 20), (np.arange(100) + 0.5) / 100
    happened = rng.binomial(n, predicted, size=(300, 100))
    assert plug_in(n, n * predicted, happened).mean() == pytest.approx(0.09, abs=0.01)
    squares = debiased_calibration_error(n, n * predicted, happened) ** 2
    assert np.median(squares) < 0.0005


def test_debiased_squares_are_unbiased_before_the_root():
    rng = np.random.default_rng(9)
    n, predicted, truth = np.full(10, 200), np.linspace(0.1, 0.8, 10), np.linspace(0.2, 0.9, 10)
    happened = rng.binomial(n, truth, size=(4000, 10))
    squares = debiased_calibration_error(n, n * predicted, happened) ** 2
    assert squares.mean() == pytest.approx(0.01, abs=0.0001)


def test_formula_is_that_of_kumar():
    # 0.5 * [(0.2 - 0.3)^2 - 0.3 * 0.7 / 99] + 0.5 * [(0.8 - 0.8)^2 - 0.8 * 0.2 / 99], by hand.
    expected = math.sqrt(0.5 * (0.01 - 0.21 / 99) + 0.5 * (-0.16 / 99))
    assert float(debiased_calibration_error([100, 100], [20, 80], [30, 80])) == pytest.approx(expected)
    assert float(plug_in([100, 100], [20, 80], [30, 80])) == pytest.approx(math.sqrt(0.005))


def test_empty_bins_are_ignored_and_no_case_is_unknown():
    assert float(plug_in([10, 0], [2.0, 0.0], [3, 0])) == pytest.approx(0.1)
    assert math.isnan(float(debiased_calibration_error([0, 0], [0, 0], [0, 0])))


def test_a_bin_of_one_case_counts_against():
    assert float(debiased_calibration_error([1], [0.3], [1])) == pytest.approx(0.7)


def test_calibration_bound_holds_its_risk():
    rng = np.random.default_rng(10)
    predicted = np.linspace(0.05, 0.95, 10)
    truth = np.clip(predicted + 0.05, 0, 1)
    bar, passed = math.sqrt(np.mean((predicted - truth) ** 2)), 0
    for _ in range(120):
        n = rng.multinomial(1000, np.full(10, 0.1))
        y = rng.binomial(n, truth)
        value = float(debiased_calibration_error(n, n * predicted, y))
        cells = np.column_stack([n - y, y]).ravel()
        table = TableFunction(cells, resampled_calibration_error(predicted), value)
        passed += table.bound("upper", 0.95) <= bar
    assert passed / 120 <= 0.05 + 0.05
