"""Two systems on the same cases, side by side as one relation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

from shipworthy.errors import InputError
from shipworthy.tables.arms import base_keys
from shipworthy.tables.asks import LOST, Ask, Grain, Key, Total
from shipworthy.tables.blocks import BLOCK
from shipworthy.tables.duck import Connection, path_literal, quote, scalar
from shipworthy.tables.engine import dialect_of
from shipworthy.tables.rows import stored_at
from shipworthy.tables.totals import Table, read_totals

__all__ = ["OTHERS", "PAIRED", "Pairs", "pair_rows", "read_pairs", "shared_rows"]

#: Columns of the other system that metrics may ask for, under the prefix other_.
OTHERS = (
    "prediction",
    "predicted_score",
    "grade",
    "correct",
    "latency_ms",
    "run_cost",
    "failed_reason",
    "outcome",
    "ok",
)
#: How many pairs are usable, and in how many the two carry different labels.
PAIRED = Ask(
    Total((LOST, Key("differs", "CAST(label <> other_label AS INTEGER)", 2)), grain=Grain("planned")),
    by_group=False,
)
#: Rows of both sides that are joined at a time.
JOINED_AT_ONCE = 1_000_000
MOST_JOINS = 64
#: Fewer rows than these are read by one thread as soon as by two.
FEWEST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Pairs:
    """Paired rows in the engine.

    Args:
        table: All of them.
        pieces: The relations that it is put together from, each with later rows of the subject than the one
            before it.
        in_order: Whether the rows of each piece come in the order in which they are stored.
        blocks: The same pairs in relations small enough to be held, where they are known to be.
    """

    table: str
    pieces: tuple[str, ...]
    in_order: bool = False
    blocks: tuple[str, ...] = ()


def pair_rows(
    connection: Connection,
    ours: str,
    theirs: str,
    name: str,
    *,
    by_query: bool = False,
    in_step: bool = False,
) -> Pairs:
    """Make a view that joins two systems' rows on case and repeat.

    A row is usable where both systems' rows are; the other system's columns carry the prefix other_. Stored
    rows are paired piece by piece, so that memory does not grow with them: row by row where the two are in
    step, else by joins over ranges of cases, which the files' own statistics tell.

    Args:
        connection: The engine.
        ours: Rows of the subject.
        theirs: Rows of the system it is set against.
        name: Name of the view to make.
        by_query: Whether queries are what the two share (ranking): an item that one of them alone lists
            stays, for it takes up a rank.
        in_step: Whether both hold the same cases and repeats in the same order, so that they are read side by
            side without a join.

    Returns:
        The view and its pieces.
    """
    in_step = in_step and dialect_of(connection) == "duckdb"
    selected = _selected(connection, ours, theirs, coalesced=by_query and not in_step)
    kind, on, where = "JOIN", "a.case_id = b.case_id", ""
    parts: list[tuple[str, str]] = []
    blocks: tuple[str, ...] = ()
    if in_step:
        kind, on = "POSITIONAL JOIN", ""
        parts = _side_by_side(connection, ours, theirs)
        blocks = _in_blocks(connection, ours, theirs, f"SELECT {selected}")
    elif by_query:
        kind = "FULL JOIN"
        where = " WHERE " + " AND ".join(
            f"coalesce(a.query_id, b.query_id) IN (SELECT query_id FROM {side})" for side in (ours, theirs)
        )
    else:
        parts = _by_ranges(connection, ours, theirs)
    if not in_step:
        on = f" ON {_same_row(connection, ours, theirs)}"
    pieces = []
    for at, (left, right) in enumerate(parts or [(ours, theirs)]):
        pieces.append(f"{name}_{at}" if len(parts) > 1 else name)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {pieces[-1]} AS SELECT {selected} "
            f"FROM {left} a {kind} {right} b{on}{where}"
        )
    if len(pieces) > 1:
        together = " UNION ALL ".join(f"SELECT * FROM {piece}" for piece in pieces)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {together}")
    return Pairs(name, tuple(pieces), in_step, blocks or (tuple(pieces) if parts and not in_step else ()))


def read_pairs(
    connection: Connection,
    pairs: Pairs,
    asks: Sequence[Ask],
    groups: int = 1,
    mean_weight: float | None = None,
    *,
    unscored: bool = True,
    clustered: bool = True,
) -> dict[Ask, Table]:
    """Answer all asks of paired rows; those that are joined piece by piece are added up.

    Args:
        connection: The engine.
        pairs: The paired rows.
        asks: What is asked.
        groups: Number of cluster groups to keep apart.
        mean_weight: Mean weight; None where rows carry no weights.
        unscored: Whether any row may be unscored.
        clustered: Whether a cluster may have several rows.

    Returns:
        One table per ask.
    """

    def read(rows: str, asked: Iterable[Ask], blocks: Sequence[str] = ()) -> dict[Ask, Table]:
        return read_totals(
            connection,
            rows,
            list(asked),
            groups,
            mean_weight,
            unscored=unscored,
            clustered=clustered,
            serves="totals of pairs",
            blocks=blocks,
        )

    if pairs.in_order or len(pairs.pieces) == 1:
        return read(pairs.table, asks, pairs.blocks)
    found = read(pairs.table, (ask for ask in asks if not _adds_up(ask)))
    for piece in pairs.pieces:
        for ask, table in read(piece, filter(_adds_up, asks), [piece]).items():
            found[ask] = found[ask] + table if ask in found else table
    return found


def _adds_up(ask: Ask) -> bool:
    """Return whether answers of pieces add up.

    A case may have one repeat in this piece and one in the next, and a rank means something among all rows.
    """
    return not ask.total.grain.inner and not any(key.is_local for key in base_keys(ask.total.by))


def shared_rows(connection: Connection, pairs: Pairs, answer: Table | None = None) -> int:
    """Return the number of usable pairs.

    Args:
        connection: The engine.
        pairs: The paired rows.
        answer: The unweighted answer to `PAIRED`; None to ask for it.

    Raises:
        InputError: If the two carry different labels for a shared case.
    """
    if answer is None:
        answer = read_totals(connection, pairs.table, [PAIRED], serves="shared cases")[PAIRED]
    counts = answer.at(0)[0].sum(axis=0)
    differing = round(float(counts[:, 1].sum()))
    if differing:
        found = connection.execute(
            f"SELECT min(case_id) FROM {pairs.table} WHERE label <> other_label"
        ).fetchone()
        example = found[0] if found else ""
        raise InputError(
            f"The two runs carry different labels for {differing:,} shared cases, for example {example!r}: "
            "true classes must agree between systems.",
            fix="Run both on the same golden set.",
        )
    return round(float(counts[0].sum()))


def _selected(connection: Connection, ours: str, theirs: str, *, coalesced: bool) -> str:
    """Return the columns of a pair: ours by their names, and those of the other system."""
    their_columns = _columns(connection, theirs)
    our_columns = _columns(connection, ours)
    scores = sorted(column for column in {*their_columns} & {*our_columns} if column.startswith("#"))
    others = ", ".join(f"b.{quote(column)} AS {quote('other_' + column)}" for column in (*OTHERS, *scores))
    replaced = {
        "unscored_reason": "CASE WHEN a.unscored_reason IS NULL AND b.unscored_reason IS NULL THEN NULL "
        "ELSE 'unscored in one of the two' END"
    }
    if coalesced:
        of_the_case = [
            c for c in our_columns if c in their_columns and c not in (*OTHERS, *scores, *replaced)
        ]
        replaced |= {column: f"coalesce(a.{quote(column)}, b.{quote(column)})" for column in of_the_case}
    own = ", ".join(
        f"{replaced.get(column, f'a.{quote(column)}')} AS {quote(column)}" for column in our_columns
    )
    return f"{own}, b.label AS other_label, {others}"


def _columns(connection: Connection, table: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(f"DESCRIBE {table}").fetchall()]


# -- stored rows, piece by piece -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows that lie together in a Parquet file: their places, and between which cases they are."""

    start: int
    end: int
    low: str | None
    high: str | None


