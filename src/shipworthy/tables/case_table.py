"""Cases of a golden set as relations: counted by their parts, kept as hashes, and set against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shipworthy.tables.duck import Connection, path_literal, quote, text_literal, translated

__all__ = [
    "FINGERPRINTS",
    "PARTS",
    "CaseDiff",
    "cases_sql",
    "changed_columns",
    "diff_cases",
    "failing_cases",
    "fingerprints_sql",
    "joined_text",
    "label_moves",
    "list_cases",
    "list_changes",
    "read_fingerprints",
    "strata_moved",
    "write_relation",
]

#: Parts of a case that are compared between versions, in the order in which people ask for them.
PARTS = ("input", "label", "stratum", "sampled", "provenance", "rest")
FINGERPRINTS = ("case_id", *PARTS)
#: Parts that are kept as hashes; the others are a few words that repeat.
HASHED = ("input", "label", "rest")
#: Between the texts of several columns: no file holds them as text.
BETWEEN, NOTHING = "\x1f", "\x1e"


def cases_sql(relation: str, condition: str, columns: Mapping[str, str], *, repeated: bool) -> str:
    """Return a query of a golden set's cases, each once.

    Args:
        relation: SQL that scans the file.
        condition: Rows to keep, as SQL.
        columns: Our name -> SQL of its text; `case_id` among them.
        repeated: Whether it lists every repeat of a case.
    """
    named = ", ".join(f"{sql} AS {quote(name)}" for name, sql in columns.items())
    select = f"SELECT {named} FROM {relation} WHERE {condition}"
    if not repeated:
        return select
    order = ", ".join(f"{quote(name)} NULLS LAST" for name in columns)
    listed = ", ".join(quote(name) for name in columns)
    numbered = f"row_number() OVER (PARTITION BY case_id ORDER BY {order}) AS turn"
    return f"SELECT {listed} FROM (SELECT {listed}, {numbered} FROM ({select}) g) t WHERE turn = 1"


def joined_text(columns: Sequence[str]) -> str:
    """Return SQL of the texts of several columns as one text that keeps them apart."""
    if not columns:
        return "CAST(NULL AS VARCHAR)"
    parts = ", ".join(f"coalesce({column}, {text_literal(NOTHING)})" for column in columns)
    return f"concat_ws({text_literal(BETWEEN)}, {parts})"


def fingerprints_sql(cases: str) -> str:
    """Return a query of what is kept of a version: texts as hashes that every version of the engine computes.

    Args:
        cases: A query with the columns of FINGERPRINTS as texts.
    """
    parts = ", ".join(
        f"md5_number_lower({quote(name)}) AS {quote(name)}" if name in HASHED else quote(name)
        for name in PARTS
    )
    return f"SELECT case_id, {parts} FROM ({cases}) golden"


def write_relation(connection: Connection, query: str, path: Path) -> None:
    """Write a query's rows as a Parquet file.

    Args:
        connection: DuckDB.
        query: The rows.
        path: Where to write.
    """
    connection.execute(f"COPY ({query}) TO {text_literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")


def read_fingerprints(path: Path) -> str:
    """Return a query of a kept version's hashes."""
    return f"SELECT * FROM read_parquet({path_literal(path)}, hive_partitioning=false)"


@dataclass(frozen=True, slots=True)
class CaseDiff:
    """How many cases differ between two versions.

    Args:
        old: Cases of the first.
        new: Cases of the second.
        added: Cases that only the second has.
        removed: Cases that only the first has.
        unchanged: Cases that both hold alike.
        changed: Part -> cases in which it differs.
    """

    old: int
    new: int
    added: int
    removed: int
    unchanged: int
    changed: Mapping[str, int]

    @property
    def shared(self) -> int:
        """Cases that both have."""
        return self.new - self.added

    @property
    def differing(self) -> int:
        """Cases that both have and that differ in some part."""
        return self.shared - self.unchanged


