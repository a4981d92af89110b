"""Errors of predicted numbers, and how far predicted ranges can be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Floats, Metric, RowMean, Unmeasurable, jackknife, metric
from shipworthy.evidence.metrics.grades import share_of
from shipworthy.evidence.metrics.scores import T_INTERVAL, number_named
from shipworthy.stats.confidence import Confidence, Mean, Normal
from shipworthy.stats.mapped import Mapped
from shipworthy.tables.totals import Total

__all__ = ["absolute_error"]

LABEL = "TRY_CAST(label AS DOUBLE)"
NEEDS = ("label", "prediction")
#: Labels that vary by less than this share of their mean square leave no digits to a variance from sums.
FLATTEST = 1e-6


def _predicted(frame: Frame) -> str:
    """Return the predicted number as an expression; NULL where the row failed."""
    number = f"TRY_CAST({frame.column('prediction')} AS DOUBLE)"
    return f"CASE WHEN {frame.column('failed_reason')} IS NULL THEN {number} END"


def absolute_error(frame: Frame) -> str:
    """Return the absolute error of a prediction as an expression; NULL where it failed."""
    return f"abs({_predicted(frame)} - {LABEL})"


def _squared_error(frame: Frame) -> str:
    error = f"({_predicted(frame)} - {LABEL})"
    return f"{error} * {error}"


def _percentage_error(frame: Frame) -> str:
    return f"CASE WHEN {LABEL} <> 0 THEN {absolute_error(frame)} / abs({LABEL}) END"


def _check_numbers(frame: Frame) -> None:
    if frame.profile.basis != "number":
        raise Unmeasurable("label and prediction are classes, not numbers (kind: regressor)")


@metric(
    "mae",
    unit="number",
    better="lower",
    columns=NEEDS,
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of |prediction - label|",
    example="mae <= 12",
)
def mae(call: Call, frame: Frame) -> Metric:
    """Mean absolute error. A failed row has no error to average: gate `failed_share` beside it."""
    _check_numbers(frame)
    return RowMean(
        str(call),
        "number",
        "lower",
        Total(sums=RowMean.sums_of(absolute_error(frame))),
        floor=0.0,
        expression=absolute_error,
    )


@dataclass(frozen=True, eq=False)
class RootMeanSquare(RowMean):
    """The square root of a mean of squares; a difference of two is no mean of row differences."""

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the root of the mean square."""
        return np.sqrt(super().value(counts, sums))

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the guarded t of the mean square, mapped by the root."""
        n = float(sums[2])
        if n < 2:
            raise Unmeasurable("one row gives no interval")
        return Mapped(Mean(float(sums[0]), float(sums[1]), n, self.floor, self.ceiling), _root)


def _root(squares: Floats) -> Floats:
    return np.sqrt(np.maximum(squares, 0.0))


@metric(
    "rmse",
    unit="number",
    better="lower",
    columns=NEEDS,
    interval="t of the mean square, mapped by the square root",
    gate="guarded t of the mean square, mapped by the square root; a jackknife over clusters",
    source="Square root of the mean of (prediction - label)^2",
    example="rmse <= 12",
)
def rmse(call: Call, frame: Frame) -> Metric:
    """Root mean squared error: large errors weigh more than in mae.

    A failed row has no error to average: gate `failed_share` beside it.
    """
    _check_numbers(frame)
    total = Total(sums=RowMean.sums_of(_squared_error(frame)))
    return RootMeanSquare(str(call), "number", "lower", total, floor=0.0)


@dataclass(frozen=True, eq=False)
class PercentageError(RowMean):
    """A mean of errors as shares of the label; its fourth sum counts labels of 0, which have none."""

    def confidence(self, counts: Floats, sums: tuple[Floats, ...], clustered: bool) -> Confidence:
        """Return the mean's distribution; refuse labels of 0 rather than leave them out in silence."""
        if float(sums[3].sum()) > 0:
            raise Unmeasurable(
                f"a label of 0 has no percentage error (rows: {float(sums[3].sum()):,.0f}); "
                "gate mae, or say which rows: mape[label != 0]"
            )
        return super().confidence(counts, sums, clustered)


