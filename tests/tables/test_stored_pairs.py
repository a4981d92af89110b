"""Stored runs are paired piece by piece, and say the same as one plain join does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shipworthy.errors import InputError
from shipworthy.tables import pairs as pairing
from shipworthy.tables.asks import Ask, Key, Total
from shipworthy.tables.pairs import PAIRED, Pairs, pair_rows, read_pairs, shared_rows
from shipworthy.tables.rows import attach_rows
from shipworthy.tables.totals import read_totals

CASES = 9_000
BOTH_RIGHT = Ask(
    Total(
        (Key("ok", "CAST(ok AS INTEGER)", 2), Key("other_ok", "CAST(other_ok AS INTEGER)", 2)),
        ("latency_ms", "other_latency_ms"),
    )
)


def store(
    connection: Any,
    folder: Path,
    name: str,
    kept: str = "true",
    group: int = 2048,
    order: str = "1, 2",
    **columns: str,
) -> None:
    """Write a stored run of some of the cases, two repeats of every third, and attach it."""
    of_row = {
        "case_id": "printf('case-with-a-long-name-%06d', i)",
        "repeat": "r",
        "label": "CAST(i % 2 AS VARCHAR)",
        "prediction": "'1'",
        "ok": f"CAST(hash(i, r, '{name}') % 2 AS TINYINT)",
        "latency_ms": f"CAST(hash(i, r, '{name}') % 1000 AS DOUBLE)",
        "cluster_group": "CAST(i % 64 AS SMALLINT)",
        "cluster_id": "CAST(i AS VARCHAR)",
        "unscored_reason": "CASE WHEN i % 50 = 7 THEN 'lost' END",
    } | columns
    for empty in ("query_id", "predicted_score", "grade", "correct", "run_cost", "failed_reason", "outcome"):
        of_row.setdefault(empty, "CAST(NULL AS VARCHAR)")
    listed = ", ".join(f"{sql} AS {column}" for column, sql in of_row.items())
    path = folder / f"{name}'s [1].parquet"
    quoted = str(path).replace("'", "''")
    connection.execute(
        f"""COPY (SELECT {listed} FROM range({CASES}) t(i), range(2) u(r)
            WHERE (r = 0 OR i % 3 = 0) AND {kept} ORDER BY {order})
            TO '{quoted}' (FORMAT parquet, ROW_GROUP_SIZE {group})"""
    )
    attach_rows(connection, path, name)


@pytest.fixture
def in_small_pieces(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a few thousand rows as millions are cut."""
    monkeypatch.setattr(pairing, "FEWEST_ROWS", 2_000)
    monkeypatch.setattr(pairing, "JOINED_AT_ONCE", 8_000)
    connection.execute("SET threads = 3")


def plainly(connection: Any, ours: str, theirs: str) -> Pairs:
    """Pair by one join over copies that lie in the engine."""
    for name in (ours, theirs):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_copy AS SELECT * FROM {name}")
    return pair_rows(connection, f"{ours}_copy", f"{theirs}_copy", "plainly")


def assert_same(connection: Any, pieces: Pairs, whole: Pairs) -> None:
    """Assert that both hold the same pairs, and that their totals are equal."""
    pair = "case_id, repeat, label, ok, other_ok, latency_ms, other_latency_ms, unscored_reason"
    ours, theirs = (
        connection.execute(f"SELECT {pair} FROM {pairs.table} ORDER BY 1, 2").fetchall()
        for pairs in (pieces, whole)
    )
    assert ours == theirs
    asks = [BOTH_RIGHT, PAIRED]
    found, expected = read_pairs(connection, pieces, asks), read_totals(connection, whole.table, asks)
    for ask in asks:
        np.testing.assert_array_equal(found[ask].all()[0], expected[ask].all()[0])
        for mine, plain in zip(found[ask].all()[1], expected[ask].all()[1], strict=True):
            np.testing.assert_allclose(mine, plain, rtol=1e-9)
    shared = shared_rows(connection, pieces, found[PAIRED])
    assert shared == shared_rows(connection, whole) == sum(row[-1] is None for row in theirs)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize("group", [2048, 4096])
