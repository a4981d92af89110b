"""What raters of unequal skill say together: majority, and Dawid-Skene."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Consensus", "dawid_skene", "majority"]

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Consensus:
    """What raters say together, each believed as far as the others bear it out.

    Args:
        chances: (items, classes) chance of each class.
        prior: (classes,) share of each class.
        confusion: (raters, classes, classes) chance that a rater says the second where the first is true.
        steps: Steps taken.
        converged: Whether it stopped by itself.
    """

    chances: Array
    prior: Array
    confusion: Array
    steps: int
    converged: bool


def majority(counts: Array) -> Codes:
    """Return the class most often given to each item, -1 where two are given equally often.

    Args:
        counts: (items, classes) how often each item was given each class.
    """
    top = counts.max(axis=1, keepdims=True)
    tied = (counts == top).sum(axis=1) > 1
    return np.where(tied, -1, counts.argmax(axis=1)).astype(np.int64)


def dawid_skene(
    items: Codes,
    raters: Codes,
    labels: Codes,
    classes: int,
    *,
    smoothing: float = 0.01,
    most_steps: int = 1_000,
    tolerance: float = 1e-7,
    watch: Callable[[int], None] = lambda _step: None,
) -> Consensus:
    """Return the consensus of raters of unequal skill by expectation-maximisation.

    It starts from the shares of votes, so that the larger part of the raters decides which class is which,
    and stops when no chance moves by more than the tolerance.

    Args:
        items: (labels,) codes from 0, every item at least once.
        raters: (labels,) codes from 0, every rater at least once.
        labels: (labels,) codes of classes from 0.
        classes: Number of classes.
        smoothing: Labels added to every cell of a rater's table, so that few labels rule nothing out.
        most_steps: Steps after which it stops anyway.
        tolerance: Largest change of a chance that counts as none.
        watch: Told the number of each step.

    Returns:
        The consensus.

    Raises:
        ValueError: If there are no labels.

    Source: Dawid and Skene (1979), Applied Statistics 28:20-28.

    >>> three = dawid_skene(*np.array([[0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [1, 1, 0, 0, 0, 0]]), 2)
    >>> three.chances.argmax(axis=1).tolist(), three.converged
    ([1, 0], True)
    """
    if not len(items):
        raise ValueError("a consensus needs labels")
    size, judges = int(items.max()) + 1, int(raters.max()) + 1
    of_items = _SumsBy(items, size, raters * classes + labels)
    of_answers = _SumsBy(raters * classes + labels, judges * classes, items)
    votes = np.bincount(items * classes + labels, minlength=size * classes).reshape(size, classes)
    chances = votes / votes.sum(axis=1, keepdims=True)
    prior, confusion = _skills(of_answers.of(chances), chances, smoothing)
    step, moved = 0, math.inf
    while step < most_steps and moved > tolerance:
        step += 1
        watch(step)
        told = np.log(confusion).transpose(0, 2, 1).reshape(judges * classes, classes)
        updated = of_items.of(told) + np.log(prior)
        updated -= updated.max(axis=1, keepdims=True)
        np.exp(updated, out=updated)
        updated /= updated.sum(axis=1, keepdims=True)
        moved = float(np.abs(updated - chances).max())
        chances = updated
        prior, confusion = _skills(of_answers.of(chances), chances, smoothing)
    return Consensus(chances, prior, confusion, step, moved <= tolerance)


class _SumsBy:
    """Sums of rows of a table by the group of each label, put in order once for all steps.

    Args:
        groups: (labels,) group of each label.
        size: Number of groups.
        rows: (labels,) row of the table that each label takes.
    """

    def __init__(self, groups: Codes, size: int, rows: Codes) -> None:
        order = np.argsort(groups, kind="stable")
        ordered = groups[order]
        self._begins = np.flatnonzero(np.diff(ordered, prepend=-1))
        self._occurring, self._rows, self._size = ordered[self._begins], rows[order], size

    def of(self, table: Array) -> Array:
        """Return (groups, columns) sums of the (rows, columns) of a table."""
        found = np.zeros((self._size, table.shape[1]))
        found[self._occurring] = np.add.reduceat(table.take(self._rows, axis=0), self._begins, axis=0)
        return found


def _skills(tables: Array, chances: Array, smoothing: float) -> tuple[Array, Array]:
    """Return the share of each class and each rater's table, given the chances of the classes."""
    classes = chances.shape[1]
    confusion = tables.reshape(-1, classes, classes).transpose(0, 2, 1) + smoothing
    prior = chances.sum(axis=0) + smoothing
    return prior / prior.sum(), confusion / confusion.sum(axis=2, keepdims=True)
