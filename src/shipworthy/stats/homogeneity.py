"""How far two samples of categories differ: total variation distance, chi-square test of homogeneity."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc

__all__ = ["cases_for_width", "homogeneity", "total_variation"]


def total_variation(ours: ArrayLike, theirs: ArrayLike) -> float:
    """Return the total variation distance of two samples: the share that would have to be moved.

    Args:
        ours: Counts by category, shape (k,), not all 0.
        theirs: Counts of the same categories.

    Returns:
        Half the sum of absolute differences of shares, in [0, 1].

    >>> total_variation([90, 10], [50, 50])
    0.4
    """
    a, b = np.asarray(ours, float), np.asarray(theirs, float)
    return float(np.abs(a / a.sum() - b / b.sum()).sum() / 2)


def homogeneity(ours: ArrayLike, theirs: ArrayLike, least: float = 5.0) -> tuple[float, int, float]:
    """Return the chi-square test of whether two samples were drawn from one distribution.

    Categories in which fewer than `least` cases are expected on either side are taken together, the smallest
    first, because the chi-square approximation does not hold for them (Cochran 1954).

    Args:
        ours: Counts by category, shape (k,).
        theirs: Counts of the same categories.
        least: Smallest expected count of a cell.

    Returns:
        (statistic, degrees of freedom, p-value); (0, 0, 1) where fewer than two categories remain.

    >>> statistic, df, p = homogeneity([90, 10], [50, 50])
    >>> round(statistic, 2), df, p < 1e-8
    (38.1, 1, True)
    """
    table = np.array([np.asarray(ours, float), np.asarray(theirs, float)])
    if (table.sum(axis=1) == 0).any():
        return 0.0, 0, 1.0
    table = table[:, table.sum(axis=0) > 0]
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    smaller = table.sum(axis=1).min() / table.sum()
    while table.shape[1] > 1 and table[:, 0].sum() * smaller < least:
        table = np.concatenate([table[:, :1] + table[:, 1:2], table[:, 2:]], axis=1)
        table = table[:, np.argsort(table.sum(axis=0), kind="stable")]
    if table.shape[1] < 2:
        return 0.0, 0, 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    freedom = table.shape[1] - 1
    return statistic, freedom, float(chdtrc(freedom, statistic))


def cases_for_width(half_width: float, z: float) -> int:
    """Return the cases from which on no rate's Wilson interval is wider than a half width to either side.

    The interval is widest at a rate of one half, where its half width is z / (2 sqrt(n + z^2)).

    Args:
        half_width: Half of the interval's width, as a fraction of one, in (0, 0.5).
        z: Two-sided normal quantile of the level, such as 1.96.

    Returns:
        Number of cases.

    >>> cases_for_width(0.10, 1.959964), cases_for_width(0.05, 1.959964)
    (93, 381)
    """
    return max(1, int(np.ceil(z * z / (4 * half_width * half_width) - z * z)))
