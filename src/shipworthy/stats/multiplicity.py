"""Several questions at once: adjusted p-values and the chance that one of many passes by luck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's step-down adjusted p-values, which hold the chance of any false finding.

    Args:
        p_values: One-dimensional, each 0 to 1.

    Returns:
        Adjusted p-values in the order given, 0 to 1.

    Raises:
        ValueError: If a p-value is outside 0 to 1 or the array is not one-dimensional.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(p.size, 0, -1)
    return _restore(np.minimum(1.0, np.maximum.accumulate(steps)), order)


def benjamini_hochberg(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Benjamini and Hochberg's adjusted p-values, which hold the share of false findings.

    Args:
        p_values: One-dimensional, each 0 to 1.

    Returns:
        Adjusted p-values in the order given, 0 to 1.

    Raises:
        ValueError: If a p-value is outside 0 to 1 or the array is not one-dimensional.

    Source: Benjamini and Hochberg (1995), JRSS B 57.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    steps = p[order] * p.size / np.arange(1, p.size + 1)
    return _restore(np.minimum(1.0, np.minimum.accumulate(steps[::-1])[::-1]), order)


def chance_one_passes(candidates: int, risk: float) -> float:
    """Chance that at least one of several independent candidates passes, each with the same risk.

    Args:
        candidates: Number of candidates, at least 0.
        risk: Chance that one of them passes wrongly, 0 to 1.

    Returns:
        The chance, 0 to 1; dependence between candidates only lowers it below their summed risks.

    Raises:
        ValueError: If the number is negative or the risk is outside 0 to 1.

    >>> round(chance_one_passes(10, 0.05), 3)
    0.401
    """
    if candidates < 0 or not 0 <= risk <= 1:
        raise ValueError(f"needs candidates >= 0 and a risk within 0 to 1, got {candidates} and {risk}")
    return float(1.0 - (1.0 - risk) ** candidates)


def _checked(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be a one-dimensional array of numbers from 0 to 1")
    return p


def _restore(sorted_values: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    restored = np.empty_like(sorted_values)
    restored[order] = sorted_values
    return restored
