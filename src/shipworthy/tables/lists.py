"""The few rows that come back to people: failing cases, flips, and their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shipworthy.tables.duck import Connection, path_literal, text_literal, translated

__all__ = [
    "ListedRow",
    "TextSource",
    "distinct_values",
    "journal_texts",
    "list_flips",
    "list_rows",
    "texts_of",
]


#: Ids that are numbers stand in the order of numbers.
BY_CASE = "TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id, repeat"


@dataclass(frozen=True, slots=True)
class TextSource:
    """Where the texts of cases or outputs can be read again.

    Args:
        relation: SQL that scans the file, already filtered.
        case_id: SQL of the id.
        text: SQL of the text.
        repeat: SQL of the repeat; "0" where there is none.
        path: The file, for messages.
    """

    relation: str
    case_id: str
    text: str
    repeat: str = "0"
    path: str = ""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of a list."""

    case_id: str
    repeat: int
    outcome: str
    before: str
    prediction: str
    label: str
    reason: str


def list_rows(connection: Connection, rows: str, condition: str, limit: int) -> tuple[int, list[ListedRow]]:
    """Return how many rows satisfy a condition, and the first of them by case.

    Args:
        connection: The engine.
        rows: Canonical rows.
        condition: SQL over them.
        limit: Most rows to return.

    Returns:
        (count, rows).
    """
    count = connection.execute(
        f"SELECT count(*) FROM {rows} WHERE unscored_reason IS NULL AND {condition}"
    ).fetchone()
    found = connection.execute(
        f"""SELECT case_id, repeat, coalesce(outcome, ''), '', coalesce(prediction, ''), coalesce(label, ''),
              coalesce(failed_reason, '') FROM {rows}
            WHERE unscored_reason IS NULL AND {condition} ORDER BY {BY_CASE} LIMIT {int(limit)}"""
    ).fetchall()
    return int(count[0]) if count else 0, [ListedRow(*row) for row in found]


def list_flips(connection: Connection, pairs: str, condition: str, limit: int) -> list[ListedRow]:
    """Return pairs that satisfy a condition, the worst outcomes first.

    Args:
        connection: The engine.
        pairs: Paired rows.
        condition: SQL over them.
        limit: Most rows to return.
    """
    found = connection.execute(
        f"""SELECT case_id, repeat, coalesce(outcome, ''), coalesce(other_outcome, ''),
              coalesce(prediction, ''), coalesce(label, ''), coalesce(failed_reason, '') FROM {pairs}
            WHERE unscored_reason IS NULL AND {condition}
            ORDER BY CASE outcome WHEN 'harmful' THEN 0 WHEN 'false_negative' THEN 1 WHEN 'failed' THEN 2
                     ELSE 3 END, {BY_CASE} LIMIT {int(limit)}"""
    ).fetchall()
    return [ListedRow(*row) for row in found]


def distinct_values(connection: Connection, rows: str, column: str, limit: int) -> list[tuple[str, int]]:
    """Return the commonest values of a column with their counts, commonest first.

    Args:
        connection: The engine.
        rows: Canonical rows.
        column: SQL of the column.
        limit: Most values to return.
    """
    found = connection.execute(
        f"""SELECT CAST({column} AS VARCHAR), count(*) FROM {rows}
            WHERE {column} IS NOT NULL AND unscored_reason IS NULL
            GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {int(limit)}"""
    ).fetchall()
    return [(str(value), int(count)) for value, count in found]


def texts_of(
    connection: Connection,
    source: TextSource | None,
    case_ids: Sequence[str],
    most: int = 4000,
) -> dict[tuple[str, int], str]:
    """Return the texts of some cases.

    Args:
        connection: The engine.
        source: Where they are; None where there is none.
        case_ids: The cases.
        most: Longest text returned, in characters.

    Returns:
        (case id, repeat) -> text.
    """
    if source is None or not case_ids:
        return {}
    listed = ", ".join(text_literal(case_id) for case_id in dict.fromkeys(case_ids))
    with translated(source.path):
        found = connection.execute(
            f"""SELECT {source.case_id}, coalesce(TRY_CAST({source.repeat} AS INTEGER), 0),
                  left(coalesce({source.text}, ''), {int(most)})
                FROM {source.relation} WHERE {source.case_id} IN ({listed})"""
        ).fetchall()
    return {(str(case_id), int(repeat)): str(text) for case_id, repeat, text in found}


def journal_texts(journal: Path, columns: Sequence[str]) -> TextSource:
    """Return where the outputs in a journal can be read again.

    Args:
        journal: The journal: one JSON object per line, of which the first is a header.
        columns: The columns of an output.
    """
    typed = ", ".join(f"{name}: '{'INTEGER' if name == 'repeat' else 'VARCHAR'}'" for name in columns)
    relation = (
        f"(SELECT * FROM read_json({path_literal(journal)}, format='newline_delimited', "
        f"columns={{{typed}}}, ignore_errors=true))"
    )
    return TextSource(relation, "case_id", "coalesce(text, prediction)", "repeat")
