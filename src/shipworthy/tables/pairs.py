"""Two systems on the same cases, side by side as one relation."""

from __future__ import annotations

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, quote

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


def pair_rows(connection: Connection, ours: str, theirs: str, name: str, *, by_query: bool = False) -> int:
    """Make a view that joins two systems' rows on case and repeat.

    A row is usable where both systems' rows are; the other system's columns carry the prefix other_.

    Args:
        connection: The engine.
        ours: Rows of the subject.
        theirs: Rows of the system it is set against.
        name: Name of the view to make.
        by_query: Whether queries are what the two share (ranking): an item that one of them alone lists
            stays, for it takes up a rank.

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
    if by_query:
        kind = "FULL JOIN"
        kept = " AND ".join(
            f"coalesce(a.query_id, b.query_id) IN (SELECT query_id FROM {side})" for side in (ours, theirs)
        )
        of_the_case = [
            c for c in our_columns if c in their_columns and c not in (*OTHERS, *scores, *replaced)
        ]
        replaced |= {column: f"coalesce(a.{quote(column)}, b.{quote(column)})" for column in of_the_case}
    listed = ", ".join(f"{sql} AS {quote(column)}" for column, sql in replaced.items())
    connection.execute(
        f"""CREATE OR REPLACE TEMP VIEW {name} AS
        SELECT a.* REPLACE ({listed}), b.label AS other_label, {others}
        FROM {ours} a {kind} {theirs} b ON a.case_id = b.case_id AND a.repeat = b.repeat
          AND a.query_id IS NOT DISTINCT FROM b.query_id
        WHERE {kept}"""
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
