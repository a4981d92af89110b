"""Errors and calls in money."""

from __future__ import annotations

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.evidence.frame import OUTCOMES, Frame
from shipworthy.evidence.metric import CellMean, Floats, Metric, RowMean, Unmeasurable, metric
from shipworthy.evidence.metrics.confusion import cells, masks
from shipworthy.evidence.metrics.regression import absolute_error
from shipworthy.tables.totals import Total

__all__ = ["cost_of_cells", "cost_of_outcomes"]


def cost_of_outcomes(frame: Frame) -> Floats:
    """Return the cost of each outcome in the order of OUTCOMES; outcomes without a stated cost are free.

    A failed row costs what `costs.failed` says, else the worst stated error.

    Raises:
        Unmeasurable: If the spec states no cost that can occur.
    """
    if frame.costs is None:
        raise Unmeasurable("the spec states no costs")
    stated = [frame.costs.of(outcome) for outcome in OUTCOMES]
    if all(amount is None for amount in stated):
        raise Unmeasurable("the spec states no cost per kind of error")
    amounts = np.array([amount or 0.0 for amount in stated])
    if stated[-1] is None:
        amounts[-1] = max(0.0, float(amounts.max()))
    return amounts


@metric(
    "expected_cost",
    unit="money",
    better="lower",
    interval="Dirichlet with one case more in the worst cell",
    gate="Dirichlet posterior with one pseudo-count on the costliest outcome",
    source="Mean cost per case; Elkan (2001), IJCAI; worst-cell bound: design of this project, see the docs",
    example="delta(expected_cost, live) < 0",
)
def expected_cost(call: Call, frame: Frame) -> Metric:
    """Money that errors cost per case on average, gains subtracted."""
    if frame.profile.basis == "number":
        return _cost_of_error(call, frame)
    if not frame.has("outcome"):
        raise Unmeasurable("no row has an outcome that could cost anything")
    if frame.profile.basis == "prediction" and frame.positive_codes:
        return _cost_of_cells(call, frame)
    amounts = np.append(cost_of_outcomes(frame), 0.0)
    among = np.append(np.ones(len(OUTCOMES), dtype=bool), False)
    occurring = amounts[:-1]
    return CellMean(
        str(call),
        "money",
        "lower",
        Total(by=(frame.outcome_key(),)),
        amounts,
        among,
        possible=(float(occurring.min()), float(occurring.max())),
    )


def cost_of_cells(frame: Frame) -> Floats:
    """Return what one row of each cell of the confusion table costs, (classes + 1, classes + 1).

    With a positive class the costs of false positives and their kin apply, else those of right and wrong.
    A failed row costs what `costs.failed` says, else the worst stated error.

    Raises:
        Unmeasurable: If the spec states no cost that can occur.
    """
    costs = frame.costs
    if costs is None:
        raise Unmeasurable("the spec states no costs")
    size = frame.class_count + 1
    if frame.positive_codes:
        label, says = masks(Call("expected_cost"), frame)
        names = np.where(
            label,
            np.where(says, "true_positive", "false_negative"),
            np.where(says, "false_positive", "true_negative"),
        )
    else:
        names = np.where(np.eye(size, dtype=bool), "right", "wrong")
    amount = {name: costs.of(name) for name in np.unique(names)}
    if all(value is None for value in amount.values()):
        kind = "false positives or false negatives" if frame.positive_codes else "wrong answers"
        raise Unmeasurable(f"the spec states no cost of {kind}")
    values = np.vectorize(lambda name: amount[name] or 0.0, otypes=[float])(names)
    failed = costs.of("failed")
    values[:, -1] = max(0.0, float(values.max())) if failed is None else failed
    return np.asarray(values)


def _cost_of_cells(call: Call, frame: Frame) -> Metric:
    """Costs over the confusion table, so that a pair of systems shares its label axis."""
    values = cost_of_cells(frame)
    among = np.ones(values.shape, dtype=bool)
    among[-1, :] = False
    occurring = values[among]
    return CellMean(
        str(call),
        "money",
        "lower",
        cells(frame),
        values,
        among,
        possible=(float(occurring.min()), float(occurring.max())),
    )


def _cost_of_error(call: Call, frame: Frame) -> Metric:
    per_unit = frame.costs.of("absolute_error") if frame.costs is not None else None
    if per_unit is None:
        raise Unmeasurable("the spec states no costs.absolute_error")

    def expression(seen: Frame) -> str:
        return f"{absolute_error(seen)} * {per_unit!r}"

    return RowMean(
        str(call), "money", "lower", Total(sums=RowMean.sums_of(expression(frame))), expression=expression
    )


@metric(
    "run_cost",
    unit="money",
    better="lower",
    columns=("run_cost",),
    interval="t, with a guard for small and skewed samples",
    gate="t, with a guard for small and skewed samples",
    source="Mean of run_cost",
    example="run_cost <= 0.03",
)
def run_cost(call: Call, frame: Frame) -> Metric:
    """What calling the system costs per case on average."""

    def expression(seen: Frame) -> str:
        return seen.column("run_cost")

    return RowMean(
        str(call),
        "money",
        "lower",
        Total(sums=RowMean.sums_of(expression(frame))),
        floor=0.0,
        expression=expression,
    )
