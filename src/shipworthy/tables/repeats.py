"""How often cases were asked."""

from __future__ import annotations

from shipworthy.tables.duck import Connection

__all__ = ["cases_by_repeats"]


def cases_by_repeats(connection: Connection, rows: str) -> dict[int, int]:
    """Return how many cases have how many usable rows, the fewest rows first.

    Args:
        connection: The engine.
        rows: Canonical rows.
    """
    found = connection.execute(
        f"SELECT n, count(*) FROM (SELECT case_id, count(*) AS n FROM {rows} WHERE unscored_reason IS NULL "
        "GROUP BY case_id) counted GROUP BY n ORDER BY n"
    ).fetchall()
    return {int(repeats): int(cases) for repeats, cases in found}
