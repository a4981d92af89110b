"""Calibration of predicted chances from a reliability table (per bin: n, sum predicted, sum actual)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def plug_in(
    n: NDArray[np.float64], sum_predicted: NDArray[np.float64], sum_actual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Root mean squared calibration error as seen in the bins; biased upward, most with few cases per bin.

    Args:
        n: Cases in each bin, shape (..., bins).
        sum_predicted: Sum of predicted chances in each bin, same shape.
        sum_actual: Number of cases in each bin where it happened, same shape.

    Returns:
        The error, 0 to 1, shape (...); nan when there is no case.

    >>> float(plug_in([10, 10], [2.0, 8.0], [3.0, 8.0])).__round__(4)
    0.0707
    """
    return np.sqrt(_squared_error(n, sum_predicted, sum_actual, corrections=0.0))


def debiased_calibration_error(
    n: NDArray[np.float64], sum_predicted: NDArray[np.float64], sum_actual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Root of the debiased mean squared calibration error, 0 when noise alone explains what was seen.

    From each bin's squared gap the sampling variance of its rate is taken away. A bin with a single case
    has no variance to take away and keeps its squared gap, which counts against calibration.

    Args:
        n: Cases in each bin, shape (..., bins).
        sum_predicted: Sum of predicted chances in each bin, same shape.
        sum_actual: Number of cases in each bin where it happened, same shape.

    Returns:
        The error, 0 to 1, shape (...); nan when there is no case.

    Source: Kumar, Liang and Ma (2019), NeurIPS, "Verified uncertainty calibration".

    >>> float(debiased_calibration_error([10, 10], [2.0, 8.0], [3.0, 8.0]))
    0.0
    """
    return np.sqrt(np.maximum(0.0, _squared_error(n, sum_predicted, sum_actual, corrections=1.0)))


def resampled_calibration_error(
    mean_predicted: NDArray[np.float64],
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Debiased calibration error as a function of resampled count tables, for `TableFunction`.

    A drawn table carries the sampling noise twice, once from the data and once from the drawing, so the
    variance is taken away twice; otherwise the draws would gather around a value above the estimate.

    Args:
        mean_predicted: Mean predicted chance in each bin, shape (bins,).

    Returns:
        A function from tables of shape (draws, 2 * bins), cells ordered (bin 0: did not happen, happened;
        bin 1: ...), to errors of shape (draws,).

    >>> statistic = resampled_calibration_error([0.2, 0.8])
    >>> statistic(np.array([[900.0, 100.0, 200.0, 800.0]])).round(3).tolist()
    [0.069]
    """
    predicted = np.asarray(mean_predicted, dtype=np.float64)

    def statistic(tables: NDArray[np.float64]) -> NDArray[np.float64]:
        cells = tables.reshape(tables.shape[0], predicted.size, 2)
        n = cells.sum(-1)
        squared = _squared_error(n, n * predicted, cells[..., 1], corrections=2.0)
        return np.asarray(np.sqrt(np.maximum(0.0, squared)))

    return statistic


def _squared_error(
    n: NDArray[np.float64],
    sum_predicted: NDArray[np.float64],
    sum_actual: NDArray[np.float64],
    corrections: float,
) -> NDArray[np.float64]:
    cases = np.asarray(n, dtype=np.float64)
    filled = np.where(cases > 0, cases, 1.0)
    predicted, rate = np.asarray(sum_predicted) / filled, np.asarray(sum_actual) / filled
    noise = np.where(cases > 1, rate * (1 - rate) / np.where(cases > 1, cases - 1, 1.0), 0.0)
    total = cases.sum(-1)
    summed = (cases * ((predicted - rate) ** 2 - corrections * noise)).sum(-1)
    with np.errstate(invalid="ignore"):
        return np.asarray(summed / total, dtype=np.float64)
