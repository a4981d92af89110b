"""How well predicted scores rank and how far they can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Floats, Metric, Unmeasurable, design_effect, jackknife, metric
from shipworthy.stats.auc import AreaUnderCurve, auc_bounds
from shipworthy.stats.calibration import debiased_calibration_error, resampled_calibration_error
from shipworthy.stats.confidence import Confidence, LogitNormal, TableFunction
from shipworthy.tables.totals import Key, Total

__all__ = ["Auc"]

BINS = 15


@dataclass(frozen=True, eq=False)
class Auc(Metric):
    """Area under the ROC curve from a label-by-score table.

    Args:
        binned: Whether neighbouring scores share a bin, so that the order inside a bin is unknown.
    """

    binned: bool = False

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the area; ties count half."""
        negatives, positives = counts[..., 0, :-1], counts[..., 1, :-1]
        below = np.cumsum(negatives, axis=-1) - negatives
        pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
        wins = (positives * (below + negatives / 2)).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(pairs > 0, wins / pairs, np.nan))

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with a score."""
        return np.asarray(counts[..., :2, :-1].sum(axis=(-2, -1)))

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return DeLong's interval, and a bound with one wrongly ranked case more in each class."""
        negatives, positives = counts[0, :-1], counts[1, :-1]
        if min(negatives.sum(), positives.sum()) < 2:
            raise Unmeasurable("fewer than two positive or negative cases have a score")
        return AreaUnderCurve(positives, negatives)

    def binning_error(self, counts: Floats) -> float:
        """Return half the distance between the hard bounds that binning leaves, 0 where scores are exact."""
        if not self.binned:
            return 0.0
        low, high = auc_bounds(counts[1, :-1], counts[0, :-1])
        return float(high - low) / 2

    def _empty(self, whole: Floats) -> str:
        if not whole[1].sum():
            return "no case is positive"
        return "no case is negative" if not whole[0].sum() else "no row has a score"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        value, error, groups = jackknife(self, counts, sums)
        n = float(self.units(whole, whole_sums))
        return LogitNormal(value, error, max(groups - 1, 1), "jackknife over groups of clusters, logit", n)


@metric(
    "auc",
    columns=("label", "predicted_score"),
    interval="DeLong, on the logit scale",
    gate="DeLong with one wrongly ranked case more in each class, on the logit scale",
    source="DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845",
    example="auc >= 0.85",
)
def auc(call: Call, frame: Frame) -> Metric:
    """Chance that a positive case scores above a negative one, ties counting half.

    Exact where distinct scores are few; else from narrow bins, whose largest possible error is printed.
    """
    if not frame.positive_codes:
        raise Unmeasurable("no class is named positive (golden.positive)")
    positive = Key("positive", f"CAST({frame.is_positive()} AS INTEGER)", 2)
    return Auc(
        str(call), "share", "higher", Total(by=(positive, frame.score_key())), binned=not frame.scores_exact
    )


@dataclass(frozen=True, eq=False)
class CalibrationError(Metric):
    """Debiased root mean squared calibration error over equal-width bins."""

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the error."""
        counts, predicted = counts[..., :-1, :2], sums[0][..., :-1, :2]
        return np.asarray(
            debiased_calibration_error(counts.sum(axis=-1), predicted.sum(axis=-1), counts[..., 1])
        )

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with a score."""
        return np.asarray(counts[..., :-1, :2].sum(axis=(-2, -1)))

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return Dirichlet draws of the bin-by-label table."""
        table, predicted = counts[:-1, :2], sums[0][:-1, :2].sum(axis=-1)
        n = table.sum(axis=-1)
        held = n > 0
        statistic = resampled_calibration_error(predicted[held] / n[held])
        value = float(debiased_calibration_error(n, predicted, table[:, 1]))
        return TableFunction(table[held].ravel(), statistic, value)

    def _empty(self, whole: Floats) -> str:
        return "no row has a score and a label"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        _value, error, _groups = jackknife(self, counts, sums)
        naive = self.independent(whole, whole_sums).standard_error
        effect = design_effect(error, naive, float(whole.sum()), float(whole.sum()))
        return self.independent(whole / effect, tuple(part / effect for part in whole_sums))


@metric(
    "calibration_error",
    better="lower",
    columns=("label", "predicted_score"),
    interval="Dirichlet(1/2) draws of the bin-by-label table",
    gate="Dirichlet(1/2) draws of the bin-by-label table",
    source="Debiased; Kumar, Liang and Ma (2019), NeurIPS, Verified uncertainty calibration",
    example="calibration_error <= 0.05",
    smallest_n=300,
)
def calibration_error(call: Call, frame: Frame) -> Metric:
    """Root mean squared gap between predicted chance and observed rate over 15 equal-width bins.

    The part that mere sampling noise explains is taken away.
    """
    if not frame.positive_codes:
        raise Unmeasurable("no class is named positive (golden.positive)")
    low, high = frame.profile.score_low, frame.profile.score_high
    if low is None or high is None or low < 0 or high > 1:
        raise Unmeasurable("predicted_score is no probability: it leaves [0, 1]")
    score = frame.column("predicted_score")
    bins = f"CASE WHEN {score} >= 1 THEN {BINS - 1} ELSE CAST(floor({score} * {BINS}) AS INTEGER) END"
    by = (
        Key(f"{frame.prefix}score_bin", bins, BINS),
        Key("positive", f"CAST({frame.is_positive()} AS INTEGER)", 2),
    )
    return CalibrationError(
        str(call), "share", "lower", Total(by=by, sums=(score,)), smallest_n=300, explored=False
    )
