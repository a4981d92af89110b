"""What predicted probabilities are worth: losses, average precision, net benefit, calibration curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import (
    CellMean,
    Floats,
    Metric,
    RowMean,
    Unmeasurable,
    design_effect,
    jackknife,
    metric,
)
from shipworthy.evidence.metrics.confusion import check_arguments
from shipworthy.evidence.metrics.discrimination import by_score
from shipworthy.stats.average_precision import AveragePrecision, average_precision, average_precision_bounds
from shipworthy.stats.confidence import Confidence, Proportion
from shipworthy.tables.duck import quote
from shipworthy.tables.totals import Key, Total

__all__ = ["CurvePoint", "calibration_curve"]

SCORED = ("label", "predicted_score")
T_INTERVAL = "t, guarded by the range"

#: Probabilities are cut here, so that one certain mistake costs 13.8 and not infinity.
SMALLEST = 1e-6


def check_probability(call: Call, frame: Frame) -> None:
    """Refuse rows whose score is no probability of the positive class.

    Raises:
        Unmeasurable: With what is missing.
    """
    if not frame.positive_codes:
        raise Unmeasurable(
            f"no class is named positive (golden.positive), and predicted_score holds one number per case: "
            f"{call.name} over {frame.class_count} classes would need a probability of each"
            if frame.class_count > 2
            else "no class is named positive (golden.positive)"
        )
    if not frame.has_probability:
        raise Unmeasurable("predicted_score is no probability: it leaves [0, 1]")


def _mean_loss(call: Call, frame: Frame, positive: str, negative: str, worst: float) -> RowMean:
    """Return the mean of a loss of the probability {p}.

    Args:
        call: The metric as written.
        frame: The rows.
        positive: Loss of a positive case.
        negative: Loss of a negative case.
        worst: Largest possible loss, which a failed row has.
    """
    check_arguments(call)
    check_probability(call, frame)

    def expression(seen: Frame) -> str:
        p = f"CAST({seen.column('predicted_score')} AS DOUBLE)"
        return (
            f"CASE WHEN {quote('label')} IS NULL THEN NULL "
            f"WHEN {seen.column('failed_reason')} IS NOT NULL THEN {worst!r} "
            f"WHEN {p} IS NULL OR isnan({p}) THEN NULL "
            f"WHEN {seen.is_positive()} THEN {positive.format(p=p)} ELSE {negative.format(p=p)} END"
        )

    return RowMean(
        str(call),
        "number",
        "lower",
        Total(sums=RowMean.sums_of(expression(frame))),
        floor=0.0,
        ceiling=worst,
        expression=expression,
        empty="no row has a score and a label",
    )


@metric(
    "brier",
    unit="number",
    better="lower",
    columns=SCORED,
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of (p - y)^2; Brier (1950), Monthly Weather Review 78:1-3",
    example="brier <= 0.15",
)
def brier(call: Call, frame: Frame) -> Metric:
    """Mean squared distance between the predicted probability and what happened, 0 or 1.

    A failed row counts as certain and wrong: 1.
    """
    return _mean_loss(call, frame, "(1 - {p}) * (1 - {p})", "{p} * {p}", 1.0)


@metric(
    "log_loss",
    unit="number",
    better="lower",
    columns=SCORED,
    interval=T_INTERVAL,
    gate=T_INTERVAL,
    source="Mean of -ln(probability given to what happened); Good (1952), J. R. Stat. Soc. B 14:107-114",
    example="log_loss <= 0.4",
    smallest_n=300,
)
def log_loss(call: Call, frame: Frame) -> Metric:
    """Mean of minus the natural logarithm of the probability that was given to what happened.

    Probabilities are cut at 0.000001 and 0.999999, so that a certain mistake costs 13.8; a failed row costs
    as much. The bound of a gate allows for one such mistake that was not seen.
    """
    largest = 1 - SMALLEST
    low, high = f"{{p}} < {SMALLEST!r} THEN {SMALLEST!r}", f"{{p}} > {largest!r} THEN {largest!r}"
    cut = f"CASE WHEN {low} WHEN {high} ELSE {{p}} END"
    loss = _mean_loss(call, frame, f"-ln({cut})", f"-ln(1 - ({cut}))", -math.log(SMALLEST))
    return replace(loss, smallest_n=300)


@dataclass(frozen=True, eq=False)
class AveragePrecisionOfScores(Metric):
    """Average precision from a label-by-score table.

    Args:
        binned: Whether neighbouring scores share a bin, so that the order inside a bin is unknown.
    """

    binned: bool = False

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the average precision; where scores are binned, the middle of what it can be."""
        negatives, positives = counts[..., 0, :-1], counts[..., 1, :-1]
        several = np.count_nonzero(positives + negatives, axis=-1) > 1
        ranked = several & (negatives.sum(axis=-1) > 0)
        if self.binned:
            low, high = average_precision_bounds(positives, negatives)
            return np.asarray(np.where(ranked, (low + high) / 2, np.nan))
        return np.asarray(np.where(ranked, average_precision(positives, negatives)[0], np.nan))

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with a score."""
        return np.asarray(counts[..., :2, :-1].sum(axis=(-2, -1)))

    def binning_error(self, counts: Floats) -> float:
        """Return half the distance between the hard bounds that binning leaves, 0 where scores are exact."""
        if not self.binned:
            return 0.0
        low, high = average_precision_bounds(counts[1, :-1], counts[0, :-1])
        return float(high - low) / 2

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the interval of the influence function, and a bound with a wrongly ranked case per class."""
        negatives, positives = counts[0, :-1], counts[1, :-1]
        if min(negatives.sum(), positives.sum()) < 2:
            raise Unmeasurable("fewer than two positive or negative cases have a score")
        return AveragePrecision(positives, negatives, float(self.value(counts, sums)))

    def settled(self, binned: Confidence, totals: Sequence[float]) -> Confidence:
        """Return the interval of the bins around the exact value."""
        assert isinstance(binned, AveragePrecision)  # noqa: S101 - what `independent` returns
        return replace(binned, shown=totals[1] / totals[0])

    def _empty(self, whole: Floats) -> str:
        scored = whole[:2, :-1]
        if not scored.sum():
            return "no row has a score and a label"
        if not scored[1].sum():
            return "no case with a score is positive"
        if not scored[0].sum():
            return "no case with a score is negative"
        return "every case has the same score, so it ranks nothing"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        _value, error, _groups = jackknife(self, counts, sums)
        naive, rarer = self.independent(whole, whole_sums), float(whole[:2, :-1].sum(axis=-1).min())
        # Without an error that leaving groups out could change, it says nothing of clusters.
        effect = design_effect(error, naive.standard_error, rarer / 2, rarer if error > 0 else 0.0)
        return self.independent(whole / effect, whole_sums)


