"""Latency quantiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import Floats, Metric, design_effect, jackknife, metric
from shipworthy.stats.confidence import Confidence
from shipworthy.stats.quantile import BinnedQuantile
from shipworthy.tables.totals import Key, Total

#: Bins are half a percent wide, and one edge lies on the gate's bar, so that the gate itself is exact.
STEP = 0.005
REACH = 4000


@dataclass(frozen=True, eq=False)
class LatencyQuantile(Metric):
    """A quantile of latency.

    Args:
        share: The quantile's share, in (0, 1).
        edges: (bins,) upper edges in milliseconds.
    """

    share: float
    edges: Floats

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the quantile at its bin's upper edge."""
        below = np.cumsum(counts[..., :-1], axis=-1)
        n = below[..., -1:]
        first = (below >= self.share * n - 1e-9 * np.maximum(n, 1.0)).argmax(axis=-1)
        return np.where(n[..., 0] > 0, self.edges[first], np.nan)

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with a latency."""
        return np.asarray(counts[..., :-1].sum(axis=-1))

    def independent(self, counts: Floats, sums: tuple[Floats, ...]) -> Confidence:
        """Return the order-statistic bounds."""
        return BinnedQuantile(counts[:-1], self.edges, self.share)

    def _empty(self, whole: Floats) -> str:
        return "no row has a latency"

    def _clustered(
        self, counts: Floats, sums: tuple[Floats, ...], whole: Floats, whole_sums: tuple[Floats, ...]
    ) -> Confidence:
        _value, error, _groups = jackknife(self, counts, sums)
        naive = self.independent(whole, whole_sums)
        n = float(self.units(whole, whole_sums))
        effect = design_effect(error, naive.standard_error, n, n)
        return self.independent(whole / effect, whole_sums)


@metric(
    "latency_pN_ms",
    unit="ms",
    better="lower",
    columns=("latency_ms",),
    interval="order statistics on bins 0.5% wide",
    gate="exact order statistics: one bin edge lies on the bar",
    source="Conover (1999), Practical Nonparametric Statistics, section 3.2",
    example="latency_p99_ms <= 200",
    smallest_n=299,
)
def latency(call: Call, frame: Frame) -> Metric:
    """The N-th percentile of latency in milliseconds: latency_p50_ms, latency_p95_ms, latency_p99_ms."""
    digits = call.name.split("_")[1][1:]
    share = float("0." + digits) if len(digits) > 2 else int(digits) / 100
    if not 0 < share < 1:
        raise UsageError(
            f"{call.name} is no percentile.", fix="Use latency_p50_ms, latency_p95_ms or latency_p99_ms."
        )
    bar = frame.bars.get("latency") or 200.0
    latency_ms = f"greatest({frame.column('latency_ms')}, 1e-3)"
    code = f"least(greatest(ceil(ln({latency_ms} / {bar!r}) / {STEP}), {-REACH}), {REACH}) + {REACH}"
    key = Key(f"{frame.prefix}latency", f"CAST({code} AS INTEGER)", 2 * REACH + 1)
    edges = bar * np.exp(STEP * np.arange(-REACH, REACH + 1))
    edges[REACH] = bar
    return LatencyQuantile(
        str(call), "ms", "lower", Total(by=(key,)), share, edges, smallest_n=299, explored=False
    )
