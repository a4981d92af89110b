"""Laws that every metric of the catalogue obeys; a new metric is picked up by itself."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from making import make_rows
from shipworthy.define.rules import Call, parse_rule
from shipworthy.define.spec import Costs
from shipworthy.errors import UsageError
from shipworthy.evidence import frame as frames
from shipworthy.evidence.estimating import Measured, is_clustered, measure
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import METRICS, CellMean, Definition, RowMean, Unmeasurable, bind
from shipworthy.evidence.populations import columns_of, numbers_of, window_split
from shipworthy.tables.pairs import pair_rows
from shipworthy.tables.row_plan import Basis
from shipworthy.tables.totals import Ask, Split, Table, read_totals, table_from_plain

BASES = (Basis.PREDICTION, Basis.GRADE, Basis.NUMBER, Basis.RANKING)
COSTS = Costs(false_positive=3, false_negative=50, true_positive=10, poor=1, harmful=30, absolute_error=2)
#: Every metric in every form in which it can be written.
EVERY = [
    replace(definition, example=rule)
    for _name, definition in METRICS
    for rule in (definition.example, *definition.forms)
]
#: Their values depend on n by definition: the part that sampling noise explains is taken away.
DEBIASED = {"calibration_error"}
#: Distinct things do not add up over parts: they take a pass of their own, and say so.
OWN_PASS = {"catalogue_coverage@k"}
#: What their bins leave open is settled by an exact pass where it could change an answer.
SETTLED = {"auc", "average_precision"}
#: What stands in the columns that metrics compare as text.
TEXTS = {
    "refused": ("yes", "no"),
    "winner": ("candidate", "live", "tie"),
    "position": ("first", "second"),
}


def call_of(definition: Definition) -> Call:
    """Return the metric call inside the definition's example rule."""
    left = parse_rule(definition.example).left
    inner = left.arguments[0] if left.arguments else None
    return inner if isinstance(inner, Call) else left


def texts_of(definition: Definition) -> list[str]:
    """Return the columns that the definition's example compares as text."""
    return sorted(columns_of(parse_rule(definition.example)) & set(TEXTS))


def random_rows(definition: Definition, basis: str, n: int = 60, seed: int = 1) -> list[dict[str, Any]]:
    """Return random rows with every column any metric asks for."""
    rng = random.Random(f"{definition.name} {seed}")
    numbers, texts = numbers_of(parse_rule(definition.example)), texts_of(definition)
    rows = []
    for index in range(n):
        case = index // 4 if definition.unit_of_total == "case" else index
        row: dict[str, Any] = {
            "case_id": f"c{case:04d}",
            "repeat": index % 4 if definition.unit_of_total == "case" else 0,
            "colour": rng.choice(["red", "blue"])
            if definition.unit_of_total == "row"
            else f"side {case % 2}",
            "predicted_score": round(rng.random(), 2),
            "latency_ms": round(rng.expovariate(1 / 80), 3),
            "run_cost": round(rng.random() / 10, 4),
            **{name: round(rng.random(), 3) for name in sorted(numbers)},
            **{name: rng.choice(TEXTS[name]) for name in texts},
        }
        if basis == Basis.GRADE:
            row["grade"] = rng.choice(["good", "good", "poor", "harmful"])
        elif basis == Basis.RANKING:
            row |= {"query_id": f"q{index // 6}", "label": rng.choice([0, 0, 1, 2]), "case_id": f"d{index}"}
            row["colour"] = f"side {index // 6 % 2}"
        elif basis == Basis.NUMBER:
            row |= {"label": round(rng.random() * 9, 2), "prediction": round(rng.random() * 9, 2)}
        else:
            truth = rng.random() < 0.4
            row |= {"label": int(truth), "prediction": int(truth if rng.random() < 0.8 else not truth)}
        if rng.random() < 0.05 and basis != Basis.RANKING:
            row["failed_reason"] = "timeout"
        if rng.random() < 0.05 and basis != Basis.RANKING:
            row["unscored_reason"] = "judge crashed"
        rows.append(row)
    return rows


