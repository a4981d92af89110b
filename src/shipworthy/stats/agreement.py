"""How far raters agree beyond chance: Cohen's and Fleiss' kappa, Krippendorff's alpha."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shipworthy.stats.confidence import Confidence, Normal
from shipworthy.stats.mapped import Mapped

__all__ = [
    "Level",
    "Weights",
    "agreeing_pairs",
    "alpha_confident",
    "class_distances",
    "cohen_confident",
    "cohen_kappa",
    "coincidences",
    "fleiss_confident",
    "fleiss_kappa",
    "kappa_of",
    "krippendorff_alpha",
    "summed_coincidences",
]

Array = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval", "ratio"]
Weights = Literal["none", "linear", "quadratic"]

#: Above this many distinct items the jackknife leaves out one of this many groups instead of one item,
#: and fewer where an item adds so many numbers that the groups would not fit in memory.
_GROUPS = 1_000
_FEWEST_GROUPS = 100
_NUMBERS = 4_000_000


def cohen_kappa(table: Array, weights: Weights = "none") -> Array:
    """Return Cohen's kappa of two raters, NaN where chance alone would agree in everything.

    Args:
        table: (..., classes, classes) counts, one rater's classes by the other's.
        weights: Whether near misses count in part: "none", "linear" or "quadratic" in the classes' order.

    Returns:
        (...) kappas, at most 1.

    Source: Cohen (1960), Educational and Psychological Measurement 20; Cohen (1968), Psych. Bulletin 70.

    >>> round(float(cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))), 6)
    0.4
    """
    return kappa_of(table, class_distances(table.shape[-1], weights))


def class_distances(classes: int, weights: Weights) -> Array:
    """Return how wrong it is to say one class for another: 0 the same, 1 the worst.

    Args:
        classes: Number of classes, in their order.
        weights: "none" (every mistake is as bad), "linear" or "quadratic" in the distance.

    Returns:
        (classes, classes).
    """
    apart = np.abs(np.subtract.outer(np.arange(classes), np.arange(classes))) / max(classes - 1, 1)
    if weights == "none":
        return (apart > 0).astype(float)
    return apart if weights == "linear" else apart**2


def kappa_of(table: Array, distance: Array) -> Array:
    """Return 1 less the mean distance over the one expected by chance, NaN where chance expects none.

    Args:
        table: (..., first classes, second classes) counts.
        distance: (first classes, second classes) of two answers.
    """
    total = table.sum(axis=(-2, -1))
    first, second = table.sum(axis=-1), table.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (table * distance).sum(axis=(-2, -1)) / total
        by_chance = np.einsum("...i,ij,...j->...", first, distance, second) / total**2
        return np.asarray(np.where(by_chance > 0, 1 - observed / by_chance, np.nan))


def agreeing_pairs(counts: Array) -> float:
    """Return the share of pairs of labels of one item that agree, averaged over items with two or more.

    Args:
        counts: (items, classes) how often each item was given each class.
    """
    parts = _fleiss_parts(counts)
    return float(parts[:, 1].sum() / parts[:, 0].sum()) if parts[:, 0].sum() else math.nan


def fleiss_kappa(counts: Array) -> float:
    """Return Fleiss' kappa of many raters; items with fewer than two labels are left out.

    Items may have different numbers of labels: each item weighs the same in the observed agreement, each
    label the same in the agreement by chance.

    Args:
        counts: (items, classes) how often each item was given each class.

    Source: Fleiss (1971), Psychological Bulletin 76:378-382.
    """
    return float(_fleiss_of_parts(_fleiss_parts(counts).sum(axis=0)))


def _fleiss_parts(counts: Array) -> Array:
    """Return (items, 2 + classes): whether it counts, its share of agreeing pairs, its labels by class."""
    labels = counts.sum(axis=1)
    counted = labels >= 2
    pairs = np.where(counted, labels * (labels - 1), 1.0)
    agreeing = np.where(counted, (counts * (counts - 1)).sum(axis=1) / pairs, 0.0)
    return np.column_stack([counted.astype(float), agreeing, counts * counted[:, None]])


def _fleiss_of_parts(parts: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = parts[..., 1] / parts[..., 0]
        shares = parts[..., 2:] / parts[..., 2:].sum(axis=-1, keepdims=True)
        by_chance = (shares**2).sum(axis=-1)
        return np.asarray(np.where(by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan))


def coincidences(counts: Array) -> Array:
    """Return each item's coincidence matrix: its pairs of labels, each weighing 1 / (labels - 1).

    Args:
        counts: (items, classes) how often each item was given each class; missing labels are just not there.

    Returns:
        (items, classes, classes); zero for items with fewer than two labels.
    """
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    return np.asarray(pairs * _pair_weight(counts)[:, None, None])


def summed_coincidences(counts: Array) -> Array:
    """Return the coincidence matrix of all items together, without one per item in memory.

    Args:
        counts: (items, classes) how often each item was given each class.
    """
    weighted = counts * _pair_weight(counts)[:, None]
    return np.asarray(weighted.T @ counts - np.diag(weighted.sum(axis=0)))


def _pair_weight(counts: Array) -> Array:
    """Return what one pair of an item's labels weighs: so much that its labels count once each."""
    others = counts.sum(axis=1) - 1
    return np.where(others > 0, 1 / np.where(others > 0, others, 1.0), 0.0)


