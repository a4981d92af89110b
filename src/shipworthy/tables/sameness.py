"""Two runs set against each other: the same answers, the same rows, and rows that only one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shipworthy.tables.duck import Connection, quote

__all__ = ["Sameness", "SharedCases", "compare_runs", "rows_unseen", "shared_cases", "shared_ids"]

#: Dealt out when the rows are written, so that they say nothing of the answers.
DEALT = ("cluster_group",)
ANSWERS = ("prediction", "predicted_score")
VERDICTS = ("grade", "correct", "ok")
SEEN = "seen_cases"
FEW = 1000


@dataclass(frozen=True)
class Sameness:
    """What two runs have in common.

    Args:
        ours: Rows of the first.
        theirs: Rows of the second.
        shared: Rows of the same case and repeat.
        other_answers: Shared rows that the two systems answered differently.
        other_rows: Shared rows that differ in any column that both have. Where answers differ, the last three
            counts may be of the first rows only.
    """

    ours: int
    theirs: int
    shared: int
    other_answers: int
    other_rows: int

    @property
    def is_same_candidate(self) -> bool:
        """Whether one gave the other's answers wherever both were asked."""
        return self.shared > 0 and self.other_answers == 0

    @property
    def is_same_sample(self) -> bool:
        """Whether both say the same of the same cases."""
        return self.ours == self.theirs == self.shared and self.other_rows == 0

    @property
    def has_grown(self) -> bool:
        """Whether the first has all rows of the second, unchanged."""
        return self.theirs == self.shared and self.other_rows == 0


def compare_runs(connection: Connection, ours: str, theirs: str) -> Sameness:
    """Set the rows of two runs against each other.

    Where no predictions are kept, the same outcomes count as the same answers.

    Args:
        connection: The engine.
        ours: Rows of the first.
        theirs: Rows of the second.
    """
    columns = [_columns(connection, table) for table in (ours, theirs)]
    common = [name for name in columns[0] if name in columns[1] and name not in DEALT]
    answers = [name for name in ANSWERS if _is_filled(connection, ours, name)]
    if not answers:
        # What people said of an answer is no part of it: more labels do not make another candidate.
        own = [name for name in common if not name.startswith("#human:")]
        answers = [name for name in own if name in VERDICTS or name.startswith("#")]
    sizes = connection.execute(
        f"SELECT (SELECT count(*) FROM {ours}), (SELECT count(*) FROM {theirs})"
    ).fetchone()

    def against(other: str) -> Sameness:
        found = connection.execute(
            f"""SELECT count(*), count(*) FILTER (WHERE {_differs(answers)}),
                  count(*) FILTER (WHERE {_differs(common)})
                FROM {ours} a JOIN {other} b ON a.case_id = b.case_id AND a.repeat = b.repeat"""
        ).fetchone()
        return Sameness(*(int(number) for number in (*(sizes or (0, 0)), *(found or (0, 0, 0)))))

    # Another candidate shows within a few rows, and most earlier runs are of another candidate.
    few = against(f"(SELECT * FROM {theirs} LIMIT {FEW})")
    return few if few.other_answers or few.theirs <= FEW else against(theirs)


def rows_unseen(connection: Connection, table: str, seen: Sequence[str], name: str) -> None:
    """Make a view of the rows whose case and whose cluster is in none of the other tables.

    Args:
        connection: The engine.
        table: The rows.
        seen: Tables of rows that were seen, at least one.
        name: Name of the view to make.
    """
    cases = " UNION ".join(f"SELECT case_id, cluster_id FROM {other}" for other in seen)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {SEEN} AS {cases}")
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {table} "
        f"WHERE case_id NOT IN (SELECT case_id FROM {SEEN}) AND "
        f"coalesce(cluster_id, case_id) NOT IN (SELECT coalesce(cluster_id, case_id) FROM {SEEN})"
    )


@dataclass(frozen=True, slots=True)
class SharedCases:
    """What two runs on different versions of a golden set have in common.

    Args:
        unchanged: Cases that both hold with the same label and input.
        only_ours: Cases that only the first holds.
        only_theirs: Cases that only the second holds.
        relabelled: Cases that both hold with different labels.
        rewritten: Cases that both hold with the same label and different inputs; None where that is not
            known.
    """

    unchanged: int
    only_ours: int
    only_theirs: int
    relabelled: int
    rewritten: int | None