def diff_cases(connection: Connection, old: str, new: str, table: str = "golden_diff") -> CaseDiff:
    """Set two versions against each other, and keep what differs in a table for `list_changes`.

    Args:
        connection: DuckDB.
        old: Query of the first version's fingerprints.
        new: Query of the second's.
        table: Name of the table to make.
    """
    flags = ", ".join(
        f"a.case_id IS NOT NULL AND b.case_id IS NOT NULL AND a.{quote(p)} IS DISTINCT FROM b.{quote(p)} "
        f"AS {quote('changed_' + p)}"
        for p in PARTS
    )
    strata = "a.stratum AS old_stratum, b.stratum AS new_stratum"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT coalesce(a.case_id, b.case_id) AS case_id, "
        f"a.case_id IS NULL AS added, b.case_id IS NULL AS removed, {strata}, {flags} "
        f"FROM ({old}) a FULL JOIN ({new}) b ON a.case_id = b.case_id"
    )
    any_ = " OR ".join(quote("changed_" + p) for p in PARTS)
    counted = ", ".join(f"count(*) FILTER (WHERE {quote('changed_' + p)})" for p in PARTS)
    row = connection.execute(
        f"SELECT count(*) FILTER (WHERE NOT added), count(*) FILTER (WHERE NOT removed), "
        f"count(*) FILTER (WHERE added), count(*) FILTER (WHERE removed), "
        f"count(*) FILTER (WHERE NOT added AND NOT removed AND NOT ({any_})), {counted} FROM {table}"
    ).fetchone() or (0,) * (5 + len(PARTS))
    numbers = [int(n) for n in row]
    was, now, added, removed, unchanged, *changed = numbers
    return CaseDiff(was, now, added, removed, unchanged, dict(zip(PARTS, changed, strict=True)))


def list_changes(
    connection: Connection, condition: str, limit: int, table: str = "golden_diff"
) -> list[tuple[str, str | None, str | None, tuple[str, ...]]]:
    """Return the first cases by id that differ in some way.

    Args:
        connection: DuckDB.
        condition: "added", "removed", or "changed" with an optional part as in "changed_label".
        limit: Most to return.
        table: The table that `diff_cases` made.

    Returns:
        (case id, old stratum, new stratum, the parts that differ).
    """
    flags = [quote("changed_" + p) for p in PARTS]
    kept = f"({' OR '.join(flags)})" if condition == "changed" else quote(condition)
    rows = connection.execute(
        f"SELECT case_id, old_stratum, new_stratum, {', '.join(flags)} FROM {table} WHERE {kept} "
        f"ORDER BY TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id LIMIT {int(limit)}"
    ).fetchall()
    return [
        (str(row[0]), row[1], row[2], tuple(p for p, flag in zip(PARTS, row[3:], strict=True) if flag))
        for row in rows
    ]


def strata_moved(
    connection: Connection, table: str = "golden_diff"
) -> list[tuple[str | None, int, int, int, int]]:
    """Return per stratum how many cases the two versions hold, and how many were added and removed.

    Returns:
        (stratum, cases of the first, cases of the second, added, removed), the largest first.
    """
    rows = connection.execute(
        f"""SELECT stratum, sum(was), sum(is_), sum(added), sum(removed) FROM (
              SELECT old_stratum AS stratum, 1 AS was, 0 AS is_, 0 AS added,
                CAST(removed AS INTEGER) AS removed FROM {table} WHERE NOT added
              UNION ALL
              SELECT new_stratum, 0, 1, CAST(added AS INTEGER), 0 FROM {table} WHERE NOT removed) s
            GROUP BY stratum ORDER BY sum(is_) DESC, stratum"""
    ).fetchall()
    return [(row[0], *(int(n) for n in row[1:])) for row in rows]