class Bench:
    """One metric bound to rows in the engine."""

    def __init__(
        self, connection: Any, definition: Definition, rows: list[dict[str, Any]], basis: str
    ) -> None:
        self.connection, self.call = connection, call_of(definition)
        extra = tuple(sorted(numbers_of(parse_rule(definition.example))))
        self.profile = make_rows(connection, "rows", rows, basis, scorers=extra)
        self.table = "rows"
        if definition.unit_of_total == "pair of rows":
            other = [row | {"prediction": 1} if row["case_id"] < "c0030" else row for row in rows]
            make_rows(connection, "other", other, basis, scorers=extra)
            pair_rows(connection, "rows", "other", "pairs")
            self.table = "pairs"
        self.frame = Frame(self.profile, "classifier", COSTS)
        self.metric = bind(self.call, self.frame)

    def tables(self, split: Split, where: str = "true") -> Any:
        ask = Ask(self.metric.total, split)
        groups = self.profile.groups if self.profile.clustered else 1
        rows = f"(SELECT * FROM {self.table} WHERE {where})"
        return read_totals(self.connection, rows, [ask], groups)[ask]

    def measured(self, split: Split, code: int | None = None, where: str = "true") -> Measured:
        return measure(self.metric, self.tables(split, where), code, self.profile)


def bench(connection: Any, definition: Definition, seed: int = 1, change: Any = None) -> Bench:
    """Return the metric on the first kind of rows that it can be measured on."""
    reasons = []
    for basis in BASES:
        rows = random_rows(definition, basis, seed=seed)
        rows = change(rows) if change else rows
        try:
            return Bench(connection, definition, rows, basis)
        except (Unmeasurable, KeyError) as error:
            reasons.append(str(error))
    raise AssertionError(f"{definition.name} binds to no kind of rows: {reasons}")


WHOLE = Split("", "0", ("all",))
COLOUR = Split("colour", "CASE WHEN colour IN ('red', 'side 0') THEN 0 ELSE 1 END", ("one", "two"))


def every_metric(function: Any) -> Any:
    return pytest.mark.parametrize("definition", EVERY, ids=lambda definition: definition.example)(function)


@every_metric
def test_a_definition_says_what_it_is_where_it_comes_from_and_how_it_is_written(
    definition: Definition,
) -> None:
    assert len(definition.definition) > 20
    assert definition.definition.rstrip()[-1] in ".:)"
    assert len(definition.source) > 5
    assert definition.interval
    assert definition.gate
    assert definition.smallest_n > 0
    assert parse_rule(definition.example).bar >= 0


@every_metric
def test_a_metric_carries_the_name_the_unit_and_the_direction_of_its_definition(
    connection: Any, definition: Definition
) -> None:
    metric = bench(connection, definition).metric
    assert metric.name == str(call_of(definition))
    assert (metric.unit, metric.better, metric.smallest_n) == (
        definition.unit,
        definition.better,
        definition.smallest_n,
    )


@every_metric
def test_totals_of_the_parts_add_up_to_the_total_of_the_whole(
    connection: Any, definition: Definition
) -> None:
    made = bench(connection, definition)
    parts, whole = made.tables(COLOUR), made.tables(WHOLE)
    first, second, total = parts.at(0), parts.at(1), whole.at(0)
    np.testing.assert_allclose(first[0] + second[0], total[0])
    for one, two, both in zip(first[1], second[1], total[1], strict=True):
        np.testing.assert_allclose(one + two, both, atol=1e-9)
    summed = made.metric.value(
        (first[0] + second[0]).sum(axis=0),
        tuple((one + two).sum(axis=0) for one, two in zip(first[1], second[1], strict=True)),
    )
    assert summed == pytest.approx(made.measured(WHOLE).confidence.value, abs=1e-9)


@every_metric
def test_a_slice_is_measured_like_its_rows_alone(connection: Any, definition: Definition) -> None:
    made = bench(connection, definition)
    within = made.measured(COLOUR, 0)
    alone = made.measured(WHOLE, 0, where="colour IN ('red', 'side 0')")
    assert within.n == alone.n > 0
    assert within.confidence.value == pytest.approx(alone.confidence.value, abs=1e-9)
    assert within.n + made.measured(COLOUR, 1).n == made.measured(WHOLE).n


