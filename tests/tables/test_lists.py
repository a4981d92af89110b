"""Lists of cases that come back to people."""

from __future__ import annotations

from typing import Any

import pytest

from shipworthy.tables.lists import list_flips

OUTCOMES = ("wrong", "harmful", "false_negative", "failed", "poor", None)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_flips_read_in_order_are_those_found_by_sorting(connection: Any, limit: int) -> None:
    listed = ", ".join("NULL" if name is None else f"'{name}'" for name in OUTCOMES)
    connection.execute(
        f"""CREATE TABLE pairs AS
            SELECT 'c' || lpad(CAST(i AS VARCHAR), 4, '0') AS case_id, 0 AS repeat,
              [{listed}][i % 7 % {len(OUTCOMES)} + 1] AS outcome, 'right' AS other_outcome, 'a' AS prediction,
              'b' AS label, CAST(NULL AS VARCHAR) AS failed_reason, i % 2 AS ok,
              CASE WHEN i % 9 = 0 THEN 'lost' END AS unscored_reason
            FROM range(60) t(i)"""
    )
    connection.execute("CREATE VIEW first AS SELECT * FROM pairs WHERE case_id < 'c0035'")
    connection.execute("CREATE VIEW rest AS SELECT * FROM pairs WHERE case_id >= 'c0035'")
    sorted_ = list_flips(connection, ["pairs"], "ok = 0", limit)
    assert list_flips(connection, ["pairs"], "ok = 0", limit, in_order=True) == sorted_
    assert list_flips(connection, ["first", "rest"], "ok = 0", limit, in_order=True) == sorted_
    assert list_flips(connection, ["first", "rest"], "ok = 0", limit) == sorted_
    assert len(sorted_) == min(limit, 26)
    assert sorted_[0].outcome == "harmful"
