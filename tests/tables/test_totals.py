"""One query answers every ask, and it scans the rows once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shipworthy.define.rules import parse_rule
from shipworthy.define.spec import Costs
from shipworthy.evidence.frame import Frame
from shipworthy.evidence.metric import METRICS, bind
from shipworthy.evidence.populations import group_split
from shipworthy.tables.row_plan import RowsPlan
from shipworthy.tables.rows import attach_rows, build_rows
from shipworthy.tables.totals import Ask, Key, Split, Total, read_totals, totals_sql


@pytest.fixture
def stored(connection: Any, tmp_path: Path) -> Any:
    """Return the profile of 4,000 rows stored as Parquet under the name rows."""
    columns = {
        "repeat": "i % 4",
        "label": "hash(i // 4) % 2",
        "prediction": "CASE WHEN i % 97 > 0 THEN hash(i + 1) % 2 END",
        "predicted_score": "(hash(i) % 1000) / 1000.0",
        "latency_ms": "hash(i + 2) % 500",
        "run_cost": "(hash(i + 3) % 100) / 1e4",
        "colour": "chr((65 + hash(i + 4) % 5)::INTEGER)",
        "shape": "CASE WHEN i % 3 > 0 THEN 'round' ELSE 'square' END",
    }
    listed = ", ".join(f"({sql})::VARCHAR AS {name}" for name, sql in columns.items())
    made = f"SELECT (i // 4)::VARCHAR AS case_id, {listed} FROM range(4000) r(i)"
    plan = RowsPlan(None, made, (), tuple(columns), slices=("colour", "shape"), source="made")
    return build_rows(connection, plan, "rows", tmp_path / "rows.parquet")


def asks_of(profile: Any) -> list[Ask]:
    frame = Frame(profile, "classifier", Costs(false_positive=1, false_negative=9))
    names = ["accuracy", "recall", "fpr", "f1", "auc", "calibration_error", "latency_p99_ms", "expected_cost"]
    names += ["run_cost", "failed_share", "unscored_share", "pass^2", "pass^4"]
    metrics = [bind(parse_rule(f"{name} >= 0").left, frame) for name in names]
    splits = [
        Split("", "0", ("all",)),
        group_split("colour", tuple("ABCDE")),
        group_split("shape", ("round", "square")),
    ]
    return list(dict.fromkeys(Ask(metric.total, split) for metric in metrics for split in splits))


@pytest.mark.parametrize("groups", [1, 128])
def test_many_asks_scan_the_file_once(connection: Any, stored: Any, groups: int) -> None:
    asks = asks_of(stored)
    assert len(asks) > 20
    found = connection.execute("EXPLAIN " + totals_sql("rows", asks, groups)).fetchall()
    plan = "\n".join(row[1] for row in found).upper()
    assert plan.count("READ_PARQUET") + plan.count("PARQUET_SCAN") == 1


def test_asking_together_answers_like_asking_alone(connection: Any, stored: Any) -> None:
    asks = asks_of(stored)
    together = read_totals(connection, "rows", asks, stored.groups)
    for ask in asks:
        alone = read_totals(connection, "rows", [ask], stored.groups)[ask]
        for code in range(len(ask.split.labels)):
            first, second = together[ask].at(code), alone.at(code)
            np.testing.assert_array_equal(first[0], second[0])
            for one, two in zip(first[1], second[1], strict=True):
                np.testing.assert_allclose(one, two, rtol=1e-12)


def test_groups_add_up_to_what_is_counted_without_them(connection: Any, stored: Any) -> None:
    asks = [ask for ask in asks_of(stored) if not ask.total.sums]
    apart, whole = read_totals(connection, "rows", asks, stored.groups), read_totals(connection, "rows", asks)
    for ask in asks:
        np.testing.assert_array_equal(apart[ask].at(0)[0].sum(axis=0), whole[ask].at(0)[0].sum(axis=0))


def test_a_value_outside_the_keys_has_the_last_slot_and_none_leaves_a_split(
    connection: Any, stored: Any
) -> None:
    split = Split("colour", "CASE colour WHEN 'A' THEN 0 WHEN 'B' THEN 1 END", ("A", "B"))
    ask = Ask(Total(by=(Key("shape", "CASE shape WHEN 'round' THEN 0 END", 1),), sums=("latency_ms",)), split)
    counts, sums = read_totals(connection, "rows", [ask])[ask].at(None)
    wanted = connection.execute(
        "SELECT count(*) FILTER (WHERE shape = 'round'), count(*) FILTER (WHERE shape <> 'round'), "
        "sum(latency_ms) FROM rows WHERE colour IN ('A', 'B')"
    ).fetchone()
    assert (*counts.sum(axis=0), sums[0].sum()) == wanted


def test_stored_rows_are_sorted_by_case(connection: Any, stored: Any, tmp_path: Path) -> None:
    attach_rows(connection, tmp_path / "rows.parquet", "again")
    ids = [row[0] for row in connection.execute("SELECT case_id FROM again").fetchall()]
    assert ids == sorted(ids)
    assert len(METRICS.names()) > 10
