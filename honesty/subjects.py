"""Made-up subjects: frames and metrics from the catalogue, bound without an engine."""

from __future__ import annotations

import numpy as np

from shipworthy.define.rules import parse_rule
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Metric, bind
from shipworthy.tables.row_plan import RowsProfile

__all__ = ["class_metric", "profile", "row_mean"]


def profile(n: int, classes: tuple[str, ...] = (), **changes: object) -> RowsProfile:
    """Return the profile of so many independent rows.

    Args:
        n: Rows.
        classes: Classes; the second of two is positive.
        changes: Fields that differ.
    """
    fields: dict[str, object] = {
        "rows": n,
        "cases": n,
        "clusters": n,
        "groups": 1,
        "clustered": False,
        "weighted": False,
        "scored": n,
        "failed": 0,
        "unscored": 0,
        "failed_reasons": {},
        "unscored_reasons": {},
        "classes": classes,
        "positive": classes[1:2] if len(classes) == 2 else (),
        "binary": len(classes) == 2,
        "basis": "prediction",
        "columns": ("case_id", "label", "prediction", "ok", "outcome", "number"),
        "distinct_scores": 0,
        "score_low": None,
        "score_high": None,
        "strata": {},
    }
    return RowsProfile(**(fields | changes))  # type: ignore[arg-type]


def class_metric(written: str, classes: int) -> Metric:
    """Return a metric of the catalogue over a confusion table.

    Args:
        written: The metric as a rule writes it, such as "f1(average=macro)".
        classes: Number of classes.
    """
    names = tuple(str(code) for code in range(classes))
    frame = Frame(profile(100, names), "classifier")
    return bind(parse_rule(f"{written} >= 0.5").left, frame)


def row_mean(written: str, scorers: dict[str, str] | None = None) -> Metric:
    """Return a mean of the catalogue.

    Args:
        written: The metric as a rule writes it, such as "mean(number)".
        scorers: Scorers it may name.
    """
    return bind(
        parse_rule(f"{written} >= 0.5").left, Frame(profile(100), "classifier", scorers=scorers or {})
    )


def padded(tables: np.ndarray) -> np.ndarray:
    """Return confusion tables with the slots for rows without a label and without an answer, both empty.

    Args:
        tables: (..., classes, classes) counts.
    """
    widths = [(0, 0)] * (tables.ndim - 2) + [(0, 1), (0, 1)]
    return np.pad(tables, widths)
