"""How many cases of a golden set meet each of some conditions, in one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy.tables.duck import Connection, ForeignFile, quote, translated

__all__ = ["count_cases"]


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
