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
    connection: Connection,
    pieces: Sequence[str],
    condition: str,
    limit: int,
    *,
    occurring: Sequence[str] = WORST_OUTCOMES,
    in_order: bool = False,
) -> list[ListedRow]:
    """Return pairs that satisfy a condition, the worst outcomes first.

    Args:
        connection: The engine.
        pieces: Paired rows, in relations of which each holds later cases than the one before it; reading
            stops with the last pair wanted.
        condition: SQL over them.
        limit: Most rows to return.
        occurring: The worst outcomes that occur among the rows.
        in_order: Whether the pairs of each piece come in the order in which people list cases, so that they
            need not be sorted.
    """
    worst = [name for name in WORST_OUTCOMES if name in occurring]
    if in_order:
        found: list[ListedRow] = []
        for kind in _kinds(worst):
            for piece in pieces:
                if len(found) < limit:
                    found += _flips(connection, piece, f"{condition} AND {kind}", "", limit - len(found))
        return found
    places = " ".join(f"WHEN {text_literal(name)} THEN {place}" for place, name in enumerate(worst))
    rank = f"CASE outcome {places} ELSE {len(worst)} END, " if worst else ""
    found = []
    for piece in pieces:
        found += _flips(connection, piece, condition, f"ORDER BY {rank}{BY_CASE}", limit)
        found = sorted(found, key=lambda row: [*worst, row.outcome].index(row.outcome))
        if len(found) >= limit and (not worst or found[limit - 1].outcome == worst[0]):
            break
    return found[:limit]


def _kinds(worst: Sequence[str]) -> list[str]:
    """Return the condition of each of the worst outcomes, and of all others."""
    if not worst:
        return ["true"]
    listed = [text_literal(name) for name in worst]
    return [*(f"outcome = {name}" for name in listed), f"coalesce(outcome, '') NOT IN ({', '.join(listed)})"]


def _flips(connection: Connection, piece: str, condition: str, order: str, limit: int) -> list[ListedRow]:
    sql = f"""SELECT case_id, repeat, coalesce(outcome, ''), coalesce(other_outcome, ''),
              coalesce(prediction, ''), coalesce(label, ''), coalesce(failed_reason, '') FROM {piece}
            WHERE unscored_reason IS NULL AND {condition} {order} LIMIT {int(limit)}"""
    return [ListedRow(*row) for row in watched(connection, sql, "list of flips", fetch=fetch_all)]


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
