"""A metric on a population as an estimate, with its interval and what a gate needs to know of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from shipworthy.evidence.metric import Floats, Metric, Spread, Unmeasurable
from shipworthy.records import Estimate
from shipworthy.stats.confidence import Confidence
from shipworthy.stats.melding import Affine
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Table

__all__ = ["Measured", "estimate_of", "is_clustered", "measure", "measure_arrays", "profile_at"]


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric on one population.

    Args:
        metric: The metric.
        confidence: Its confidence distribution.
        n: Units it rests on.
        counts: (*sizes) counts.
        exact: Whether rows are independent, so that counts are whole trials.
        blur: Largest error that binning can have made, in the metric's unit.
    """

    metric: Metric
    confidence: Confidence
    n: int
    counts: Floats
    exact: bool
    blur: float = 0.0

    def bound(self, side: str, confidence: float) -> float:
        """Return the one-sided bound, widened by what binning may hide."""
        if side == "lower":
            return self.confidence.bound("lower", confidence) - self.blur
        return self.confidence.bound("upper", confidence) + self.blur

    def with_further(self, low: int, high: int) -> Measured | None:
        """Return it as if further rows had been scored; None where one row has no smallest and largest value.

        Which clusters further rows belong to is not known: they move the value and its bounds by their share.

        Args:
            low: Further rows with the smallest possible value.
            high: Further rows with the largest.
        """
        extremes, further = self.metric.extremes, low + high
        if extremes is None:
            return None
        if not further:
            return self
        if self.exact:
            confidence = self.metric.with_further(self.counts, low, high)
        else:
            share = self.n / (self.n + further)
            added = (low * extremes[0] + high * extremes[1]) / (self.n + further)
            confidence = Affine(self.confidence, share, added)
        return replace(self, confidence=confidence, n=self.n + further)


def is_clustered(metric: Metric, profile: RowsProfile) -> bool:
    """Return whether a metric's units are fewer than they seem, so that groups of clusters are needed."""
    units = {"query": profile.queries, "case": profile.cases}.get(metric.total.grain.name)
    return profile.clustered if units is None else profile.weighted or profile.clusters < units


def measure(metric: Metric, table: Table, code: int | None, profile: RowsProfile) -> Measured:
    """Measure a metric on one population of a table.

    Args:
        metric: The metric.
        table: The answer to its total.
        code: The population's code; None for all of them together.
        profile: The rows' profile.

    Raises:
        Unmeasurable: Where there is nothing to measure.
    """
    counts, sums = table.at(code)
    spread = None
    if table.spread is not None and metric.wider is not None:
        spread = Spread(metric.wider, *table.spread.at(code))
    return measure_arrays(metric, counts, sums, profile_at(table, code, profile), spread)


def profile_at(table: Table, code: int | None, profile: RowsProfile) -> RowsProfile:
    """Return the profile as one population sees it: rows are independent where no cluster repeats in it."""
    if code in table.independent and profile.clustered:
        return replace(profile, clustered=False)
    return profile


def measure_arrays(
    metric: Metric,
    counts: Floats,
    sums: tuple[Floats, ...],
    profile: RowsProfile,
    spread: Spread | None = None,
) -> Measured:
    """Measure a metric on dense arrays (groups, *sizes).

    Args:
        metric: The metric.
        counts: (groups, *sizes) counts.
        sums: One array of that shape per sum.
        profile: The rows' profile.
        spread: Groups of clusters, where they are kept apart in wider bins.

    Raises:
        Unmeasurable: Where there is nothing to measure.
    """
    clustered = is_clustered(metric, profile)
    # Unequal weights make fewer cases of the rows, however few failures there are to see it by.
    effect = profile.weight_effect if clustered else 1.0
    sums = tuple(part / effect for part in sums)
    if clustered and spread is not None:
        wide = tuple(part / effect for part in spread.sums)
        spread = Spread(spread.metric, spread.counts / effect, wide)
        confidence = metric.confidence_by(counts / effect, sums, spread)
    else:
        confidence = metric.confidence(counts / effect, sums, clustered)
    whole = counts.sum(axis=0)
    units = float(metric.units(whole, tuple(part.sum(axis=0) for part in sums)))
    blur = metric.binning_error(whole)
    return Measured(metric, confidence, round(units), whole, not clustered, blur)


def estimate_of(confidence: Confidence, unit: str, n: int, blur: float = 0.0) -> Estimate:
    """Return a confidence distribution as an estimate with its 95% interval.

    Args:
        confidence: The distribution.
        unit: The unit of its value.
        n: Units it rests on.
        blur: What binning may hide, added at both ends.
    """
    value = confidence.value
    if not math.isfinite(value):
        return Estimate.unknown_because("the value is not finite: a group's rate is zero", unit)
    low, high = confidence.interval()
    return Estimate(
        value=value,
        low=_finite(low - blur),
        high=_finite(high + blur),
        n=n,
        unit=unit,
        method=confidence.display_method,
    )


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def unknown(error: Unmeasurable, unit: str) -> Estimate:
    """Return a reason as an unknown estimate."""
    return Estimate.unknown_because(str(error), unit)