@metric(
    "mape",
    better="lower",
    columns=NEEDS,
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of |prediction - label| / |label|; de Myttenaere et al. (2016), Neurocomputing 192:38-48",
    example="mape <= 60%",
)
def mape(call: Call, frame: Frame) -> Metric:
    """Mean absolute percentage error: the error as a share of the label, averaged.

    It cannot be measured where a label is 0; mape[label != 0] leaves those rows out and says so. It punishes
    a forecast that is too high more than one that is too low.
    """
    _check_numbers(frame)
    zero = f"CASE WHEN {LABEL} = 0 THEN 1 ELSE 0 END"
    return PercentageError(
        str(call),
        "share",
        "lower",
        Total(sums=(*RowMean.sums_of(_percentage_error(frame)), zero)),
        floor=0.0,
        expression=_percentage_error,
    )


@dataclass(frozen=True, eq=False)
class Determination(Metric):
    """1 less the mean squared error over the variance of the labels, from sums of powers.

    Its sums are, over rows with a number: their presence, e^2, y, y^2, e^4, e^2 y, e^2 y^2, y^3 and y^4.
    """

    @staticmethod
    def sums_of(error: str) -> tuple[str, ...]:
        """Return the sums; `error` is NULL where the row has no number."""
        y, squared = f"CASE WHEN {error} IS NOT NULL THEN {LABEL} END", f"({error}) * ({error})"
        return (
            f"CASE WHEN {error} IS NULL THEN 0 ELSE 1 END",
            squared,
            y,
            f"({y}) * ({y})",
            f"{squared} * {squared}",
            f"{squared} * {LABEL}",
            f"{squared} * {LABEL} * {LABEL}",
            f"({y}) * ({y}) * ({y})",
            f"({y}) * ({y}) * ({y}) * ({y})",
        )

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the coefficient; NaN where the labels do not vary enough to be told from rounding."""
        n, squared, y, yy = sums[:4]
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = yy / n - (y / n) ** 2
            varies = variance > FLATTEST * yy / n
            return np.asarray(np.where(varies, 1 - squared / n / variance, np.nan))

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with both numbers."""
        return np.asarray(sums[0])

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the delta method on the logarithm of the unexplained share, with t."""
        n = float(sums[0])
        value = float(self.value(counts, sums))
        if n < 3 or value == 1:
            raise Unmeasurable("no interval: fewer than three rows, or every prediction exact")
        squared, y, yy, fourth, squared_y, squared_yy, y3, y4 = (float(part) / n for part in sums[1:])
        variance = yy - y * y
        of_labels = y4 - 4 * y * y3 + 6 * y * y * yy - 3 * y**4 - variance**2
        of_errors = fourth - squared**2
        together = squared_yy - 2 * y * squared_y + y * y * squared - squared * variance
        spread = of_errors / squared**2 - 2 * together / (squared * variance) + of_labels / variance**2
        return self._on_log_scale(value, math.sqrt(max(spread, 0.0) / (n - 1)), n - 1, "delta method, t")

    def _on_log_scale(self, value: float, error: float, degrees: float, method: str) -> Confidence:
        return Mapped(
            Normal(-math.log(1 - value), error, degrees, method), lambda unexplained: 1 - np.exp(-unexplained)
        )

    def confidence(self, counts: Floats, sums: tuple[Floats, ...], clustered: bool) -> Confidence:
        """Return the distribution; say so where the labels do not vary."""
        whole = tuple(part.sum(axis=0) for part in sums)
        if float(whole[0]) > 0 and not np.isfinite(self.value(counts.sum(axis=0), whole)):
            raise Unmeasurable("the labels are all alike, or vary by less than a thousandth of their size")
        return super().confidence(counts, sums, clustered)

    def _empty(self, whole: Floats) -> str:
        return "no row has a number"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        value, error, groups = jackknife(self, counts, sums)
        if value == 1:
            raise Unmeasurable("no interval: every prediction is exact")
        method = f"jackknife over {groups} groups of clusters, t"
        return self._on_log_scale(value, error / (1 - value), max(groups - 1, 1), method)


@metric(
    "r2",
    unit="number",
    columns=NEEDS,
    interval="delta method on the logarithm of the unexplained share, t; a jackknife over clusters",
    gate="delta method on the logarithm of the unexplained share, t; a jackknife over clusters",
    source="1 - sum (prediction - label)^2 / sum (label - mean label)^2; delta method: Cramér (1946), ch. 28",
    example="r2 >= 0.2",
    smallest_n=100,
)
def r2(call: Call, frame: Frame) -> Metric:
    """Coefficient of determination: the share of the labels' variance that the predictions explain.

    1 is exact, 0 no better than the mean of the labels, below 0 worse. On a narrow slice it falls although
    the errors are the same, because the labels there vary less: compare slices by mae or rmse.
    """
    _check_numbers(frame)
    error = f"({_predicted(frame)} - {LABEL})"
    return Determination(
        str(call),
        "number",
        "higher",
        Total(sums=Determination.sums_of(error)),
        smallest_n=100,
        explored=False,
    )


@metric(
    "pinball",
    unit="number",
    better="lower",
    columns=("label",),
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Koenker and Bassett (1978), Econometrica 46:33-50",
    example="pinball(0.9, p90) <= 5",
    forms=("pinball(0.5) <= 5",),
    numbers=(1,),
)
def pinball(call: Call, frame: Frame) -> Metric:
    """Mean pinball loss of a predicted quantile.

    pinball(0.9, p90) asks how good column p90 is as the nine-tenths quantile; without a column the
    prediction is the quantile. Too low costs the quantile's share of the distance, too
    high the rest of it; 0.5 is half the absolute error. A row without the number is left out and counted.
    """
    share = _share_named(call)
    if len(call.arguments) == 1:
        if not frame.has("prediction"):
            raise Unmeasurable("the rows have no prediction")
        _check_numbers(frame)
    stored = number_named(call, 1, frame) if len(call.arguments) > 1 else None

    def expression(seen: Frame) -> str:
        below = f"({LABEL} - ({_predicted(seen) if stored is None else seen.column(stored)}))"
        return f"CASE WHEN {below} >= 0 THEN {share!r} * {below} ELSE ({share!r} - 1) * {below} END"

    return RowMean(
        str(call),
        "number",
        "lower",
        Total(sums=RowMean.sums_of(expression(frame))),
        floor=0.0,
        expression=expression,
    )


def _share_named(call: Call) -> float:
    try:
        share = float(str(call.arguments[0])) if 1 <= len(call.arguments) <= 2 else math.nan
    except ValueError:
        share = math.nan
    if not 0 < share < 1:
        raise UsageError(
            f"{call} needs a quantile between 0 and 1, and may name its column, as in pinball(0.9, p90).",
            fix="Write the quantile first.",
        )
    return share


@metric(
    "interval_coverage",
    columns=("label",),
    source="Share of labels within their predicted range; Christoffersen (1998), Int. Economic Review 39",
    example="interval_coverage(low, high) >= 80%",
    numbers=(0, 1),
)
def interval_coverage(call: Call, frame: Frame) -> Metric:
    """Share of labels that lie within the predicted range from column low to column high, ends included.

    A failed row and a row without a range are not covered. Wide ranges cover much: gate
    interval_width(low, high) beside it.
    """
    low, high = _range_named(call, frame)
    failed = f"{frame.column('failed_reason')} IS NOT NULL"
    inside = f"{LABEL} >= {frame.column(low)} AND {LABEL} <= {frame.column(high)}"
    condition = (
        f"CASE WHEN {LABEL} IS NULL THEN NULL WHEN {failed} THEN false ELSE coalesce({inside}, false) END"
    )
    return share_of(str(call), frame.flag_key(str(call), condition), "higher", empty="no label is a number")


@metric(
    "interval_width",
    unit="number",
    better="lower",
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of the upper less the lower end; Gneiting and Raftery (2007), JASA 102:359-378",
    example="interval_width(low, high) <= 20",
    numbers=(0, 1),
)
def interval_width(call: Call, frame: Frame) -> Metric:
    """Mean width of the predicted ranges; a row without one is left out and counted."""
    low, high = _range_named(call, frame)

    def expression(seen: Frame) -> str:
        return f"{seen.column(high)} - {seen.column(low)}"

    return RowMean(
        str(call), "number", "lower", Total(sums=RowMean.sums_of(expression(frame))), expression=expression
    )


def _range_named(call: Call, frame: Frame) -> tuple[str, str]:
    if len(call.arguments) != 2:
        raise UsageError(
            f"{call.name} needs the columns of both ends, as in {call.name}(low, high).",
            fix="Name the lower end first.",
        )
    return number_named(call, 0, frame), number_named(call, 1, frame)
