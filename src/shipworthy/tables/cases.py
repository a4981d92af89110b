"""Cases of a golden set as Python values, and answers as texts, read in pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from shipworthy.errors import InputError
from shipworthy.tables.duck import (
    ROW_NUMBER,
    Connection,
    ForeignFile,
    path_literal,
    quote,
    streamed,
    text_literal,
    translated,
)

__all__ = ["column_holds", "read_answers", "read_cases", "scored_relation"]

PIECE = 2048


def read_cases(
    connection: Connection, file: ForeignFile, case_id: str, condition: str, *, repeated: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every case of a golden set once, with native values.

    A column of a CSV file becomes numbers where every one of its values is a number without a leading zero;
    JSON and Parquet keep their own types.

    Args:
        connection: The engine.
        file: The golden set.
        case_id: SQL of the id.
        condition: Rows to keep, as SQL.
        repeated: Whether it lists every repeat of a case, so that an id may occur again.

    Raises:
        InputError: If an id is missing or occurs twice.
    """
    names = file.names
    seen: set[str] = set()
    with translated(file.path):
        _check_ids(connection, file, case_id, condition, repeated)
        values = ", ".join(_native(connection, file, name) for name in names)
        found = streamed(connection, f"SELECT {case_id}, {values} FROM {file.relation} WHERE {condition}")
        while rows := found.fetchmany(PIECE):
            for row in rows:
                if row[0] in seen:
                    continue
                seen.add(row[0])
                yield (
                    str(row[0]),
                    {
                        name: json.loads(value) if file.is_json and value is not None else value
                        for name, value in zip(names, row[1:], strict=True)
                    },
                )


def _check_ids(
    connection: Connection, file: ForeignFile, case_id: str, condition: str, repeated: bool
) -> None:
    """Refuse missing and repeated ids before anything is asked, which may cost money."""
    found = connection.execute(
        f"SELECT {case_id}, count(*) FROM {file.relation} WHERE {condition} "
        f"GROUP BY 1 HAVING {case_id} IS NULL OR count(*) > 1 ORDER BY 1 NULLS FIRST LIMIT 4"
    ).fetchall()
    if found and found[0][0] is None:
        raise InputError(
            f"{found[0][1]:,} rows have no case_id.",
            where=str(file.path),
            fix="Every row needs the id of its case.",
        )
    if found and not repeated:
        listed = ", ".join(f"{name!r} ({count} times)" for name, count in found[:3])
        raise InputError(
            f"Some cases occur more than once: {listed}.",
            where=str(file.path),
            fix="Remove the duplicates, or map `repeat` if these are repeats of a case.",
        )


def _native(connection: Connection, file: ForeignFile, name: str) -> str:
    column = quote(name)
    if file.is_json:
        return f"CAST({column} AS VARCHAR)"
    if file.path.suffix.lower() not in (".csv", ".tsv") or name == ROW_NUMBER:
        return column
    plain = connection.execute(
        f"SELECT bool_and(isfinite(TRY_CAST({column} AS DOUBLE)) "
        f"AND NOT {column} SIMILAR TO '[-+]?0[0-9]+.*'), "
        f"bool_and({column} SIMILAR TO '[-+]?[0-9]{{1,18}}') "
        f"FROM {file.relation} WHERE {column} IS NOT NULL"
    ).fetchone()
    if plain and plain[0]:
        return f"CAST({column} AS {'BIGINT' if plain[1] else 'DOUBLE'})"
    return column


def read_answers(
    connection: Connection, file: ForeignFile, condition: str, columns: dict[str, str]
) -> Iterator[dict[str, str | None]]:
    """Yield recorded answers as texts by role, in the file's order.

    Args:
        connection: The engine.
        file: The recorded file.
        condition: Rows to keep, as SQL.
        columns: Role -> SQL of its text.
    """
    listed = ", ".join(columns.values())
    names = tuple(columns)
    with translated(file.path):
        found = streamed(connection, f"SELECT {listed} FROM {file.relation} WHERE {condition}")
        while rows := found.fetchmany(PIECE):
            for row in rows:
                yield dict(zip(names, row, strict=True))


def scored_relation(path: Path, columns: tuple[str, ...]) -> str:
    """Return SQL that reads rows scored one by one, every column as text.

    Args:
        path: JSONL file.
        columns: Its columns.
    """
    typed = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in columns)
    return (
        f"SELECT * FROM read_json({path_literal(path)}, format='newline_delimited', hive_partitioning=false, "
        f"columns={{{typed}}}, maximum_object_size=268435456) WHERE case_id IS NOT NULL"
    )


def column_holds(connection: Connection, file: ForeignFile, name: str, wanted: str | Sequence[str]) -> bool:
    """Return whether every filled cell of a column is of a kind.

    Args:
        connection: The engine.
        file: The file.
        name: The column.
        wanted: "number", "whole number", "unique", or the texts (in lower case) that are allowed.
    """
    text = file.text(name)
    if wanted == "unique":
        test = f"count(DISTINCT {text}) = count(*)"
    elif wanted == "number":
        test = f"bool_and(coalesce(isfinite(TRY_CAST({text} AS DOUBLE)), false))"
    elif wanted == "whole number":
        test = f"bool_and(TRY_CAST({text} AS INTEGER) IS NOT NULL)"
    else:
        allowed = ", ".join(text_literal(value) for value in wanted)
        test = f"bool_and(lower(trim({text})) IN ({allowed}))"
    rows = "" if wanted == "unique" else f" WHERE {text} IS NOT NULL"
    with translated(file.path):
        found = connection.execute(f"SELECT {test} FROM {file.relation}{rows}").fetchone()
    return bool(found and found[0])