@metric(
    "average_precision",
    columns=SCORED,
    interval="influence function, t on the logit scale",
    gate="influence function with wrongly ranked cases added, beta distribution",
    source="Step-wise sum without interpolation, as in scikit-learn; Boyd, Eng and Page (2013), ECML PKDD",
    example="average_precision >= 0.7",
)
def average_precision_of_scores(call: Call, frame: Frame) -> Metric:
    """Precision averaged over the positives as they are found from the highest score down.

    A chance ranking reaches the share of positives. Exact where distinct scores are few; else from narrow
    bins, whose largest possible error is printed; where that could change a gate's answer, one further pass
    over the rows gives the exact value. A row without a score cannot be ranked and is left out: gate
    failed_share beside it.
    """
    check_arguments(call)
    if not frame.positive_codes:
        raise Unmeasurable("no class is named positive (golden.positive)")
    return AveragePrecisionOfScores(
        str(call),
        "share",
        "higher",
        Total(by=(frame.positive_key(), frame.score_key())),
        binned=not frame.scores_exact,
        settling=None if frame.scores_exact else _gained(frame),
    )


def _gained(frame: Frame) -> Total:
    """Return the positives, and the sum of the precision at each of them."""
    at_score = "pos * (sum(pos) OVER scores) / (sum(pos + neg) OVER scores) AS gained"
    return Total(sums=("pos", "gained"), grain=by_score(frame, at_score, "DESC"))


