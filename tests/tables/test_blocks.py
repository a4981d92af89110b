"""Totals counted in blocks of coded rows are those of one query over the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shipworthy.evidence.populations import group_split
from shipworthy.tables import blocks
from shipworthy.tables.duck import path_literal
from shipworthy.tables.rows import attach_rows
from shipworthy.tables.scans import scans_listed
from shipworthy.tables.totals import LOST, WHOLE, Ask, Grain, Key, Total, read_totals

LABEL = Key("label", "CAST(label = 'yes' AS INTEGER)", 2)
BIN = Key("bin", "CAST(floor(latency_ms / 10) AS INTEGER)", 10)
RANK = Key("rank", "dense_rank() OVER (ORDER BY latency_ms) - 1", 1_100, is_local=True)
COLOURS = group_split("colour", ("red", "blue"))


def asks_of(*keys: Key) -> list[Ask]:
    total = Total(by=keys, sums=("latency_ms",))
    return [Ask(total), Ask(total, COLOURS), Ask(total, COLOURS, by_group=False)]


@pytest.fixture
def stored(connection: Any, tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    connection.execute(
        f"""COPY (SELECT 'c' || lpad(CAST(i AS VARCHAR), 5, '0') AS case_id,
            CASE WHEN i % 3 = 0 THEN 'yes' WHEN i % 3 = 1 THEN 'no' END AS label,
            CASE i % 5 WHEN 0 THEN 'red' WHEN 1 THEN 'blue' WHEN 2 THEN 'green' END AS colour,
            (i * 37 % 1009) / 10.09 AS latency_ms, CAST(i // 4 % 64 AS SMALLINT) AS cluster_group,
            CASE WHEN i % 50 = 0 THEN 'lost' END AS unscored_reason, 'k' || i // 4 AS cluster_id
          FROM (SELECT CAST(range AS INTEGER) AS i FROM range(5000)) ORDER BY case_id)
          TO {path_literal(path)} (FORMAT parquet)"""
    )
    attach_rows(connection, path, "rows")
    return path


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make blocks small, and note how many each answer is counted from."""
    counts: list[int] = []
    whole = blocks.count_blocks

    def noting(connection: Any, parts: Any, *others: Any) -> Any:
        counts.append(len(parts))
        return whole(connection, parts, *others)

    monkeypatch.setattr("shipworthy.tables.totals.count_blocks", noting)
    monkeypatch.setattr(blocks, "BLOCK", 700)
    monkeypatch.setattr(blocks, "TOGETHER", 300)
    monkeypatch.setattr(blocks, "FEWEST_CELLS", 1)
    return counts


@pytest.mark.parametrize("groups", [1, 64])
def test_blocks_add_up_to_the_whole(connection: Any, stored: Path, taken: list[int], groups: int) -> None:
    asks = asks_of(LABEL, BIN)
    with scans_listed() as scans:
        found = read_totals(connection, "rows", asks, groups)
    streamed = read_totals(connection, "(SELECT * FROM rows)", asks, groups)
    assert taken == [8]
    assert next(scan.tables for scan in scans if scan.serves == "totals") == 1
    for ask in asks:
        for code in range(len(ask.split.labels)):
            (counts, sums), (others, other_sums) = found[ask].at(code), streamed[ask].at(code)
            np.testing.assert_array_equal(counts, others)
            np.testing.assert_allclose(sums[0], other_sums[0], rtol=1e-12)
    assert found[asks[0]].at(0)[0].sum() == 4900


def test_an_entry_stands_once_however_many_blocks_there_are(
    connection: Any, stored: Path, taken: list[int]
) -> None:
    table = read_totals(connection, "rows", asks_of(LABEL))[asks_of(LABEL)[1]]
    cells = list(zip(table.populations.tolist(), table.keys[:, 0].tolist(), strict=True))
    assert len(cells) == len(set(cells)) == 6


@pytest.mark.parametrize("groups", [1, 64])
def test_weights_squares_and_missing_numbers_are_counted_as_the_query_counts_them(
    connection: Any, stored: Path, taken: list[int], groups: int
) -> None:
    connection.execute(
        f"""COPY (SELECT *, (row_number() OVER ()) % 7 / 3.0 AS weight,
              CASE WHEN case_id > 'c01000' AND label IS NOT NULL THEN latency_ms - 50 END AS gain FROM rows)
            TO {path_literal(stored.with_name("weighted.parquet"))} (FORMAT parquet)"""
    )
    attach_rows(connection, stored.with_name("weighted.parquet"), "heavy")
    number = "(gain)"
    sums = (number, f"{number} * {number}", f"CASE WHEN {number} IS NULL THEN 0 ELSE 1 END")
    within = group_split("colour", ("red", "blue"), "label = 'yes'")
    totals = [Total(by=(LABEL,), sums=sums), Total(by=(LOST, BIN), grain=Grain("planned"))]
    asks = [Ask(total, split) for total in totals for split in (WHOLE, COLOURS, within)]
    for mean_weight in (None, 1.25):
        found = read_totals(connection, "heavy", asks, groups, mean_weight, clustered=False)
        queried = read_totals(connection, "(SELECT * FROM heavy)", asks, groups, mean_weight, clustered=False)
        for ask in asks:
            np.testing.assert_array_equal(found[ask].keys, queried[ask].keys)
            np.testing.assert_allclose(found[ask].all()[0], queried[ask].all()[0], rtol=1e-12)
            np.testing.assert_allclose(found[ask].sums, queried[ask].sums, rtol=1e-9, atol=1e-9)
    assert taken == [8, 8]


def test_tables_too_wide_to_be_held_are_left_to_the_engine(
    connection: Any, stored: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MOST_NUMBERS", 20)
    ask = asks_of(LABEL, BIN)[0]
    assert read_totals(connection, "rows", [ask])[ask].at(0)[0].sum() == 4900
    assert taken == []


def test_few_cells_are_left_to_the_engine(
    connection: Any, stored: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "FEWEST_CELLS", 1_000)
    ask = asks_of(LABEL, BIN)[0]
    assert read_totals(connection, "rows", [ask])[ask].at(0)[0].sum() == 4900
    assert taken == []


def test_ranks_among_all_rows_are_not_taken_block_by_block(
    connection: Any, stored: Path, taken: list[int]
) -> None:
    ask = Ask(Total(by=(RANK,)))
    counts = read_totals(connection, "rows", [ask])[ask].at(0)[0][0]
    assert taken == []
    assert counts.max() <= 5


def test_rows_that_were_made_anew_under_the_name_are_not_mixed_up_with_the_stored_ones(
    connection: Any, stored: Path, taken: list[int]
) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW rows AS SELECT * FROM read_parquet({path_literal(stored)}) "
        "WHERE label = 'yes'"
    )
    ask = asks_of(LABEL)[0]
    counts = read_totals(connection, "rows", [ask])[ask].at(0)[0]
    assert taken == []
    assert counts[..., 0].sum() == 0 < counts[..., 1].sum()


def test_nothing_is_left_behind(connection: Any, stored: Path, taken: list[int]) -> None:
    read_totals(connection, "rows", asks_of(LABEL, BIN))
    left = connection.execute("SELECT count(*) FROM duckdb_tables()").fetchone()
    assert left == (0,)
