"""Latency quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shipworthy.define.rules import Call
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import Frame, widened
from shipworthy.evidence.metric import Floats, Metric, Unmeasurable, design_effect, jackknife, metric
from shipworthy.stats.confidence import Confidence
from shipworthy.stats.quantile import BinnedQuantile
from shipworthy.tables.totals import Key, Total

#: Bins are half a percent wide, and an edge lies on every gate's bar, so that the gate itself is exact.
STEP = 0.005
REACH = 2400
#: In slices of many rows they are five percent wide, ten of the narrow ones together.
COARSE_STEP = 0.05
COARSE_REACH = 240
#: Where only the effect of clusters is read from them, they are wider still, eighty together.
WIDE_REACH = 30
USUAL_BAR = 200.0


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


@dataclass(frozen=True, eq=False)
class SmoothQuantile(Metric):
    """A quantile read off straight lines through wide bins, in widths of a bin: for its spread only.

    Args:
        share: The quantile's share, in (0, 1).
    """

    share: float

    def value(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the place of the quantile among the bins."""
        n, first, inside, below = self._where(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(n > 0, first + (self.share * n - below) / inside, np.nan)

    def units(self, counts: Floats, sums: tuple[Floats, ...]) -> Floats:
        """Return the number of rows with a number."""
        return np.asarray(counts[..., :-1].sum(axis=-1))

    def naive_error(self, counts: Floats) -> Floats:
        """Return the standard error of independent rows: that of the share, over the density.

        Args:
            counts: (..., bins + 1) counts.
        """
        n, _first, inside, _below = self._where(counts)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(self.share * (1 - self.share) * n) / inside)

    def effect(self, counts: Floats, sums: tuple[Floats, ...]) -> float:
        """Return how far leaving groups out moves the quantile, against what independent rows would."""
        _value, error, _groups = jackknife(self, counts, sums)
        whole = counts.sum(axis=0)
        n = float(self.units(whole, ()))
        return design_effect(error, float(self.naive_error(whole)), n, n)

    def _where(self, counts: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the rows, the bin of the quantile, the rows inside it and those below it."""
        held = counts[..., :-1]
        reached = np.cumsum(held, axis=-1)
        n = reached[..., -1]
        first = (reached >= (self.share * n - 1e-9 * np.maximum(n, 1.0))[..., None]).argmax(axis=-1)
        inside = np.take_along_axis(held, first[..., None], axis=-1)[..., 0]
        below = np.take_along_axis(reached, first[..., None], axis=-1)[..., 0] - inside
        return n, first.astype(float), inside, below


@metric(
    "latency_pN_ms",
    unit="ms",
    better="lower",
    columns=("latency_ms",),
    interval="order statistics on bins 0.5% wide (5% in slices of more than 250,000 rows)",
    gate="exact order statistics: a bin edge lies on every bar",
    source="Conover (1999), Practical Nonparametric Statistics, section 3.2",
    example="latency_p99_ms <= 200",
    smallest_n=299,
)
def latency(call: Call, frame: Frame) -> Metric:
    """The N-th percentile of latency in milliseconds: latency_p50_ms, latency_p95_ms, latency_p99_ms."""
    return _quantile(call, frame, "latency", "latency_ms")


@metric(
    "ttft_pN_ms",
    unit="ms",
    better="lower",
    interval="order statistics on bins 0.5% wide (5% in slices of more than 250,000 rows)",
    gate="exact order statistics: a bin edge lies on every bar",
    source="Conover (1999), Practical Nonparametric Statistics, section 3.2",
    example="ttft_p95_ms <= 800",
    smallest_n=299,
    numbers=("first_token_ms",),
)
def first_token(call: Call, frame: Frame) -> Metric:
    """The N-th percentile of the time to the first token, from the column first_token_ms.

    In milliseconds: ttft_p50_ms, ttft_p95_ms, ttft_p99_ms.
    """
    if not frame.has("#first_token_ms"):
        raise Unmeasurable("the rows have no number first_token_ms")
    return _quantile(call, frame, "ttft", "#first_token_ms")


def _quantile(call: Call, frame: Frame, name: str, column: str) -> Metric:
    """Return the quantile that a name such as latency_p99_ms asks of a column."""
    digits = call.name.split("_")[1][1:]
    share = float("0." + digits) if len(digits) > 2 else int(digits) / 100
    if not 0 < share < 1:
        raise UsageError(
            f"{call.name} is no percentile.", fix=f"Use {name}_p50_ms, {name}_p95_ms or {name}_p99_ms."
        )
    bars = sorted(set(frame.bars.get(name, ()))) or [USUAL_BAR]
    wider = _for_spread(call, frame, name, column, share, bars[0]) if frame.needs_spread else None
    step, reach = (COARSE_STEP if frame.is_coarse else STEP), (COARSE_REACH if frame.is_coarse else REACH)
    anchor, further = bars[0], bars[1:]
    key = Key(
        f"{frame.prefix}{name}",
        _bin(frame.column(column), anchor, further, reach),
        2 * reach + 1 + len(further),
    )
    grid = anchor * np.exp(step * np.arange(-reach, reach + 1))
    grid[reach] = anchor
    edges = np.sort(np.concatenate([grid, further]))
    total = Total(by=(key,), wider=wider.total if wider else None)
    return LatencyQuantile(
        str(call), "ms", "lower", total, share, edges, smallest_n=299, explored=False, wider=wider
    )


def _for_spread(
    call: Call, frame: Frame, name: str, column: str, share: float, anchor: float
) -> SmoothQuantile:
    """Return the quantile in bins so wide that many groups of clusters can be kept apart."""
    code = _bin(frame.column(column), anchor, (), WIDE_REACH)
    key = Key(f"{frame.prefix}{name}_wide", code, 2 * WIDE_REACH + 1)
    return SmoothQuantile(str(call), "ms", "lower", Total(by=(key,)), share)


def _bin(column: str, anchor: float, further: Sequence[float], reach: int) -> str:
    """Return SQL of a latency's bin: the number of edges below it, those of the grid and the further bars.

    Args:
        column: The latency in milliseconds.
        anchor: The bar on which the grid stands.
        further: The other bars.
        reach: Bins below the anchor, and above it; a divisor of the narrow ones.
    """
    ms = f"CAST({column} AS DOUBLE)"
    low, high = anchor * math.exp(-STEP * REACH), anchor * math.exp(STEP * REACH)
    fine = (
        f"CAST(CASE WHEN {ms} > {low!r} AND {ms} < {high!r} "
        f"THEN CAST(ceil(ln({ms} / {anchor!r}) / {STEP}) AS INTEGER) + {REACH} "
        f"WHEN {ms} <= {low!r} THEN 0 WHEN isnan({ms}) THEN NULL WHEN {ms} >= {high!r} THEN {2 * REACH} END "
        "AS SMALLINT)"
    )
    grid = widened(fine, REACH // reach)
    return " + ".join([grid, *(f"CASE WHEN {ms} > {bar!r} THEN 1 ELSE 0 END" for bar in further)])