def changed_columns(
    connection: Connection, old: str, new: str, columns: Mapping[str, tuple[str, str]]
) -> dict[str, int]:
    """Count per column the shared cases in which it differs between two files.

    Args:
        connection: DuckDB.
        old: Query of the first file's cases, with `case_id` and a column per name of `columns`.
        new: The same of the second.
        columns: Name -> its alias in either query.

    Returns:
        Name -> cases, for columns in which some case differs.
    """
    if not columns:
        return {}
    counted = ", ".join(
        f"count(*) FILTER (WHERE a.{quote(one)} IS DISTINCT FROM b.{quote(other)})"
        for one, other in columns.values()
    )
    row = connection.execute(
        f"SELECT {counted} FROM ({old}) a JOIN ({new}) b ON a.case_id = b.case_id"
    ).fetchone()
    return {name: int(n) for name, n in zip(columns, row or (), strict=True) if n}


def label_moves(
    connection: Connection, old: str | None, new: str | None, limit: int, table: str = "golden_diff"
) -> tuple[list[tuple[str | None, str | None, int]], list[tuple[str, str | None, str | None]]]:
    """Return which labels became which, and the first cases whose label changed.

    Args:
        connection: DuckDB.
        old: Query of the first file's `case_id` and `label`; None where its labels are not there.
        new: The same of the second.
        limit: Most to return of either.
        table: The table that `diff_cases` made.

    Returns:
        (old label, new label, cases), the most frequent first; (case id, old label, new label).
    """
    nowhere = "SELECT CAST(NULL AS VARCHAR) AS case_id, CAST(NULL AS VARCHAR) AS label WHERE false"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE golden_labels AS SELECT d.case_id, a.label AS was, b.label AS is_now "
        f"FROM {table} d LEFT JOIN ({old or nowhere}) a ON a.case_id = d.case_id "
        f"LEFT JOIN ({new or nowhere}) b ON b.case_id = d.case_id WHERE d.changed_label"
    )
    moves = connection.execute(
        "SELECT was, is_now, count(*) AS n FROM golden_labels GROUP BY was, is_now "
        f"ORDER BY n DESC, was, is_now LIMIT {int(limit)}"
    ).fetchall()
    cases = connection.execute(
        "SELECT case_id, was, is_now FROM golden_labels "
        f"ORDER BY TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id LIMIT {int(limit)}"
    ).fetchall()
    return [(was, now, int(n)) for was, now, n in moves], [(str(c), was, now) for c, was, now in cases]


def list_cases(
    connection: Connection, cases: str, columns: Sequence[str], condition: str, limit: int
) -> list[tuple[Any, ...]]:
    """Return the first cases by id that meet a condition.

    Args:
        connection: The engine.
        cases: A query of cases with `case_id`.
        columns: Its columns to return.
        condition: SQL over its columns.
        limit: Most to return.

    Returns:
        One tuple of values per case.
    """
    listed = ", ".join(quote(name) for name in columns)
    return connection.execute(
        f"SELECT {listed} FROM ({cases}) g WHERE {condition} "
        f"ORDER BY TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id LIMIT {int(limit)}"
    ).fetchall()


def failing_cases(connection: Connection, rows: Path, other: Path | None = None) -> list[str]:
    """Return the cases that a run fails in any repeat, by id.

    Args:
        connection: DuckDB.
        rows: The run's rows.
        other: Rows of another run; then only cases that pass there in every repeat.
    """

    def bad(path: Path, worst: str) -> str:
        source = f"read_parquet({path_literal(path)}, hive_partitioning=false)"
        return (
            f"SELECT case_id FROM {source} WHERE unscored_reason IS NULL "
            f"GROUP BY case_id HAVING min(ok) = {worst}"
        )

    kept = f" WHERE case_id IN ({bad(other, '1')})" if other is not None else ""
    with translated(rows):
        found = connection.execute(
            f"SELECT case_id FROM ({bad(rows, '0')}) f{kept} "
            "ORDER BY TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id"
        ).fetchall()
    return [str(row[0]) for row in found]