def shared_cases(
    connection: Connection,
    ours: str,
    theirs: str,
    inputs: tuple[str, str] | None,
    names: tuple[str, str],
) -> SharedCases:
    """Make views of two runs' rows on the cases that both hold unchanged.

    Args:
        connection: The engine.
        ours: Rows of the first.
        theirs: Rows of the second.
        inputs: Queries of `case_id` and a hash `input` for the version of either; None where they are not
            known.
        names: Names of the views to make.

    Returns:
        How many cases are in them and how many are not.
    """
    table = "cases_of_both"
    nowhere = "SELECT CAST(NULL AS VARCHAR) AS case_id, CAST(NULL AS BIGINT) AS input WHERE false"
    old, new = inputs or (nowhere, nowhere)
    labels = "SELECT case_id, min(label) AS label FROM {rows} GROUP BY case_id"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT coalesce(a.case_id, b.case_id) AS case_id, "
        "b.case_id IS NULL AS only_ours, a.case_id IS NULL AS only_theirs, "
        "a.label IS DISTINCT FROM b.label AS relabelled, v.input IS DISTINCT FROM w.input AS rewritten "
        f"FROM ({labels.format(rows=ours)}) a "
        f"FULL JOIN ({labels.format(rows=theirs)}) b ON a.case_id = b.case_id "
        f"LEFT JOIN ({old}) v ON v.case_id = coalesce(a.case_id, b.case_id) "
        f"LEFT JOIN ({new}) w ON w.case_id = coalesce(a.case_id, b.case_id)"
    )
    both = "NOT only_ours AND NOT only_theirs"
    for rows, name in zip((ours, theirs), names, strict=True):
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {rows} WHERE case_id IN "
            f"(SELECT case_id FROM {table} WHERE {both} AND NOT relabelled AND NOT rewritten)"
        )
    found = (
        connection.execute(
            f"""SELECT count(*) FILTER (WHERE {both} AND NOT relabelled AND NOT rewritten),
              count(*) FILTER (WHERE only_ours), count(*) FILTER (WHERE only_theirs),
              count(*) FILTER (WHERE {both} AND relabelled),
              count(*) FILTER (WHERE {both} AND NOT relabelled AND rewritten) FROM {table}"""
        ).fetchone()
        or (0,) * 5
    )
    both_alike, ours_only, theirs_only, relabelled, rewritten = (int(n) for n in found)
    return SharedCases(
        both_alike, ours_only, theirs_only, relabelled, rewritten if inputs is not None else None
    )


def shared_ids(
    connection: Connection, ours: tuple[str, str, str], theirs: tuple[str, str, str], limit: int = 5
) -> tuple[int, list[str]]:
    """Return how many case ids two sets share, and the first of them.

    Args:
        connection: The engine.
        ours: Relation, SQL of its id, and condition on its rows.
        theirs: The same of the other set.
        limit: How many to name.
    """
    a, b = (
        f"SELECT {case_id} AS case_id FROM {relation} WHERE {kept}"
        for relation, case_id, kept in (ours, theirs)
    )
    both = f"SELECT DISTINCT a.case_id FROM ({a}) a JOIN ({b}) b ON a.case_id = b.case_id"
    rows = connection.execute(f"SELECT case_id FROM ({both}) ORDER BY case_id").fetchall()
    return len(rows), [str(row[0]) for row in rows[:limit]]


def _columns(connection: Connection, table: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]


def _is_filled(connection: Connection, table: str, column: str) -> bool:
    if column not in _columns(connection, table):
        return False
    found = connection.execute(f"SELECT count({quote(column)}) FROM {table}").fetchone()
    return bool(found and found[0])


def _differs(columns: Sequence[str]) -> str:
    """Return the condition that a row of a and one of b differ in some column."""
    return " OR ".join(f"a.{quote(c)} IS DISTINCT FROM b.{quote(c)}" for c in columns) or "false"
