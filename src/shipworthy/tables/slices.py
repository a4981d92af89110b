"""The values of slicing columns, all columns in one scan."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.tables.duck import Connection, quote
from shipworthy.tables.scans import fetch_all, watched

__all__ = ["values_by_column"]


def values_by_column(
    connection: Connection, rows: str, columns: Sequence[str], condition: str, most: int
) -> dict[str, tuple[str, ...]]:
    """Return the commonest values of some columns among usable rows, commonest first.

    Args:
        connection: The engine.
        rows: Canonical rows.
        columns: The columns.
        condition: SQL of the rows to look at.
        most: Most values of a column to return.

    Returns:
        Column -> its values.
    """
    if not columns:
        return {}
    listed = ", ".join(f"CAST({quote(column)} AS VARCHAR) AS v{at}" for at, column in enumerate(columns))
    # The bare value is grouped by, and the best are picked afterwards, so that the rows are read once.
    arms = " UNION ALL ".join(
        f"SELECT * FROM (SELECT {at} AS at, v{at} AS value, count(*) AS n FROM coded "
        f"WHERE v{at} IS NOT NULL GROUP BY v{at} ORDER BY n DESC, value LIMIT {int(most)}) a{at}"
        for at in range(len(columns))
    )
    where = f"unscored_reason IS NULL AND ({condition})"
    sql = f"WITH coded AS (SELECT {listed} FROM {rows} WHERE {where}) {arms}"
    found = watched(connection, sql, "values of slices", arms=len(columns), fetch=fetch_all)
    held: dict[str, list[tuple[int, str]]] = {column: [] for column in columns}
    for at, value, n in found:
        held[columns[int(at)]].append((-int(n), str(value)))
    return {column: tuple(value for _n, value in sorted(counted)) for column, counted in held.items()}
