"""The few rows that come back to people: failing cases, flips, and their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shipworthy.tables.duck import Connection, path_literal, text_literal, translated
from shipworthy.tables.engine import dialect_of
from shipworthy.tables.scans import fetch_all, watched

__all__ = [
    "WORST_OUTCOMES",
    "ListedRow",
    "TextSource",
    "first_rows",
    "journal_texts",
    "list_flips",
    "list_rows",
    "texts_of",
]


#: Outcomes that a list of flips begins with.
WORST_OUTCOMES = ("harmful", "false_negative", "failed")
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
    found = first_rows(connection, rows, condition, limit)
    if len(found) < limit:
        return len(found), found
    counted = f"SELECT count(*) FROM {rows} WHERE unscored_reason IS NULL AND {condition}"
    return int(watched(connection, counted, "count of a list", fetch=fetch_all)[0][0]), found


def first_rows(
    connection: Connection, rows: str, condition: str, limit: int, *, in_order: bool = False
) -> list[ListedRow]:
    """Return the first rows by case that satisfy a condition.

    Args:
        connection: The engine.
        rows: Canonical rows.
        condition: SQL over them.
        limit: Most rows to return.
        in_order: Whether they are stored in that order, so that reading stops with the last one wanted.
    """
    order = "" if in_order and dialect_of(connection) == "duckdb" else f"ORDER BY {BY_CASE}"
    sql = f"""SELECT case_id, repeat, coalesce(outcome, ''), '', coalesce(prediction, ''),
              coalesce(label, ''), coalesce(failed_reason, '') FROM {rows}
            WHERE unscored_reason IS NULL AND {condition} {order} LIMIT {int(limit)}"""
    return [ListedRow(*row) for row in watched(connection, sql, "list of cases", fetch=fetch_all)]


def list_flips(
    connection: Connection, pairs: str, condition: str, limit: int, *, in_order: Sequence[str] | None = None
) -> list[ListedRow]:
    """Return pairs that satisfy a condition, the worst outcomes first.

    Args:
        connection: The engine.
        pairs: Paired rows.
        condition: SQL over them.
        limit: Most rows to return.
        in_order: Where pairs come in the order in which people list cases, those of the worst outcomes that
            occur: reading then stops with the last pair wanted. None where they have to be sorted.
    """
    sql = f"""SELECT case_id, repeat, coalesce(outcome, ''), coalesce(other_outcome, ''),
              coalesce(prediction, ''), coalesce(label, ''), coalesce(failed_reason, '') FROM {pairs}
            WHERE unscored_reason IS NULL AND {condition}"""
    if in_order is None or dialect_of(connection) != "duckdb":
        worst = " ".join(
            f"WHEN {text_literal(name)} THEN {place}" for place, name in enumerate(WORST_OUTCOMES)
        )
        sql += f" ORDER BY CASE outcome {worst} ELSE {len(WORST_OUTCOMES)} END, {BY_CASE} LIMIT {int(limit)}"
        return [ListedRow(*row) for row in watched(connection, sql, "list of flips", fetch=fetch_all)]
    found: list[ListedRow] = []
    occurring = [text_literal(name) for name in WORST_OUTCOMES if name in in_order]
    kinds = [f"outcome = {name}" for name in occurring]
    kinds.append(f"coalesce(outcome, '') NOT IN ({', '.join(occurring)})" if occurring else "true")
    for kind in kinds:
        if len(found) < limit:
            of_kind = f"{sql} AND {kind} LIMIT {int(limit) - len(found)}"
            rows = watched(connection, of_kind, "list of flips", fetch=fetch_all)
            found += [ListedRow(*row) for row in rows]
    return found


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
