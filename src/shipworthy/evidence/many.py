"""A metric on all slices of a split at once, with each slice's gap to the rest of the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from shipworthy.evidence.estimating import Measured, estimate_of, is_clustered, measure, profile_at
from shipworthy.evidence.metric import (
    CellFunction,
    CellMean,
    Floats,
    Metric,
    RowMean,
    Unmeasurable,
    are_clusters,
)
from shipworthy.evidence.metrics.discrimination import Auc, CalibrationError
from shipworthy.evidence.metrics.latency import LatencyQuantile, SmoothQuantile
from shipworthy.records import Estimate
from shipworthy.stats import many
from shipworthy.stats.auc import auc_bounds
from shipworthy.stats.confidence import Difference, Proportion
from shipworthy.stats.design import design_effect
from shipworthy.stats.many import Many
from shipworthy.stats.mapped import Mapped
from shipworthy.tables.row_plan import RowsProfile
from shipworthy.tables.totals import Table

__all__ = ["SliceMeasured", "measure_slices", "shown_alone"]

#: Numbers that are held at once; wider tables are read population by population.
MOST_NUMBERS = 4_000_000

Sums = tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class SliceMeasured:
    """One slice.

    Args:
        estimate: The metric on the slice.
        gap: The slice less the rest of the rows; None where that has no meaning.
        p_value: Two-sided p-value of the gap, not adjusted; None where there is none.
    """

    estimate: Estimate
    gap: Estimate | None = None
    p_value: float | None = None


def measure_slices(
    metric: Metric, tables: Sequence[Table], profile: RowsProfile
) -> tuple[tuple[SliceMeasured, ...], ...]:
    """Measure a metric on each population of some tables, each set against all others of its table together.

    Args:
        metric: The metric.
        tables: The answers to its total, one per split.
        profile: The rows' profile.

    Returns:
        For each table one result per population, in the order of their codes; equal to what `measure` gives
        one by one.
    """
    inside = _many(metric, tables, profile, rest=False)
    outside = _many(metric, tables, profile, rest=True) if metric.explored else None
    gaps = many.differences(inside.found, outside.found) if inside and outside else None
    rows = None if gaps is None else np.stack(gaps, axis=1).tolist()
    results, at = [], 0
    for table in tables:
        of_table = []
        for code in range(len(table.labels)):
            known = inside is not None and bool(inside.found.regular[at])
            estimate = _estimate_at(metric, inside, at) if known and inside else None
            gap: tuple[Estimate | None, float | None] = (None, None)
            if metric.explored:
                if known and inside and outside and rows and outside.found.regular[at]:
                    gap = _gap_at(metric, inside, outside, rows[at], at)
                else:
                    gap = _gap_alone(metric, table, code, profile)
            of_table.append(SliceMeasured(estimate or shown_alone(metric, table, code, profile), *gap))
            at += 1
        results.append(tuple(of_table))
    return tuple(results)


@dataclass(frozen=True, eq=False)
class _Measured:
    """Estimates of many populations, with the units they rest on and what binning may hide."""

    found: Many
    n: Floats
    blur: Floats


def _many(metric: Metric, tables: Sequence[Table], profile: RowsProfile, rest: bool) -> _Measured | None:
    """Return all populations of the tables, or all rests, at once; None where each is taken by itself."""
    populations = sum(len(table.labels) for table in tables)
    estimate = BY_TYPE.get(type(metric))
    if estimate is None or not populations:
        return None
    if populations * tables[0].groups * prod(tables[0].sizes) > MOST_NUMBERS:
        return None
    clustered = is_clustered(metric, profile)
    spreads = [table.spread for table in tables if table.spread is not None and metric.wider is not None]
    groups = (spreads or tables)[0].groups
    if clustered and (any(table.independent for table in tables) or are_clusters(groups)):
        return None
    counts, sums = _dense(tables, rest)
    whole, whole_sums = counts.sum(axis=1), tuple(part.sum(axis=1) for part in sums)
    n = np.asarray(metric.units(whole, whole_sums), dtype=float)
    with np.errstate(all="ignore"):
        if clustered:
            weights = profile.weight_effect
            by_group = metric
            if spreads and metric.wider is not None:
                by_group, (counts, sums) = metric.wider, _dense(spreads, rest)
            effects = _effects(by_group, *_divided(counts, sums, weights))
            found = _shrunk(metric, *_divided(whole, whole_sums, weights), effects)
        else:
            found = estimate(metric, whole, whole_sums)
    if found is None:
        return None
    measurable = (n > 0) & np.isfinite(found.value)
    blur = np.zeros(len(n))
    if isinstance(metric, Auc) and metric.binned:
        low, high = auc_bounds(whole[:, 1, :-1], whole[:, 0, :-1])
        blur = np.nan_to_num((high - low) / 2)
    return _Measured(_only(found, measurable), n, blur)


def _dense(tables: Sequence[Table], rest: bool) -> tuple[Floats, Sums]:
    """Return the populations of all tables, or their rests, as arrays (populations, groups, *sizes)."""
    dense = [_rests(table.all()) if rest else table.all() for table in tables]
    counts = np.concatenate([part[0] for part in dense])
    return counts, tuple(np.concatenate(parts) for parts in zip(*(part[1] for part in dense), strict=True))


def _divided(counts: Floats, sums: Sums, by: float) -> tuple[Floats, Sums]:
    return counts / by, tuple(part / by for part in sums)


def _rests(dense: tuple[Floats, Sums]) -> tuple[Floats, Sums]:
    """Return all other populations together, for each population."""
    counts, sums = dense
    return np.maximum(counts.sum(axis=0) - counts, 0.0), tuple(part.sum(axis=0) - part for part in sums)


def _only(found: Many, regular: NDArray[np.bool_]) -> Many:
    return Many(
        found.value,
        found.low,
        found.high,
        found.error,
        found.method,
        found.regular & regular,
    )


# -- one by one ----------------------------------------------------------------------------------------------


def shown_alone(metric: Metric, table: Table, code: int, profile: RowsProfile) -> Estimate:
    """Return a metric on one population as it is shown, unknown with its reason where it cannot be.

    Args:
        metric: The metric.
        table: The answer to its total.
        code: The population.
        profile: The rows' profile.
    """
    try:
        found = measure(metric, table, code, profile)
    except Unmeasurable as error:
        return Estimate.unknown_because(str(error), metric.unit)
    return _too_few(metric, found.n) or estimate_of(found.confidence, metric.unit, found.n, found.blur)


def _too_few(metric: Metric, n: int) -> Estimate | None:
    if metric.unit == "share" and not metric.explored and n < metric.smallest_n:
        return Estimate.unknown_because(f"{n} rows say too little; it needs {metric.smallest_n}", metric.unit)
    return None


def _gap_alone(
    metric: Metric, table: Table, code: int, profile: RowsProfile
) -> tuple[Estimate | None, float | None]:
    inside = _measured(metric, table, code, profile)
    outside = _measured(metric, table.against_rest(code), 1, profile)
    if inside is None or outside is None:
        return None, None
    gap = Difference(inside.confidence, outside.confidence)
    estimate = estimate_of(gap, _unit_of_gap(metric), inside.n + outside.n)
    return estimate, _p_value(gap.value, gap.standard_error)


def _measured(metric: Metric, table: Table, code: int, profile: RowsProfile) -> Measured | None:
    try:
        return measure(metric, table, code, profile_at(table, code, profile))
    except Unmeasurable:
        return None


def _unit_of_gap(metric: Metric) -> str:
    return "points" if metric.unit == "share" else metric.unit


def _p_value(gap: float, error: float) -> float | None:
    # The same as twice the normal tail, without a call of an array function for one number.
    return math.erfc(abs(gap) / error / math.sqrt(2)) if 0 < error < math.inf else None


# -- all at once ---------------------------------------------------------------------------------------------


def _estimate_at(metric: Metric, measured: _Measured, code: int) -> Estimate:
    n, blur, found = round(float(measured.n[code])), float(measured.blur[code]), measured.found
    few = _too_few(metric, n)
    if few is not None:
        return few
    return _estimate(
        found.value[code], found.low[code] - blur, found.high[code] + blur, n, metric.unit, found.method[code]
    )


def _gap_at(
    metric: Metric, inside: _Measured, outside: _Measured, row: list[float], code: int
) -> tuple[Estimate, float | None]:
    value, low, high, error = row
    n = round(float(inside.n[code])) + round(float(outside.n[code]))
    first, second = inside.found.method[code], outside.found.method[code]
    method = f"square-and-add ({first if first == second else f'{first} and {second}'})"
    if first == second == "Wilson":
        method = "Newcombe"
    return _estimate(value, low, high, n, _unit_of_gap(metric), method), _p_value(value, error)


def _estimate(value: float, low: float, high: float, n: int, unit: str, method: str) -> Estimate:
    return Estimate(float(value), _finite(low), _finite(high), n, unit, method)


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _cell_mean(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    assert isinstance(metric, CellMean)  # noqa: S101 - by its type
    inside = counts[:, metric.among]
    if metric.is_rate:
        return many.proportions(inside @ metric.values[metric.among], inside.sum(axis=1))
    if metric.possible[0] == metric.possible[1]:
        return None
    return many.table_means(inside, metric.values[metric.among], metric.possible)


def _cell_function(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    """Take the functions that map a proportion; all others are drawn."""
    assert isinstance(metric, CellFunction)  # noqa: S101 - by its type
    if metric.exact is None:
        return None
    held = np.isfinite(metric.value(counts, sums))
    mappings = [metric.exact(table) if usable else None for table, usable in zip(counts, held, strict=True)]
    seen = [each for each in mappings if each is not None]
    if not seen or not all(isinstance(each, Mapped) and isinstance(each.inner, Proportion) for each in seen):
        return None
    pairs = [
        (each.inner.successes, each.inner.n)
        if isinstance(each, Mapped) and isinstance(each.inner, Proportion)
        else (0.0, 0.0)
        for each in mappings
    ]
    inner = many.proportions(*np.array(pairs).T)
    first = seen[0]
    return many.mapped(inner, first.function) if isinstance(first, Mapped) else None


def _row_mean(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    assert isinstance(metric, RowMean)  # noqa: S101 - by its type
    return many.means(sums[0], sums[1], sums[2], metric.floor, metric.ceiling)


def _area(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    return many.areas(counts[:, 1, :-1], counts[:, 0, :-1])


def _calibration(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    table, predicted = counts[:, :-1, :2], sums[0][:, :-1, :2].sum(axis=-1)
    return many.calibration_errors(table.sum(axis=-1), predicted, table[..., 1])


def _latency(metric: Metric, counts: Floats, sums: Sums) -> Many | None:
    assert isinstance(metric, LatencyQuantile)  # noqa: S101 - by its type
    return many.quantiles(counts[:, :-1], metric.edges, metric.share)


def _smooth(metric: Metric, counts: Floats, sums: Sums) -> Many:
    assert isinstance(metric, SmoothQuantile)  # noqa: S101 - by its type
    value, error = metric.value(counts, sums), metric.naive_error(counts)
    return Many(value, value, value, error, ("",) * len(value), np.isfinite(value) & np.isfinite(error))


#: By the exact type: a subclass may bound its value in a way of its own, and is taken one by one.
BY_TYPE: dict[type[Metric], Callable[[Metric, Floats, Sums], Many | None]] = {
    CellMean: _cell_mean,
    CellFunction: _cell_function,
    RowMean: _row_mean,
    Auc: _area,
    CalibrationError: _calibration,
    LatencyQuantile: _latency,
    SmoothQuantile: _smooth,
}


def _effects(metric: Metric, counts: Floats, sums: Sums) -> Floats | None:
    """Return the design effects that a jackknife over groups shows; NaN where it shows none."""
    whole, whole_sums = counts.sum(axis=1), tuple(part.sum(axis=1) for part in sums)
    rest_sums = tuple(total[:, None] - part for total, part in zip(whole_sums, sums, strict=True))
    left_out = metric.value(whole[:, None] - counts, rest_sums)
    occupied = counts.sum(axis=tuple(range(2, counts.ndim))) > 0
    kept = occupied & np.isfinite(left_out)
    groups, seen = occupied.sum(axis=1), kept.sum(axis=1)
    middle = np.where(kept, left_out, 0.0).sum(axis=1) / np.maximum(seen, 1)
    spread = np.where(kept, (left_out - middle[:, None]) ** 2, 0.0).sum(axis=1)
    error = np.sqrt((seen - 1) / np.maximum(seen, 1) * spread)
    error = np.where((groups > 1) & (seen > 1), error, np.nan)
    naive = BY_TYPE[type(metric)](metric, whole, whole_sums)
    if naive is None:
        return None
    n, events = _n_and_events(metric, whole, whole_sums, error)
    rows = np.stack([error, naive.error, n, events], axis=1)
    effects = np.array([design_effect(*row) for row in rows.tolist()])
    if isinstance(metric, RowMean):
        # Two effective rows are the fewest that have a spread.
        effects = np.minimum(effects, n / 2)
    return np.where(naive.regular & np.isfinite(error), effects, np.nan)


def _shrunk(metric: Metric, whole: Floats, whole_sums: Sums, effects: Floats | None) -> Many | None:
    """Return estimates on counts shrunk by the design effects."""
    if effects is None:
        return None
    seen = np.isfinite(effects)
    by = np.where(seen, effects, 1.0)

    def divided(part: Floats) -> Floats:
        return np.asarray(part / by.reshape(-1, *(1,) * (part.ndim - 1)))

    found = BY_TYPE[type(metric)](metric, divided(whole), tuple(divided(part) for part in whole_sums))
    return None if found is None else _only(found, seen)


def _n_and_events(metric: Metric, whole: Floats, whole_sums: Sums, error: Floats) -> tuple[Floats, Floats]:
    """Return the rows that a design effect may use up, and the events that show clustering."""
    sizes = np.asarray(whole.sum(axis=tuple(range(1, whole.ndim))))
    if isinstance(metric, CellMean):
        return metric.units(whole, whole_sums), np.array([metric.events(table) for table in whole])
    if isinstance(metric, CellFunction):
        return sizes, sizes - whole.max(axis=tuple(range(1, whole.ndim)))
    if isinstance(metric, Auc):
        rarer = whole[:, :2, :-1].sum(axis=-1).min(axis=-1)
        return rarer / 2, np.where(error > 0, rarer, 0.0)
    if isinstance(metric, CalibrationError):
        return sizes, sizes
    n = np.asarray(metric.units(whole, whole_sums))
    return n, n