def krippendorff_alpha(pairs: Array, level: Level = "nominal", values: Array | None = None) -> Array:
    """Return Krippendorff's alpha of any number of raters with missing labels.

    Args:
        pairs: (..., classes, classes) coincidence matrices, summed over items; see `coincidences`.
        level: What differences between classes mean.
        values: (classes,) the classes as numbers, rising; needed for "interval" and "ratio".

    Returns:
        (...) alphas, at most 1; NaN where only one class occurs.

    Raises:
        ValueError: If the level needs values and there are none.

    Source: Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    marginal = pairs.sum(axis=-1)
    distance = _distances(marginal, level, values)
    total = marginal.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = (pairs * distance).sum(axis=(-2, -1))
        by_chance = (marginal[..., :, None] * marginal[..., None, :] * distance).sum(axis=(-2, -1))
        return np.asarray(np.where(by_chance > 0, 1 - (total - 1) * observed / by_chance, np.nan))


def _distances(marginal: Array, level: Level, values: Array | None) -> Array:
    if level == "nominal":
        return 1 - np.eye(marginal.shape[-1])
    if level == "ordinal":
        # The ranks between two classes, half of each end left out.
        middle = np.cumsum(marginal, axis=-1) - marginal / 2
        return np.asarray((middle[..., :, None] - middle[..., None, :]) ** 2)
    if values is None:
        raise ValueError(f"the level {level} needs the classes as numbers")
    apart = np.subtract.outer(values, values)
    if level == "interval":
        return apart**2
    together = np.add.outer(values, values)
    return np.asarray(np.divide(apart, together, out=np.zeros_like(apart), where=together != 0) ** 2)


# -- intervals -------------------------------------------------------------------------------------------


def _confident(kinds: Array, times: Array, statistic: Callable[[Array], Array]) -> Confidence | None:
    """Return a kappa or alpha with its confidence: a delete-one jackknife over items, t on Fisher's z scale.

    Args:
        kinds: (kinds, ...) what one item of each kind adds to the sum that the statistic is computed from.
        times: (kinds,) how many items there are of each kind.
        statistic: (..., of a kind's shape) sums -> (...) values of at most 1.

    Returns:
        The confidence distribution; None where no item can be left out or all raters always agree, because
        nothing then shows how far the value can move.

    Source: Efron and Stein (1981), Annals of Statistics 9:586-596; Fisher's z keeps the ends below 1.
    """
    times = times.astype(float)
    axes = (-1,) + (1,) * (kinds.ndim - 1)
    whole = (kinds * times.reshape(axes)).sum(axis=0)
    value, n = float(statistic(whole)), float(times.sum())
    if n < 3 or not -1 < value < 1 - 1e-12:
        return None
    without = statistic(whole - kinds)
    known = np.isfinite(without)
    if known.sum() < 2:
        return None
    without, times = without[known], times[known]
    middle = float(times @ without / times.sum())
    error = math.sqrt((n - 1) / n * float(times @ (without - middle) ** 2))
    if error == 0:
        return None
    scaled = Normal(math.atanh(value), error / (1 - value**2), n - 1, "jackknife over items, t on Fisher's z")
    return Mapped(scaled, np.tanh)


def _grouped(
    each: Callable[[Array], Array], total: Callable[[Array], Array], counts: Array, cells: int
) -> tuple[Array, Array]:
    """Return what each kind of item adds to a sum, and how many items there are of each kind.

    Args:
        each: (items, classes) counts -> (items, ...) what each adds.
        total: (items, classes) counts -> (...) what all add together.
        counts: (items, classes) how often each item was given each class.
        cells: Numbers that one item adds.

    Returns:
        (kinds, ...) and (kinds,). Where there are very many kinds, a kind is a random group of items.
    """
    most = int(np.clip(_NUMBERS // cells, _FEWEST_GROUPS, _GROUPS))
    kinds, times = np.unique(counts, axis=0, return_counts=True)
    if len(kinds) <= most:
        return each(kinds), times.astype(float)
    order = np.random.default_rng(0).permutation(len(counts))
    sums = [total(counts[chosen]) for chosen in np.array_split(order, most)]
    return np.stack(sums), np.ones(most)


def fleiss_confident(counts: Array) -> Confidence | None:
    """Return Fleiss' kappa with its confidence; None where it has none.

    Args:
        counts: (items, classes) how often each item was given each class.
    """
    useful = counts[counts.sum(axis=1) >= 2]
    if not len(useful):
        return None
    kinds = _grouped(_fleiss_parts, lambda some: _fleiss_parts(some).sum(axis=0), useful, counts.shape[1])
    return _confident(*kinds, _fleiss_of_parts)


def alpha_confident(counts: Array, level: Level, values: Array | None) -> Confidence | None:
    """Return Krippendorff's alpha with its confidence; None where it has none.

    Args:
        counts: (items, classes) how often each item was given each class.
        level: What differences between classes mean.
        values: (classes,) the classes as numbers.
    """
    useful = counts[counts.sum(axis=1) >= 2]
    if not len(useful):
        return None
    kinds = _grouped(coincidences, summed_coincidences, useful, counts.shape[1] ** 2)
    return _confident(*kinds, lambda pairs: krippendorff_alpha(pairs, level, values))


def cohen_confident(table: Array, weights: Weights) -> Confidence | None:
    """Return Cohen's kappa with its confidence; None where it has none.

    Args:
        table: (classes, classes) counts of two raters.
        weights: Whether near misses count in part.
    """
    cells = np.argwhere(table > 0)
    kinds = np.zeros((len(cells), *table.shape))
    kinds[np.arange(len(cells)), cells[:, 0], cells[:, 1]] = 1.0
    return _confident(kinds, table[table > 0], lambda tables: cohen_kappa(tables, weights))
