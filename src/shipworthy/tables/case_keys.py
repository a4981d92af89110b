"""Cases that are the same but for their ids, by the hash of what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

from shipworthy.tables.duck import Connection, scalar

__all__ = ["SameInput", "best_by_keys", "contained_in", "count_same", "keep_keys", "list_same", "shared_keys"]

KEYS = "golden_keys"
#: Ids of one group that are named.
NAMED = 20
BY_KEY = "TRY_CAST(k.case_id AS DOUBLE) NULLS LAST, k.case_id"
BY_ID = "TRY_CAST(case_id AS DOUBLE) NULLS LAST, case_id"


@dataclass(frozen=True, slots=True)
class SameInput:
    """Cases that have the same input.

    Args:
        cases: Number of cases.
        case_ids: The first of them by id.
        labels: Their labels, in the same order; None where a case has none.
    """

    cases: int
    case_ids: tuple[str, ...]
    labels: tuple[str | None, ...]


def keep_keys(connection: Connection, cases: str) -> None:
    """Keep one hash per case of what it is made of.

    Args:
        connection: DuckDB.
        cases: Query with `case_id`, `input` and `label` as texts.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {KEYS} AS SELECT case_id, label, hash(input) AS h FROM ({cases}) g "
        "WHERE input IS NOT NULL"
    )


def count_same(connection: Connection) -> tuple[int, int, int]:
    """Return groups with the same input, cases beyond the first of each, and groups whose labels differ."""
    row = connection.execute(
        f"""SELECT count(*), coalesce(sum(n - 1), 0), count(*) FILTER (WHERE labels > 1) FROM (
              SELECT count(*) AS n, count(DISTINCT label) AS labels FROM {KEYS} GROUP BY h HAVING count(*) > 1
            ) s"""
    ).fetchone() or (0, 0, 0)
    return int(row[0]), int(row[1]), int(row[2])


def best_by_keys(connection: Connection) -> tuple[int, int, int]:
    """Return what equal inputs with different labels leave to be known.

    Whoever sees only the input answers all cases of a group alike, so it is right on the cases of one label
    of each group at most: the complement of the Bayes error of the empirical distribution.

    Args:
        connection: DuckDB, after `keep_keys`.

    Returns:
        (cases with a label, those whose input stands with another label too, cases that the best answer to
        each input gets right).
    """
    row = connection.execute(
        f"""SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE n > best), 0), coalesce(sum(best), 0)
            FROM (SELECT h, sum(n) AS n, max(n) AS best FROM (
              SELECT h, label, count(*) AS n FROM {KEYS} WHERE label IS NOT NULL GROUP BY h, label
            ) l GROUP BY h) s"""
    ).fetchone() or (0, 0, 0)
    return int(row[0]), int(row[1]), int(row[2])


def list_same(connection: Connection, limit: int, *, differing: bool = False) -> list[SameInput]:
    """Return groups of cases with the same input, the largest first.

    Args:
        connection: DuckDB, after `keep_keys`.
        limit: Most groups to return.
        differing: Whether to return those whose labels differ, else those whose labels agree.
    """
    kept = "count(DISTINCT label) > 1" if differing else "count(*) > 1 AND count(DISTINCT label) <= 1"
    rows = connection.execute(
        f"""WITH chosen AS (SELECT h, count(*) AS n, min(case_id) AS first FROM {KEYS} GROUP BY h
              HAVING {kept} ORDER BY n DESC, first LIMIT {int(limit)}),
            numbered AS (SELECT chosen.n, chosen.first, k.case_id, k.label,
              row_number() OVER (PARTITION BY k.h ORDER BY {BY_KEY}) AS turn
              FROM {KEYS} k JOIN chosen ON k.h = chosen.h)
            SELECT n, first, case_id, label FROM numbered WHERE turn <= {NAMED}
            ORDER BY n DESC, first, turn"""
    ).fetchall()
    groups: dict[str, tuple[int, list[str], list[str | None]]] = {}
    for n, first, case_id, label in rows:
        group = groups.setdefault(str(first), (int(n), [], []))
        group[1].append(str(case_id))
        group[2].append(label)
    return [SameInput(n, tuple(ids), tuple(labels)) for n, ids, labels in groups.values()]


def shared_keys(connection: Connection, other: str, limit: int) -> tuple[int, int, list[str]]:
    """Return how many cases another file holds too.

    Args:
        connection: DuckDB, after `keep_keys`.
        other: Query with the column `input`, made as the golden set's.
        limit: Most cases to name.

    Returns:
        (rows of the other file, cases that it holds too, the first of them by id).
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE other_keys AS SELECT hash(input) AS h, count(*) AS n FROM ({other}) o "
        "WHERE input IS NOT NULL GROUP BY h"
    )
    rows = scalar(connection, "SELECT sum(n) FROM other_keys")
    shared = f"FROM {KEYS} WHERE h IN (SELECT h FROM other_keys)"
    count = scalar(connection, f"SELECT count(*) {shared}")
    first = connection.execute(f"SELECT case_id {shared} ORDER BY {BY_ID} LIMIT {int(limit)}").fetchall()
    return rows, count, [str(row[0]) for row in first]


def contained_in(
    connection: Connection, cases: str, text: str, least: int, limit: int
) -> tuple[int, list[str]]:
    """Return the cases whose input stands word for word in a text, such as a prompt with examples.

    Args:
        connection: DuckDB.
        cases: Query with `case_id` and the normalised `input`.
        text: SQL of the normalised text.
        least: Shortest input that is looked for; shorter ones stand in any text by chance.
        limit: Most cases to name.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE whole_text AS SELECT {text} AS whole")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE held AS SELECT case_id FROM ({cases}) g, whole_text "
        f"WHERE length(input) >= {int(least)} AND contains(whole, input)"
    )
    first = connection.execute(f"SELECT case_id FROM held ORDER BY {BY_ID} LIMIT {int(limit)}").fetchall()
    return scalar(connection, "SELECT count(*) FROM held"), [str(row[0]) for row in first]
