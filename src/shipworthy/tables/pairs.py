"""Two systems on the same cases, side by side as one relation."""

from __future__ import annotations

import duckdb

from shipworthy.errors import InputError
from shipworthy.tables.duck import quote

__all__ = ["OTHERS", "pair_rows"]

#: Columns of the other system that metrics may ask for, under the prefix other_.
OTHERS = (
    "prediction",
    "predicted_score",
    "grade",
    "correct",
    "latency_ms",
    "run_cost",
    "failed_reason",
    "outcome",
    "ok",
)


def pair_rows(connection: duckdb.DuckDBPyConnection, ours: str, theirs: str, name: str) -> int:
    """Make a view that joins two systems' rows on case and repeat.

    A row is usable where both systems' rows are; the other system's columns carry the prefix other_.

    Args:
        connection: The engine.
        ours: Rows of the subject.
        theirs: Rows of the system it is set against.
        name: Name of the view to make.

    Returns:
        Number of usable shared rows.

    Raises:
        InputError: If the two carry different labels for a shared case.
    """
    their_columns = {str(row[0]) for row in connection.execute(f"DESCRIBE {theirs}").fetchall()}
    our_columns = {str(row[0]) for row in connection.execute(f"DESCRIBE {ours}").fetchall()}
    scores = sorted(column for column in their_columns & our_columns if column.startswith("#"))
    others = ", ".join(f"b.{quote(column)} AS {quote('other_' + column)}" for column in (*OTHERS, *scores))
    connection.execute(
        f"""CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT a.* REPLACE (
            CASE WHEN a.unscored_reason IS NULL AND b.unscored_reason IS NULL THEN NULL
                 ELSE 'unscored in one of the two' END AS unscored_reason), b.label AS other_label, {others}
        FROM {ours} a JOIN {theirs} b ON a.case_id = b.case_id AND a.repeat = b.repeat
          AND a.query_id IS NOT DISTINCT FROM b.query_id"""
    )
    found = connection.execute(
        f"""SELECT count(*) FILTER (WHERE unscored_reason IS NULL),
              count(*) FILTER (WHERE label <> other_label),
              min(case_id) FILTER (WHERE label <> other_label) FROM {name}"""
    ).fetchone()
    shared, differing, example = found or (0, 0, None)
    if differing:
        raise InputError(
            f"The two runs carry different labels for {differing:,} shared cases, for example {example!r}: "
            "true classes must agree between systems.",
            fix="Run both on the same golden set.",
        )
    return int(shared)
