"""Means of numbers: scores, rewards, tokens."""

from __future__ import annotations

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Better, Metric, RowMean, Unmeasurable, metric
from shipworthy.tables.totals import Total

__all__ = ["T_INTERVAL", "better_of", "number_named"]

T_INTERVAL = "t, with a guard for small and skewed samples"


def number_named(call: Call, place: int, frame: Frame) -> str:
    """Return the column under which a named number is stored.

    Args:
        call: The metric call.
        place: Place of the argument that names it.
        frame: The rows.

    Raises:
        Unmeasurable: If the rows have no such number.
    """
    name = str(call.arguments[place])
    if frame.has(f"#{name}"):
        return f"#{name}"
    if frame.has(name):
        return name
    raise Unmeasurable(f"the rows have no number {name}")


def better_of(call: Call, frame: Frame, otherwise: Better = "higher") -> Better:
    """Return the direction of a column whose meaning is not ours: as its scorer or its gate has it."""
    name = str(call.arguments[0])
    stated = frame.scorers.get(name) or frame.wanted.get(name)
    if stated is None:
        return otherwise
    return "lower" if stated == "lower" else "higher"


@metric(
    "mean",
    unit="number",
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Arithmetic mean; clusters as in Miller (2024), arXiv:2411.00640",
    example="mean(reward) >= 0.4",
    numbers=(0,),
)
def mean(call: Call, frame: Frame) -> Metric:
    """Mean of a numeric column or of a scorer's value; rows without the number are left out and counted."""
    if len(call.arguments) != 1:
        raise UsageError("mean needs one column, as in mean(reward).", fix="Name the numeric column.")
    stored = number_named(call, 0, frame)

    def expression(seen: Frame) -> str:
        return seen.column(stored)

    return RowMean(
        str(call),
        "number",
        better_of(call, frame),
        Total(sums=RowMean.sums_of(expression(frame))),
        expression=expression,
    )


@metric(
    "tokens",
    unit="number",
    better="lower",
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of tokens_in + tokens_out per row",
    example="tokens <= 2000",
    numbers=("tokens_in", "tokens_out"),
)
def tokens(call: Call, frame: Frame) -> Metric:
    """Mean number of tokens per answer, read and written: the columns tokens_in and tokens_out added up.

    mean(tokens_out) speaks of one of them. A row that lacks either number is left out.
    """
    for name in ("tokens_in", "tokens_out"):
        if not frame.has(f"#{name}"):
            raise Unmeasurable(f"the rows have no number {name}")

    def expression(seen: Frame) -> str:
        return f"{seen.column('#tokens_in')} + {seen.column('#tokens_out')}"

    return RowMean(
        str(call),
        "number",
        "lower",
        Total(sums=RowMean.sums_of(expression(frame))),
        floor=0.0,
        expression=expression,
    )