def _groups(connection: Connection, path: Path) -> list[_Group]:
    found = connection.execute(
        "SELECT row_group_num_rows, stats_min_value, stats_max_value "
        f"FROM parquet_metadata({path_literal(path)}) WHERE path_in_schema = 'case_id' ORDER BY row_group_id"
    ).fetchall()
    groups: list[_Group] = []
    for rows, low, high in found:
        start = groups[-1].end if groups else 0
        groups.append(_Group(start, start + int(rows), low, high))
    return groups


def _at_places(path: Path, start: int, end: int) -> str:
    """Return SQL of the stored rows from one place up to another."""
    return (
        "(SELECT * EXCLUDE (file_row_number) "
        f"FROM read_parquet({path_literal(path)}, hive_partitioning=false, file_row_number=true) "
        f"WHERE file_row_number >= {start} AND file_row_number < {end})"
    )


def _side_by_side(connection: Connection, ours: str, theirs: str) -> list[tuple[str, str]]:
    """Return both sides in as many parts as there are threads: rows side by side are read by one thread."""
    left, right = stored_at(connection, ours), stored_at(connection, theirs)
    if left is None or right is None:
        return []
    groups = _groups(connection, left)
    rows = groups[-1].end if groups else 0
    parts = min(_threads(connection), rows // FEWEST_ROWS)
    if parts < 2:
        return []
    return [(_at_places(left, *cut), _at_places(right, *cut)) for cut in _cuts(groups, rows / parts)]


def _in_blocks(connection: Connection, ours: str, theirs: str, select: str) -> tuple[str, ...]:
    """Return stored rows side by side in blocks, each in a part for every thread."""
    left, right = stored_at(connection, ours), stored_at(connection, theirs)
    groups = _groups(connection, left) if left is not None else []
    if left is None or right is None or not groups:
        return ()
    threads = _threads(connection)
    parts = [
        f"{select} FROM {_at_places(left, *cut)} a POSITIONAL JOIN {_at_places(right, *cut)} b"
        for cut in _cuts(groups, BLOCK / threads)
    ]
    together = [parts[first : first + threads] for first in range(0, len(parts), threads)]
    return tuple(f"({' UNION ALL '.join(block)}) block" for block in together)


def _threads(connection: Connection) -> int:
    return scalar(connection, "SELECT current_setting('threads')")


def _cuts(groups: Sequence[_Group], size: float) -> list[tuple[int, int]]:
    """Return where to cut rows into parts of about so many, each a run of whole groups."""
    starts, rows = [group.start for group in groups], groups[-1].end
    wanted = [round(size * part) for part in range(1, ceil(rows / size))]
    return list(
        pairwise(sorted({min(starts, key=lambda start: abs(start - place)) for place in wanted} | {0, rows}))
    )


def _by_ranges(connection: Connection, ours: str, theirs: str) -> list[tuple[str, str]]:
    """Return rows of ours with all rows of theirs that may meet them, range by range.

    A row of ours is in one range only, and one of theirs in every range whose cases it may be among.
    """
    left, right = stored_at(connection, ours), stored_at(connection, theirs)
    if left is None or right is None:
        return []
    own, others = _groups(connection, left), _groups(connection, right)
    if not own or not others or any(group.low is None or group.high is None for group in (*own, *others)):
        return []
    rows = own[-1].end
    size = max(rows * JOINED_AT_ONCE // (rows + others[-1].end), rows // MOST_JOINS)
    parts = []
    for groups in _gathered(own, size):
        low, high = min(group.low or "" for group in groups), max(group.high or "" for group in groups)
        met = [group for group in others if (group.low or "") <= high and (group.high or "") >= low]
        if met:
            parts.append(
                (
                    _at_places(left, groups[0].start, groups[-1].end),
                    _at_places(right, met[0].start, met[-1].end),
                )
            )
    return parts


def _gathered(groups: Sequence[_Group], size: int) -> list[list[_Group]]:
    """Return neighbouring groups together, each time about so many rows."""
    found: list[list[_Group]] = [[]]
    for group in groups:
        if found[-1] and group.end - found[-1][0].start > size:
            found.append([])
        found[-1].append(group)
    return found


def _same_row(connection: Connection, ours: str, theirs: str) -> str:
    """Return the condition that two rows are of one case, repeat and query.

    What is the same in every stored row need not be compared in each.
    """
    always = "a.case_id = b.case_id"
    repeat, query = "a.repeat = b.repeat", "a.query_id IS NOT DISTINCT FROM b.query_id"
    found = [always, repeat, query]
    sides = [stored_at(connection, table) for table in (ours, theirs)]
    spans = [_span(connection, path) for path in sides if path is not None]
    if len(spans) == 2:
        (least, most, queries), (their_least, their_most, their_queries) = spans
        if least is not None and least == most == their_least == their_most:
            found.remove(repeat)
        if not queries and not their_queries:
            found.remove(query)
    return " AND ".join(found)


def _span(connection: Connection, path: Path) -> tuple[int | None, int | None, bool]:
    """Return least and greatest repeat, None where statistics do not tell, and whether a query is named."""
    found = connection.execute(
        "SELECT path_in_schema, min(TRY_CAST(stats_min_value AS BIGINT)), "
        "max(TRY_CAST(stats_max_value AS BIGINT)), "
        "count(*) FILTER (WHERE path_in_schema = 'repeat' AND stats_max_value IS NULL), "
        "count(*) FILTER (WHERE stats_null_count IS DISTINCT FROM row_group_num_rows) "
        f"FROM parquet_metadata({path_literal(path)}) "
        "WHERE path_in_schema IN ('repeat', 'query_id') GROUP BY 1"
    ).fetchall()
    told = {str(row[0]): row[1:] for row in found}
    least, most, silent, _ = told.get("repeat", (None, None, 1, 0))
    queries = told.get("query_id", (None, None, 0, 1))[3]
    return (None, None, bool(queries)) if silent else (least, most, bool(queries))
