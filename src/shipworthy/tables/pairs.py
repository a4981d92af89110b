"""Two systems on the same cases, side by side as one relation."""

from __future__ import annotations

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, quote
from shipworthy.tables.engine import dialect_of
from shipworthy.tables.scans import watched

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


def pair_rows(
    connection: Connection,
    ours: str,
    theirs: str,
    name: str,
    *,
    by_query: bool = False,
    in_step: bool = False,
) -> int:
    """Make a view that joins two systems' rows on case and repeat.

    A row is usable where both systems' rows are; the other system's columns carry the prefix other_.

    Args:
        connection: The engine.
        ours: Rows of the subject.
        theirs: Rows of the system it is set against.
        name: Name of the view to make.
        by_query: Whether queries are what the two share (ranking): an item that one of them alone lists
            stays, for it takes up a rank.
        in_step: Whether both hold the same cases and repeats in the same order, so that they are read side by
            side without a join, in flat memory.

    Returns:
        Number of usable shared rows.

    Raises:
        InputError: If the two carry different labels for a shared case.
    """
    their_columns = {str(row[0]) for row in connection.execute(f"DESCRIBE {theirs}").fetchall()}
    our_columns = [str(row[0]) for row in connection.execute(f"DESCRIBE {ours}").fetchall()]
    scores = sorted(column for column in their_columns & set(our_columns) if column.startswith("#"))
    others = ", ".join(f"b.{quote(column)} AS {quote('other_' + column)}" for column in (*OTHERS, *scores))
    replaced = {
        "unscored_reason": "CASE WHEN a.unscored_reason IS NULL AND b.unscored_reason IS NULL THEN NULL "
        "ELSE 'unscored in one of the two' END"
    }
    kind, kept = "JOIN", "true"
    on = " ON a.case_id = b.case_id AND a.repeat = b.repeat AND a.query_id IS NOT DISTINCT FROM b.query_id"
    if in_step and dialect_of(connection) == "duckdb":
        kind, on = "POSITIONAL JOIN", ""
    elif by_query:
        kind = "FULL JOIN"
        kept = " AND ".join(
            f"coalesce(a.query_id, b.query_id) IN (SELECT query_id FROM {side})" for side in (ours, theirs)
        )
        of_the_case = [
            c for c in our_columns if c in their_columns and c not in (*OTHERS, *scores, *replaced)
        ]
        replaced |= {column: f"coalesce(a.{quote(column)}, b.{quote(column)})" for column in of_the_case}
    own = ", ".join(
        f"{replaced.get(column, f'a.{quote(column)}')} AS {quote(column)}" for column in our_columns
    )
    where = "" if kept == "true" else f" WHERE {kept}"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {own}, b.label AS other_label, {others} "
        f"FROM {ours} a {kind} {theirs} b{on}{where}"
    )
    found = watched(
        connection,
        "SELECT count(*) FILTER (WHERE unscored_reason IS NULL), "
        f"count(*) FILTER (WHERE label <> other_label) FROM {name}",
        "shared cases",
        fetch=lambda connection, sql: connection.execute(sql).fetchone(),
    )
    shared, differing = found or (0, 0)
    if differing:
        found = connection.execute(f"SELECT min(case_id) FROM {name} WHERE label <> other_label").fetchone()
        example = found[0] if found else ""
        raise InputError(
            f"The two runs carry different labels for {differing:,} shared cases, for example {example!r}: "
            "true classes must agree between systems.",
            fix="Run both on the same golden set.",
        )
    return int(shared)
