"""How well predicted scores rank and how far they can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Floats, Metric, Unmeasurable, design_effect, jackknife, metric
from shipworthy.stats.auc import AreaUnderCurve, ExactArea, Placements, auc_bounds
from shipworthy.stats.calibration import debiased_calibration_error, resampled_calibration_error
from shipworthy.stats.confidence import Confidence, TableFunction
from shipworthy.tables.totals import Grain, Total

__all__ = ["FEWEST_CALIBRATED", "Auc", "by_score"]


#: Below so many rows a calibration error at its bar passes more often than stated (10% at 20 rows).
FEWEST_CALIBRATED = 50


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

    def settled(self, binned: Confidence, totals: Sequence[float]) -> Confidence:
        """Return DeLong's interval and bound from the placements of every distinct score."""
        placements = Placements(*totals)
        assert isinstance(binned, ExactArea)  # noqa: S101 - what `independent` returns
        return ExactArea(placements.divided(placements.positives / binned.placements.positives))

    def _empty(self, whole: Floats) -> str:
        if not whole[1].sum():
            return "no case is positive"
        return "no case is negative" if not whole[0].sum() else "no row has a score"

    def effect(self, counts: Floats, sums: tuple[Floats, ...]) -> float:
        """Return how far leaving groups out moves the area, against DeLong's error."""
        _value, error, _groups = jackknife(self, counts, sums)
        whole = counts.sum(axis=0)
        naive, rarer = self.independent(whole, ()), float(whole[:2, :-1].sum(axis=-1).min())
        # Without an error that leaving groups out could change, it says nothing of clusters.
        return design_effect(error, naive.standard_error, rarer / 2, rarer if error > 0 else 0.0)

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        return self.independent(whole / self.effect(counts, sums), whole_sums)


def by_score(frame: Frame, columns: str, order: str = "") -> Grain:
    """Return one row per distinct score, with windows over all of them: a pass of its own over the rows.

    Args:
        frame: The rows.
        columns: SQL of the columns of a score, over `pos` and `neg`, its positives and negatives; it may use
            windows over `scores`, which begin with the first score.
        order: "DESC" to begin with the highest score.
    """
    score = f"CAST({frame.column('predicted_score')} AS DOUBLE)"
    # A class may be named with braces, which are places to fill in here.
    positive = frame.positive_key().sql.replace("{", "{{").replace("}", "}}")
    window = f"OVER (PARTITION BY p ORDER BY score {order}".rstrip() + ")"
    inner = f"""
      SELECT p, 0 AS g, 1.0 AS w, pos, neg, {columns.replace("OVER scores", window)}
      FROM (SELECT {{population}} AS p, {score} AS score,
              sum(w * CASE WHEN {positive} = 1 THEN 1.0 ELSE 0.0 END) AS pos,
              sum(w * CASE WHEN {positive} = 1 THEN 0.0 ELSE 1.0 END) AS neg
            FROM coded
            WHERE {{where}} AND {score} IS NOT NULL AND NOT isnan({score}) AND {positive} IS NOT NULL
            GROUP BY {{population}}, {score}) by_score"""
    return Grain("score", inner)


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

    Exact where distinct scores are few; else from narrow bins, whose largest possible error is printed. Where
    that error could change a gate's answer, one further pass over the rows ranks them exactly.
    """
    if not frame.positive_codes:
        raise Unmeasurable("no class is named positive (golden.positive)")
    if frame.profile.distinct_scores < 2:
        raise Unmeasurable("every case has the same score, so it ranks nothing")
    wider = auc(call, frame.for_spread()) if frame.needs_spread else None
    return Auc(
        str(call),
        "share",
        "higher",
        Total(by=(frame.positive_key(), frame.score_key()), wider=wider.total if wider else None),
        binned=not frame.scores_exact,
        wider=wider,
        settling=None if frame.scores_exact else _placements(frame),
    )


def _placements(frame: Frame) -> Total:
    """Return the total of the placements of every score, of which DeLong's area and variance are made."""
    below = "sum(neg) OVER scores - neg / 2 AS below"
    above = "sum(pos) OVER (PARTITION BY p) - sum(pos) OVER scores + pos / 2 AS above"
    sums = ("pos", "neg", "pos * below", "pos * below * below", "neg * above * above")
    return Total(sums=sums, grain=by_score(frame, f"{below}, {above}"))


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

    def effect(self, counts: Floats, sums: tuple[Floats, ...]) -> float:
        """Return how far leaving groups out moves the error, against what independent rows would."""
        _value, error, _groups = jackknife(self, counts, sums)
        whole = counts.sum(axis=0)
        naive = self.independent(whole, tuple(part.sum(axis=0) for part in sums)).standard_error
        return design_effect(error, naive, float(whole.sum()), float(whole.sum()))

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        effect = self.effect(counts, sums)
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
    if not frame.has_probability:
        raise Unmeasurable("predicted_score is no probability: it leaves [0, 1]")
    by = (frame.calibration_key(), frame.positive_key())
    score = frame.column("predicted_score")
    wider = calibration_error(call, frame.for_spread()) if frame.needs_spread else None
    total = Total(by=by, sums=(score,), wider=wider.total if wider else None)
    return CalibrationError(str(call), "share", "lower", total, smallest_n=300, explored=False, wider=wider)