def test_runs_in_step_are_read_side_by_side_in_a_part_for_each_thread(
    connection: Any, tmp_path: Path, group: int
) -> None:
    store(connection, tmp_path, "ours")
    store(connection, tmp_path, "theirs", group=group)
    pieces = pair_rows(connection, "ours", "theirs", "pairs", in_step=True)
    assert len(pieces.pieces) == 3
    assert pieces.in_order
    plan = str(connection.execute("EXPLAIN SELECT sum(ok + other_ok) FROM pairs").fetchall()).upper()
    assert plan.count("POSITIONAL") == 3
    assert_same(connection, pieces, plainly(connection, "ours", "theirs"))


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize(
    "kept",
    ["hash(i) % 40 <> 0", "i < 5000", "i >= 4000", "i BETWEEN 3000 AND 3010", "r = 0", "false", "i % 2 = 0"],
)
def test_runs_out_of_step_are_joined_range_by_range(connection: Any, tmp_path: Path, kept: str) -> None:
    store(connection, tmp_path, "ours", "hash(i, 'ours') % 30 <> 0")
    store(connection, tmp_path, "theirs", kept, group=4096)
    pieces = pair_rows(connection, "ours", "theirs", "pairs")
    if kept.startswith("hash"):
        assert len(pieces.pieces) > 2
    assert_same(connection, pieces, plainly(connection, "ours", "theirs"))


@pytest.mark.usefixtures("in_small_pieces")
def test_a_run_with_one_repeat_meets_that_repeat_only(connection: Any, tmp_path: Path) -> None:
    store(connection, tmp_path, "ours", "r = 0")
    store(connection, tmp_path, "theirs", "r = 1", repeat="1")
    pieces = pair_rows(connection, "ours", "theirs", "pairs")
    assert shared_rows(connection, pieces) == 0


@pytest.mark.usefixtures("in_small_pieces")
def test_queries_are_told_apart_in_stored_runs(connection: Any, tmp_path: Path) -> None:
    store(connection, tmp_path, "ours", query_id="CASE WHEN i % 5 > 0 THEN 'q' END")
    store(connection, tmp_path, "theirs", "i % 7 > 0", query_id="CASE WHEN i % 4 > 0 THEN 'q' END")
    pieces = pair_rows(connection, "ours", "theirs", "pairs")
    assert_same(connection, pieces, plainly(connection, "ours", "theirs"))


@pytest.mark.usefixtures("in_small_pieces")
def test_rows_that_stand_in_no_order_are_paired_all_the_same(connection: Any, tmp_path: Path) -> None:
    store(connection, tmp_path, "ours", order="hash(i), r")
    store(connection, tmp_path, "theirs", "i % 7 > 0", order="hash(i + 1), r")
    pieces = pair_rows(connection, "ours", "theirs", "pairs")
    assert len(pieces.pieces) > 1
    assert_same(connection, pieces, plainly(connection, "ours", "theirs"))


@pytest.mark.usefixtures("in_small_pieces")
def test_a_label_that_differs_is_named_whichever_piece_it_is_in(connection: Any, tmp_path: Path) -> None:
    store(connection, tmp_path, "ours")
    store(
        connection,
        tmp_path,
        "theirs",
        label="CASE WHEN i = 8765 THEN 'other' ELSE CAST(i % 2 AS VARCHAR) END",
    )
    for in_step in (True, False):
        pieces = pair_rows(connection, "ours", "theirs", "pairs", in_step=in_step)
        answer = read_pairs(connection, pieces, [PAIRED])[PAIRED]
        with pytest.raises(InputError, match=r"1 shared cases, for example 'case-with-a-long-name-008765'"):
            shared_rows(connection, pieces, answer)
