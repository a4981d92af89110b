"""How many cases of a golden set meet each of some conditions, or have each value, in one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.tables.duck import Connection, ForeignFile, quote, translated

__all__ = ["count_cases", "count_groups", "count_shared"]


def count_cases(
    connection: Connection,
    file: ForeignFile,
    case_id: str,
    keep: str,
    columns: Mapping[str, str],
    conditions: Sequence[str],
) -> list[int]:
    """Return how many distinct cases meet each condition.

    Args:
        connection: The engine.
        file: The golden set.
        case_id: SQL of the id.
        keep: Condition on the file's own rows.
        columns: Our name -> SQL of the text that has it, for the columns that conditions name.
        conditions: Conditions over our names.

    Returns:
        One count per condition.
    """
    named = ", ".join([f"{case_id} AS case_id", *(f"{sql} AS {quote(n)}" for n, sql in columns.items())])
    counted = ", ".join(
        f"count(DISTINCT case_id) FILTER (WHERE {condition}) AS n{index}"
        for index, condition in enumerate(conditions)
    )
    with translated(str(file.path)):
        found = connection.execute(
            f"SELECT {counted} FROM (SELECT {named} FROM {file.relation} WHERE {keep}) golden"
        ).fetchone()
    return [int(count) for count in found or ()]


def count_groups(
    connection: Connection,
    file: ForeignFile,
    unit: str | None,
    keep: str,
    columns: Mapping[str, str],
    cuts: Sequence[tuple[str, ...]],
    most: int = 200,
) -> list[dict[tuple[str, ...], int]]:
    """Return how many cases have each value, for several cuts in one scan.

    Args:
        connection: The engine.
        file: The golden set, or any other file of cases.
        unit: SQL of the id whose distinct values are counted; None to count rows.
        keep: Condition on the file's own rows.
        columns: Our name -> SQL of the text that has it.
        cuts: Names to group by, each cut on its own; a case without a value is left out of it.
        most: Values kept per cut, the commonest first.

    Returns:
        For each cut: values -> cases.
    """
    if not cuts:
        return []
    names = list(columns)
    named = ", ".join([*(f"{columns[name]} AS {quote(name)}" for name in names), f"{unit or '1'} AS unit"])
    counted = "count(DISTINCT unit)" if unit is not None else "count(*)"
    whole = f"SELECT {named} FROM {file.relation} WHERE {keep}"
    arms = []
    for index, cut in enumerate(cuts):
        listed = ", ".join(quote(name) for name in cut)
        known = " AND ".join(f"{quote(name)} IS NOT NULL" for name in cut)
        padded = ", ".join([*(quote(name) for name in cut), *["NULL"] * (_widest(cuts) - len(cut))])
        arms.append(
            f"(SELECT {index} AS cut, {counted} AS n, {padded} FROM cases WHERE {known} "
            f"GROUP BY {listed} ORDER BY n DESC LIMIT {most})"
        )
    with translated(str(file.path)):
        rows = connection.execute(f"WITH cases AS ({whole}) {' UNION ALL '.join(arms)}").fetchall()
    found: list[dict[tuple[str, ...], int]] = [{} for _cut in cuts]
    for cut, n, *values in rows:
        found[cut][tuple(str(value) for value in values[: len(cuts[cut])])] = int(n)
    return found


def count_shared(
    connection: Connection,
    file: ForeignFile,
    case_id: str,
    keep: str,
    own: str,
    other: ForeignFile,
    theirs: str,
) -> int:
    """Return how many cases of a golden set have a value that another file has too.

    Args:
        connection: The engine.
        file: The golden set.
        case_id: SQL of the id.
        keep: Condition on its rows.
        own: SQL of the value in the golden set.
        other: The other file.
        theirs: SQL of the value there.
    """
    inside = f"{own} IN (SELECT {theirs} FROM {other.relation})"
    return count_cases(connection, file, case_id, f"({keep}) AND {inside}", {}, ["true"])[0]


def _widest(cuts: Sequence[tuple[str, ...]]) -> int:
    return max(len(cut) for cut in cuts)
