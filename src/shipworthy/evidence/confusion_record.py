"""The confusion table of a decision, in counts and in money."""

from __future__ import annotations

from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Floats, Unmeasurable
from shipworthy.evidence.metrics.confusion import cells
from shipworthy.evidence.metrics.money import cost_of_cells
from shipworthy.records import Confusion
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Table, Total

__all__ = ["confusion_of", "confusion_total"]

#: A decision carries no larger table.
MOST_CLASSES = 50


def confusion_total(frame: Frame) -> Total | None:
    """Return the total behind the table; None where rows have no classes, or too many to be read."""
    if frame.profile.basis != Basis.PREDICTION or not frame.has("label", "prediction"):
        return None
    return cells(frame) if 2 <= frame.class_count <= MOST_CLASSES else None


def confusion_of(frame: Frame, table: Table) -> Confusion | None:
    """Return which class was taken for which on the default population; None where no row has a label.

    Args:
        frame: The rows.
        table: The answer to `confusion_total`.
    """
    counts = table.at(0)[0].sum(axis=0)[:-1]
    if not counts.sum():
        return None
    try:
        money = counts * cost_of_cells(frame)[:-1]
    except Unmeasurable:
        money = None
    return Confusion(frame.profile.classes, _rows(counts), None if money is None else _rows(money))


def _rows(table: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(cell) for cell in row) for row in table)