@metric(
    "net_benefit",
    unit="number",
    columns=SCORED,
    interval="Dirichlet with one case more in the worst cell",
    gate="Dirichlet posterior with one pseudo-count on a false positive, or on a hit",
    source="tp / n - fp / n * t / (1 - t); Vickers and Elkin (2006), Medical Decision Making 26:565-574",
    example="net_benefit(threshold=0.2) >= 0.05",
)
def net_benefit(call: Call, frame: Frame) -> Metric:
    """Hits per case, less false alarms weighed by what the threshold says a hit is worth.

    Acting from a probability of 0.2 on says that one hit is worth four false alarms. Doing nothing has 0. A
    failed row counts as the wrong decision: a miss, or a false alarm.
    """
    check_arguments(call, named=("threshold",))
    threshold = _threshold(call)
    check_probability(call, frame)
    odds = threshold / (1 - threshold)
    score = f"CAST({frame.column('predicted_score')} AS DOUBLE)"
    wrongly = f"CAST(NOT {frame.is_positive()} AS INTEGER)"
    acts = (
        f"CASE WHEN {frame.column('failed_reason')} IS NOT NULL THEN {wrongly} "
        f"WHEN {score} IS NULL OR isnan({score}) THEN NULL WHEN {score} >= {threshold!r} THEN 1 ELSE 0 END"
    )
    values = np.zeros((3, 3))
    values[1, 1], values[0, 1] = 1.0, -odds
    among = np.zeros((3, 3), dtype=bool)
    among[:2, :2] = True
    return CellMean(
        str(call),
        "number",
        "higher",
        Total(by=(frame.positive_key(), Key(f"{frame.prefix}acts from {threshold!r}", acts, 2))),
        values,
        among,
        possible=(-odds, 1.0),
        empty="no row has a score and a label",
    )


def _threshold(call: Call) -> float:
    written = dict(call.named).get("threshold")
    try:
        threshold = float(written or "nan")
    except ValueError:
        threshold = math.nan
    if not 0 < threshold < 1:
        said = (
            "needs a threshold" if written is None else f"needs a threshold between 0 and 1, not {written!r}"
        )
        raise UsageError(
            f"{call.name} {said}.",
            fix="Write the probability from which on you act: net_benefit(threshold=0.2).",
        )
    return threshold


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One bin of a calibration curve.

    Args:
        predicted: Mean predicted probability of its cases.
        observed: Share of them that are positive.
        low: Lower end of the 95% interval of that share.
        high: Upper end.
        n: Cases; may be a fraction where rows carry weights.
    """

    predicted: float
    observed: float
    low: float
    high: float
    n: float


def calibration_curve(counts: Floats, predicted: Floats) -> tuple[CurvePoint, ...]:
    """Return what was predicted and what happened, bin by bin; bins without cases are left out.

    Args:
        counts: (bins, 2) cases by bin and by whether they are positive, as `calibration_error` counts them.
        predicted: (bins, 2) sums of the predicted probability.

    >>> point, = calibration_curve(np.array([[60.0, 40.0]]), np.array([[18.0, 14.0]]))
    >>> point.predicted, point.observed, round(point.low, 3), round(point.high, 3)
    (0.32, 0.4, 0.309, 0.498)
    """
    points = []
    for (negative, positive), sums in zip(counts, predicted, strict=True):
        n = float(negative + positive)
        if n > 0:
            share = Proportion(float(positive), n)
            points.append(CurvePoint(float(sums.sum()) / n, share.value, *share.interval(), n))
    return tuple(points)