@every_metric
def test_the_order_of_rows_says_nothing(connection: Any, definition: Definition) -> None:
    straight = bench(connection, definition).measured(WHOLE)
    turned = bench(connection, definition, change=lambda rows: rows[::-1]).measured(WHOLE)
    assert straight.confidence.value == pytest.approx(turned.confidence.value, abs=1e-12)
    assert straight.bound("lower", 0.95) == pytest.approx(turned.bound("lower", 0.95), abs=1e-9)


def numbered(rows: list[dict[str, Any]]) -> list[int]:
    """Return the number of each row's unit: its query, its case, or the row itself."""
    units = [str(row.get("query_id", row["case_id"])) for row in rows]
    order = {unit: number for number, unit in enumerate(dict.fromkeys(units))}
    return [order[unit] for unit in units]


def dated(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give every row the day of its unit, so that windows of time keep units whole."""
    units = numbered(rows)
    return [
        row | {"time": f"2026-11-{1 + 9 * unit // (max(units) + 1):02d}T12:00:00"}
        for row, unit in zip(rows, units, strict=True)
    ]


def in_clusters(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put several units of one day into each cluster, so that windows keep clusters whole."""
    days = dated(rows)
    units = numbered(rows)
    return [
        row | {"cluster_id": f"{row['time'][:10]} {unit % 2}"} for row, unit in zip(days, units, strict=True)
    ]


HALVES = ("left(time, 10) < '2026-11-05'", "left(time, 10) >= '2026-11-05'")


def stored(table: Table) -> Table:
    """Return totals as they come back from where they were stored."""
    return table_from_plain(json.loads(json.dumps(table.to_plain())))


def assert_same_totals(ours: Any, theirs: Any) -> None:
    for one, other in zip((ours[0], *ours[1]), (theirs[0], *theirs[1]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-9)


@every_metric
@pytest.mark.parametrize("change", [dated, in_clusters])
def test_stored_totals_of_two_times_add_up_to_those_of_both(
    connection: Any, definition: Definition, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 0)
    made = bench(connection, definition, change=change)
    first, second = (made.tables(WHOLE, half) for half in HALVES)
    whole = made.tables(WHOLE)
    if definition.name in OWN_PASS:
        with pytest.raises(UsageError, match="cannot be added up"):
            first + second
        with pytest.raises(UsageError, match="cannot be stored"):
            first.to_plain()
        return
    both = stored(first) + stored(second)
    assert 0 < first.counts.sum() < whole.counts.sum()
    assert_same_totals(both.at(0), whole.at(0))
    summed, read = (measure(made.metric, table, 0, made.profile) for table in (both, whole))
    assert summed.n == read.n > 0
    assert summed.confidence.value == pytest.approx(read.confidence.value, rel=1e-9, abs=1e-9)
    for side in ("lower", "upper"):
        assert summed.bound(side, 0.95) == pytest.approx(read.bound(side, 0.95), rel=1e-6, abs=1e-9)


@every_metric
@pytest.mark.parametrize("by", ["day", "week"])
def test_windows_of_time_add_up_to_all_of_it(
    connection: Any, definition: Definition, by: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 0)
    made = bench(connection, definition, change=dated)
    split = window_split(date(2026, 11, 1), date(2026, 11, 9), by)
    windows, whole = made.tables(split), made.tables(WHOLE)
    assert len(split.labels) == (9 if by == "day" else 2)
    if definition.name in OWN_PASS:
        assert not windows.asked
        return
    assert_same_totals(windows.at(None), whole.at(0))
    second = "left(time, 10) = '2026-11-02'" if by == "day" else "left(time, 10) >= '2026-11-08'"
    alone = made.tables(WHOLE, second)
    np.testing.assert_allclose(windows.at(1)[0], alone.at(0)[0])


@every_metric
def test_only_what_ranks_or_counts_distinct_things_takes_a_pass_of_its_own(
    connection: Any, definition: Definition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "EXACT_ROWS", 0)
    made = bench(connection, definition)
    table = made.tables(WHOLE)
    assert bool(table.asked) == (definition.name not in OWN_PASS)
    # Whatever a metric leaves open in bins, it declares the pass that settles it, and the other way round.
    counts = table.at(0)[0].sum(axis=0)
    assert (made.metric.settling is not None) == (made.metric.binning_error(counts) > 0)
    assert (made.metric.settling is not None) == (definition.name in SETTLED)


def doubled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    copies = [row | {"case_id": f"{row['case_id']}+"} for row in rows]
    return rows + [row | {"query_id": f"{row['query_id']}+"} if "query_id" in row else row for row in copies]


@every_metric
def test_twice_the_same_rows_keep_the_value_and_narrow_the_bounds(
    connection: Any, definition: Definition
) -> None:
    once = bench(connection, definition).measured(WHOLE)
    twice = bench(connection, definition, change=doubled).measured(WHOLE)
    assert twice.n == 2 * once.n
    if definition.name not in DEBIASED:
        assert twice.confidence.value == pytest.approx(once.confidence.value, abs=1e-9)
        assert width(twice) < width(once) or width(twice) == width(once) == math.inf


def width(measured: Measured) -> float:
    return measured.bound("upper", 0.95) - measured.bound("lower", 0.95)


@every_metric
def test_no_data_is_unknown_with_a_reason_and_never_zero(connection: Any, definition: Definition) -> None:
    made = bench(connection, definition)
    with pytest.raises(Unmeasurable, match=r"\w+ \w+"):
        made.measured(Split("none", "CASE WHEN false THEN 0 END", ("none",)), 0)


@every_metric
def test_a_missing_column_is_named(connection: Any, definition: Definition) -> None:
    made = bench(connection, definition)
    for column in definition.columns:
        rest = tuple(name for name in made.profile.columns if name != column)
        with pytest.raises(Unmeasurable, match=column):
            bind(made.call, replace(made.frame, profile=replace(made.profile, columns=rest)))


@every_metric
def test_a_bound_is_on_its_own_side_of_the_value(connection: Any, definition: Definition) -> None:
    for seed in range(2):
        found = bench(connection, definition, seed).measured(WHOLE)
        slack = 1e-9 + 1e-3 * abs(found.confidence.value)
        assert found.bound("lower", 0.95) <= found.confidence.value + slack
        assert found.bound("upper", 0.95) >= found.confidence.value - slack
        assert found.bound("lower", 0.99) <= found.bound("lower", 0.95) + slack


@every_metric
@pytest.mark.parametrize("seed", range(2))
def test_a_better_row_never_makes_a_gate_on_a_count_table_worse(
    connection: Any, definition: Definition, seed: int
) -> None:
    made = bench(connection, definition, seed)
    metric = made.metric
    if not isinstance(metric, CellMean) or is_clustered(metric, made.profile):
        pytest.skip("not a mean over a count table of independent rows")
    found = made.measured(WHOLE)
    better = 1 if metric.better == "higher" else -1
    side = "lower" if metric.better == "higher" else "upper"
    before = metric.independent(found.counts, ()).bound(side, 0.95)
    cells = [tuple(cell) for cell in np.argwhere(metric.among)]
    for bad in [cell for cell in cells if found.counts[cell] > 0][:6]:
        for good in [cell for cell in cells if better * (metric.values[cell] - metric.values[bad]) > 0][:4]:
            counts = found.counts.copy()
            counts[bad] -= 1
            counts[good] += 1
            after = metric.independent(counts, ()).bound(side, 0.95)
            # Draws are random numbers; half a percent of the range is their error.
            slack = 0.0 if metric.is_rate else 0.005 * (metric.possible[1] - metric.possible[0])
            assert better * (after - before) >= -slack


@every_metric
@pytest.mark.parametrize("seed", range(2))
def test_a_better_row_never_makes_a_gate_on_a_bounded_mean_worse(
    connection: Any, definition: Definition, seed: int
) -> None:
    made = bench(connection, definition, seed)
    metric = made.metric
    if not isinstance(metric, RowMean) or metric.floor is None or metric.ceiling is None:
        pytest.skip("not a mean of numbers with two known ends")
    counts, sums = made.tables(WHOLE).at(0)
    total, squares, n = (float(part.sum()) for part in sums)
    better = 1 if metric.better == "higher" else -1
    side = "lower" if metric.better == "higher" else "upper"
    best = metric.ceiling if better > 0 else metric.floor
    before = metric.independent(counts, tuple(np.array(part) for part in (total, squares, n))).bound(
        side, 0.95
    )
    # One row of an ordinary value, and of the worst there is, becomes a little better or as good as can be.
    worst = metric.floor if better > 0 else metric.ceiling
    for value in (total / n, worst):
        for share in (0.1, 1.0):
            now = value + share * (best - value)
            changed = (total - value + now, squares - value**2 + now**2, n)
            after = metric.independent(counts, tuple(np.array(part) for part in changed)).bound(side, 0.95)
            assert better * (after - before) >= -1e-12


@every_metric
@pytest.mark.parametrize("seed", range(2))
def test_a_better_cluster_never_makes_a_gate_on_a_count_table_worse(
    connection: Any, definition: Definition, seed: int
) -> None:
    made = bench(connection, definition, seed, change=in_clusters)
    metric = made.metric
    if not isinstance(metric, CellMean) or not is_clustered(metric, made.profile):
        pytest.skip("not a mean over a count table of clusters")
    counts, _sums = made.tables(WHOLE).at(0)
    better = 1 if metric.better == "higher" else -1
    side = "lower" if metric.better == "higher" else "upper"
    before = metric.confidence(counts, (), True).bound(side, 0.95)
    cells = [tuple(cell) for cell in np.argwhere(metric.among)]
    changes = [
        (group, bad, good)
        for group in range(len(counts))
        for bad in cells
        if counts[(group, *bad)] > 0
        for good in cells
        if better * (metric.values[good] - metric.values[bad]) > 0
    ]
    for group, bad, good in changes[:: max(1, len(changes) // 12)]:
        changed = counts.copy()
        changed[(group, *bad)] -= 1
        changed[(group, *good)] += 1
        after = metric.confidence(changed, (), True).bound(side, 0.95)
        slack = 0.005 * (metric.possible[1] - metric.possible[0])
        assert better * (after - before) >= -slack


@every_metric
def test_clusters_of_one_row_are_no_clusters_and_one_cluster_gives_no_interval(
    connection: Any, definition: Definition
) -> None:
    if definition.unit_of_total in ("query", "case", "pair of rows"):
        pytest.skip("its units are made of several rows")
    bare = bench(connection, definition).measured(WHOLE)
    single = bench(
        connection, definition, change=lambda rows: [r | {"cluster_id": r["case_id"]} for r in rows]
    )
    assert single.measured(WHOLE).bound("lower", 0.95) == bare.bound("lower", 0.95)
    together = bench(connection, definition, change=lambda rows: [r | {"cluster_id": "one"} for r in rows])
    with pytest.raises(Unmeasurable, match="one cluster"):
        together.measured(WHOLE)


@every_metric
def test_equal_weights_say_nothing_and_uneven_ones_widen(connection: Any, definition: Definition) -> None:
    def weigh(rows: list[dict[str, Any]], heavy: float) -> list[dict[str, Any]]:
        return [row | {"weight": heavy if index % 2 else 1} for index, row in enumerate(rows)]

    if definition.unit_of_total in ("query", "case"):
        pytest.skip("weights belong to rows")
    bare = bench(connection, definition)
    even = bench(connection, definition, change=lambda rows: weigh(rows, 1.0))
    assert width(even.measured(WHOLE)) == pytest.approx(width(bare.measured(WHOLE)))
    assert not even.profile.weighted
    assert bench(connection, definition, change=lambda rows: weigh(rows, 7.0)).profile.weighted
