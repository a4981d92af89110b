"""Means of numbers: scores, rewards, errors of a regression."""

from __future__ import annotations

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Better, Metric, RowMean, Unmeasurable, metric
from shipworthy.tables.totals import Total

__all__ = ["absolute_error"]

T_INTERVAL = "t, with a guard for small and skewed samples"


def absolute_error(frame: Frame) -> str:
    """Return the absolute error of a prediction as an expression; NULL where it failed."""
    prediction = f"TRY_CAST({frame.column('prediction')} AS DOUBLE)"
    return f"abs({prediction} - TRY_CAST(label AS DOUBLE))"


@metric(
    "mean",
    unit="number",
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Arithmetic mean; clusters as in Miller (2024), arXiv:2411.00640",
    example="mean(reward) >= 0.4",
)
def mean(call: Call, frame: Frame) -> Metric:
    """Mean of a numeric column or of a scorer's value; rows without the number are left out and counted."""
    if len(call.arguments) != 1:
        raise UsageError("mean needs one column, as in mean(reward).", fix="Name the numeric column.")
    name = str(call.arguments[0])
    if not frame.has(f"#{name}") and not frame.has(name):
        raise Unmeasurable(f"the rows have no number {name}")
    stored = f"#{name}" if frame.has(f"#{name}") else name

    def expression(seen: Frame) -> str:
        return seen.column(stored)

    better: Better = "lower" if "lower" in (frame.scorers.get(name), frame.wanted.get(name)) else "higher"
    return RowMean(
        str(call), "number", better, Total(sums=RowMean.sums_of(expression(frame))), expression=expression
    )


@metric(
    "mae",
    unit="number",
    better="lower",
    columns=("label", "prediction"),
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of |prediction - label|",
    example="mae <= 12",
)
def mae(call: Call, frame: Frame) -> Metric:
    """Mean absolute error. A failed row has no error to average: gate `failed_share` beside it."""
    if frame.profile.basis != "number":
        raise Unmeasurable("label and prediction are classes, not numbers (kind: regressor)")
    return RowMean(
        str(call),
        "number",
        "lower",
        Total(sums=RowMean.sums_of(absolute_error(frame))),
        floor=0.0,
        expression=absolute_error,
    )
