"""Many asks become few arms, and whatever they share is read off one table."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from making import make_rows
from shipworthy.define.rules import parse_rule
from shipworthy.errors import UsageError
from shipworthy.evidence.frame import (
    COARSE_BINS,
    FINE_BINS,
    Frame,
    calibration_edges,
    equal_bin,
    logit_bin,
)
from shipworthy.evidence.metric import bind
from shipworthy.evidence.populations import group_split, window_split
from shipworthy.tables.arms import plan_arms
from shipworthy.tables.asks import LOST
from shipworthy.tables.pairs import pair_rows, shared_rows
from shipworthy.tables.scans import scans_listed
from shipworthy.tables.totals import WHOLE, Ask, Grain, Key, Split, Total, read_totals, table_from_plain

ROWS = [
    {
        "case_id": f"c{i:03d}",
        "label": i % 3 == 0,
        "prediction": i % 4 == 0,
        "colour": "red" if i % 5 else "blue",
        "latency_ms": 10 + i % 37,
        "time": f"2026-11-{1 + i % 20:02d}T08:00:00",
        **({"unscored_reason": "judge"} if i % 29 == 0 else {}),
    }
    for i in range(300)
]
FINE = Key("fine", "CAST(floor(latency_ms / 5) AS INTEGER)", 10)
CODES = (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3)
COARSE = Key("coarse", "CAST(floor(latency_ms / 20) AS INTEGER)", 3, (FINE,), CODES)


@pytest.fixture
def rows(connection: Any) -> Any:
    return make_rows(connection, "rows", ROWS, positive=("True",))


def test_all_rows_and_a_value_of_a_column_are_read_off_the_table_by_that_column() -> None:
    total = Total(by=(FINE,))
    colours = group_split("colour", ("red", "blue"))
    readings = group_split("colour", ("red",)).readings
    one = Split("red", "CASE WHEN colour = 'red' THEN 0 END", ("red",), readings)
    arms, parts = plan_arms([Ask(total, colours), Ask(total, WHOLE), Ask(total, one)], 1)
    assert len(arms) == 1
    assert parts[Ask(total, WHOLE)].populations == (0, 0, 0)
    assert parts[Ask(total, one)].populations == (0, -1, -1)


def test_a_coarse_key_is_read_off_the_finer_one(connection: Any, rows: Any) -> None:
    asks = [Ask(Total(by=(COARSE,))), Ask(Total(by=(FINE,)))]
    assert len(plan_arms(asks, 1)[0]) == 1
    bare = Key("coarse", COARSE.sql, COARSE.size)
    found = read_totals(connection, "rows", asks)[asks[0]].at(0)[0]
    alone = read_totals(connection, "rows", [Ask(Total(by=(bare,)))])[Ask(Total(by=(bare,)))].at(0)[0]
    np.testing.assert_array_equal(found, alone)
    assert found.sum() == sum("unscored_reason" not in row for row in ROWS)


def test_tables_that_would_be_wide_together_stay_apart() -> None:
    wide = [Ask(Total(by=(Key(name, "0", 1_000),))) for name in ("one", "other")]
    assert len(plan_arms(wide, 1)[0]) == 2


def test_planned_rows_are_the_usable_ones_where_none_is_unscored(connection: Any) -> None:
    make_rows(connection, "whole", [row for row in ROWS if "unscored_reason" not in row], positive=("True",))
    asks = [Ask(Total(by=(LOST,), grain=Grain("planned"))), Ask(Total(by=(FINE,)))]
    with scans_listed() as scans:
        found = read_totals(connection, "whole", asks, unscored=False)[asks[0]].at(0)[0][0]
    assert found.tolist() == [len([row for row in ROWS if "unscored_reason" not in row]), 0, 0]
    assert [(scan.serves, scan.arms, scan.tables) for scan in scans] == [("totals", 1, 1)]


def test_unscored_rows_are_counted_where_there_are_some(connection: Any, rows: Any) -> None:
    asks = [Ask(Total(by=(LOST,), grain=Grain("planned"))), Ask(Total(by=(FINE,)))]
    found = read_totals(connection, "rows", asks)
    assert found[asks[0]].at(0)[0][0].tolist() == [289, 11, 0]
    assert found[asks[1]].at(0)[0].sum() == 289


@pytest.mark.parametrize("bins", [COARSE_BINS, FINE_BINS])
def test_calibrations_bins_are_read_off_the_joint_bins_exactly(connection: Any, bins: int) -> None:
    rng = np.random.default_rng(bins)
    scores = [*rng.random(4_000).round(4), *(k / 15 for k in range(16)), 0.0, 1.0, 1e-7, 1 - 1e-7, 0.5]
    listed = ", ".join(f"({score!r}::DOUBLE)" for score in map(float, scores))
    connection.execute(f"CREATE TEMP TABLE s AS SELECT * FROM (VALUES {listed}) t(x)")
    joint = f"{logit_bin('x', bins)} + {equal_bin('x')}"
    found = connection.execute(f"SELECT {joint}, {equal_bin('x')}, x FROM s ORDER BY x").fetchall()
    codes = np.concatenate([[0], np.cumsum(calibration_edges(bins))])
    assert [int(codes[code]) for code, _equal, _x in found] == [equal for _code, equal, _x in found]
    assert all(np.diff([code for code, _equal, _x in found]) >= 0)


def test_nan_and_missing_scores_have_no_bin(connection: Any) -> None:
    connection.execute("CREATE TEMP TABLE s AS SELECT * FROM (VALUES ('nan'::DOUBLE), (NULL)) t(x)")
    found = connection.execute(f"SELECT {logit_bin('x', 48)}, {equal_bin('x')} FROM s").fetchall()
    assert found == [(None, None), (None, None)]


def test_stored_totals_of_two_halves_add_up_to_the_whole(connection: Any, rows: Any) -> None:
    metric = bind(parse_rule("recall >= 0").left, Frame(rows, "classifier"))
    ask = Ask(metric.total, group_split("colour", ("red", "blue")))
    halves = [
        table_from_plain(
            read_totals(connection, f"(SELECT * FROM rows WHERE case_id {sign} 'c150')", [ask])[
                ask
            ].to_plain()
        )
        for sign in ("<", ">=")
    ]
    whole, both = read_totals(connection, "rows", [ask])[ask], halves[0] + halves[1]
    for code in (0, 1, None):
        np.testing.assert_array_equal(both.at(code)[0], whole.at(code)[0])


def test_totals_of_different_keys_or_by_ranks_are_not_added_up(connection: Any, rows: Any) -> None:
    fine, coarse = Ask(Total(by=(FINE,))), Ask(Total(by=(COARSE,)))
    ranks = Ask(Total(by=(Key("rank", "dense_rank() OVER (ORDER BY latency_ms) - 1", 37, is_local=True),)))
    found = read_totals(connection, "rows", [fine, coarse, ranks])
    with pytest.raises(UsageError, match="different keys"):
        found[fine] + found[coarse]
    with pytest.raises(UsageError, match="a rank"):
        found[ranks] + found[ranks]
    with pytest.raises(UsageError, match="a rank"):
        found[ranks].to_plain()


@pytest.mark.parametrize(("by", "windows"), [("day", 20), ("week", 3), ("month", 1)])
def test_windows_of_time_partition_the_rows(connection: Any, rows: Any, by: Any, windows: int) -> None:
    split = window_split(date(2026, 11, 1), date(2026, 11, 20), by)
    ask = Ask(Total(by=(FINE,)), split)
    table = read_totals(connection, "rows", [ask])[ask]
    counts = [table.at(code)[0].sum() for code in range(len(split.labels))]
    assert len(counts) == windows
    assert sum(counts) == 289
    last = {"day": 1, "week": 7, "month": 20}[by]
    usable = [row for row in ROWS if "unscored_reason" not in row]
    first = sum(row["time"] < f"2026-11-{last:02d}T99" for row in usable)
    assert counts[0] == first
    assert split.labels[0] == "2026-11-01"


def test_windows_counted_one_after_another_add_up_to_the_windows_counted_at_once(
    connection: Any, rows: Any
) -> None:
    total = Total(by=(FINE,), sums=("latency_ms",))
    early = Ask(total, window_split(date(2026, 11, 1), date(2026, 11, 9)))
    late = Ask(total, window_split(date(2026, 11, 10), date(2026, 11, 20)))
    whole = Ask(total, window_split(date(2026, 11, 1), date(2026, 11, 20)))
    both = read_totals(connection, "rows", [early])[early] + read_totals(connection, "rows", [late])[late]
    at_once = read_totals(connection, "rows", [whole])[whole]
    assert both.labels == at_once.labels
    np.testing.assert_array_equal(both.all()[0], at_once.all()[0])
    np.testing.assert_allclose(both.all()[1][0], at_once.all()[1][0])


def test_runs_in_step_are_paired_row_by_row_and_others_by_a_join(connection: Any) -> None:
    for name, rows in (("a", ROWS), ("b", ROWS), ("c", ROWS[:200])):
        make_rows(connection, name, rows, positive=("True",))
    in_step = pair_rows(connection, "a", "b", "step", in_step=True)
    assert shared_rows(connection, in_step) == 289
    assert shared_rows(connection, pair_rows(connection, "a", "b", "joined")) == 289
    fewer = pair_rows(connection, "a", "c", "fewer")
    assert shared_rows(connection, fewer) == sum("unscored_reason" not in r for r in ROWS[:200])
    columns = "case_id, repeat, label, prediction, other_prediction, other_ok, unscored_reason"
    side_by_side, joined = (
        sorted(connection.execute(f"SELECT {columns} FROM {view}").fetchall(), key=str)
        for view in ("step", "joined")
    )
    assert side_by_side == joined
    plan = str(connection.execute("EXPLAIN SELECT count(*), sum(other_ok) FROM step").fetchall()).upper()
    assert "POSITIONAL" in plan
    assert "HASH_JOIN" not in plan
