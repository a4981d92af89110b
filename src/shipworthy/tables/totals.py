"""Totals: GROUP BY small-integer keys, SUM of expressions, for every metric and slice in one scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shipworthy.tables.duck import Connection, fetch_columns

__all__ = ["WHOLE", "Ask", "Grain", "Key", "Split", "Table", "Total", "read_totals", "totals_sql"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Key:
    """A small-integer key of a total.

    Args:
        name: Its name.
        sql: Integer expression over the canonical rows; NULL has its own slot, the last one.
        size: Number of values, without the slot for NULL.
    """

    name: str
    sql: str
    size: int


@dataclass(frozen=True, slots=True)
class Grain:
    """What one unit of a total is.

    Args:
        name: "row" (usable rows), "planned" (all rows), "case", "query" or "pair".
        inner: SQL of the units as a derived table over the coded rows, where a unit is no row; it must keep
            the columns p, g and w and may use any column of the rows.
    """

    name: str = "row"
    inner: str = ""


ROW = Grain("row")

#: Up to this many rows it is worth a look whether clusters repeat inside a population.
FEW_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Total:
    """What a metric needs from the rows.

    Args:
        by: Keys.
        sums: Expressions summed beside the count.
        grain: What one unit is.
    """

    by: tuple[Key, ...] = ()
    sums: tuple[str, ...] = ()
    grain: Grain = ROW


@dataclass(frozen=True, slots=True)
class Split:
    """A cut of the rows into disjoint populations.

    Args:
        name: The slicing column, or the population in words.
        sql: Integer expression; NULL leaves the row out.
        labels: Name of each population, by code.
    """

    name: str
    sql: str
    labels: tuple[str, ...]


WHOLE = Split("", "0", ("all",))


@dataclass(frozen=True, slots=True)
class Ask:
    """One total on one split."""

    total: Total
    split: Split = WHOLE


@dataclass(frozen=True)
class Table:
    """The answer to an ask: counts and sums by population, group of clusters and keys.

    Args:
        sizes: Length of each key's axis, the slot for NULL included.
        groups: Number of cluster groups (1 where rows are independent).
        populations: (entries,) population codes.
        group_codes: (entries,) group codes.
        keys: (entries, keys) key codes.
        counts: (entries,) weighted counts.
        sums: (entries, sums).
        independent: Codes of populations in which no cluster has a second row, whatever the rest holds.
    """

    sizes: tuple[int, ...]
    groups: int
    populations: NDArray[np.int64]
    group_codes: NDArray[np.int64]
    keys: NDArray[np.int64]
    counts: Floats
    sums: Floats
    independent: frozenset[int] = frozenset()

    def at(self, code: int | None) -> tuple[Floats, tuple[Floats, ...]]:
        """Return one population as dense arrays.

        Args:
            code: The population; None for all of them together.

        Returns:
            Counts (groups, *sizes), and one array of that shape per sum.
        """
        here = slice(None) if code is None else self.populations == code
        shape = (self.groups, *self.sizes)
        length = int(np.prod(shape))
        flat = self.group_codes[here]
        for axis, size in enumerate(self.sizes):
            flat = flat * size + self.keys[here, axis]

        def dense(weights: Floats) -> Floats:
            return np.bincount(flat, weights, length).astype(float).reshape(shape)

        sums = tuple(dense(self.sums[here, column]) for column in range(self.sums.shape[1]))
        return dense(self.counts[here]), sums


def read_totals(
    connection: Connection,
    rows: str,
    asks: Sequence[Ask],
    groups: int = 1,
    mean_weight: float | None = None,
) -> dict[Ask, Table]:
    """Answer all asks with one query that scans the rows once.

    Args:
        connection: The engine.
        rows: Table, view or derived table of canonical rows.
        asks: What is asked; equal totals are computed once.
        groups: Number of cluster groups to keep apart; 1 where rows are independent.
        mean_weight: Mean weight, by which weights are scaled so that they add up to the rows; None where
            rows carry no weights.

    Returns:
        One table per ask.
    """
    unique = list(dict.fromkeys(asks))
    if not unique:
        return {}
    found = fetch_columns(connection, totals_sql(rows, unique, groups, mean_weight))
    width_by = max(len(ask.total.by) for ask in unique)
    width_sums = max(len(ask.total.sums) for ask in unique)
    arms = found["arm"].astype(np.int64)
    answers: dict[Ask, Table] = {}
    alone: dict[Split, frozenset[int]] = {}
    if groups > 1 and mean_weight is None:
        alone = _independent(connection, rows, list(dict.fromkeys(ask.split for ask in unique)))
    for index, ask in enumerate(unique):
        here = arms == index
        keys = [found[f"k{axis}"][here].astype(np.int64) for axis in range(width_by)][: len(ask.total.by)]
        sums = [found[f"s{column}"][here].astype(float) for column in range(width_sums)]
        answers[ask] = Table(
            sizes=tuple(key.size + 1 for key in ask.total.by),
            groups=groups,
            populations=found["p"][here].astype(np.int64),
            group_codes=found["g"][here].astype(np.int64),
            keys=np.stack(keys, axis=1) if keys else np.zeros((int(here.sum()), 0), dtype=np.int64),
            counts=found["n"][here].astype(float),
            sums=np.nan_to_num(np.stack(sums[: len(ask.total.sums)], axis=1))
            if ask.total.sums
            else np.zeros((int(here.sum()), 0)),
            independent=alone.get(ask.split, frozenset()) if ask.total.grain.name == "row" else frozenset(),
        )
    return answers


def _independent(connection: Connection, rows: str, splits: Sequence[Split]) -> dict[Split, frozenset[int]]:
    """Return the populations of each split in which every cluster has a single row.

    Few rows are worth the look; with many, an interval over groups of clusters costs nothing in width.
    """
    count = connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
    if count is None or count[0] > FEW_ROWS:
        return {}
    arms = [
        f"SELECT {index} AS arm, p FROM (SELECT {split.sql} AS p, cluster_id, count(*) AS c FROM {rows} "
        "WHERE unscored_reason IS NULL GROUP BY 1, 2) WHERE p IS NOT NULL GROUP BY p HAVING max(c) = 1"
        for index, split in enumerate(splits)
    ]
    found: dict[Split, frozenset[int]] = {}
    for index, code in connection.execute(" UNION ALL ".join(arms)).fetchall():
        found[splits[index]] = found.get(splits[index], frozenset()) | {int(code)}
    return found


def totals_sql(rows: str, asks: Sequence[Ask], groups: int = 1, mean_weight: float | None = None) -> str:
    """Return the one query behind `read_totals`.

    Every key, split and sum is coded once in the first projection; each ask is one arm of a UNION ALL over
    that coded relation, so that the engine streams the rows through all arms in a single scan.

    Args:
        rows: Table, view or derived table of canonical rows.
        asks: What is asked, without repetition.
        groups: Number of cluster groups.
        mean_weight: Mean weight; None where rows carry no weights.

    Returns:
        SQL with the columns arm, p, g, k0.., n, s0...
    """
    keys = _numbered((key.sql for ask in asks if not ask.total.grain.inner for key in ask.total.by), "k_")
    splits = _numbered((ask.split.sql for ask in asks), "p_")
    sums = _numbered((sql for ask in asks if not ask.total.grain.inner for sql in ask.total.sums), "m_")
    coded = [f"CAST({sql} AS SMALLINT) AS {name}" for sql, name in splits.items()]
    coded += [f"CAST({sql} AS INTEGER) AS {name}" for sql, name in keys.items()]
    coded += [f"CAST({sql} AS DOUBLE) AS {name}" for sql, name in sums.items()]
    coded.append("unscored_reason IS NULL AS usable")
    coded.append(f"{'cluster_group' if groups > 1 else '0'} AS g")
    weighted = mean_weight is not None
    coded.append(f"{f'coalesce(weight, 1.0) / {mean_weight!r}' if weighted else '1.0'} AS w")
    inner_columns = sorted({ask.total.grain.inner for ask in asks if ask.total.grain.inner})
    if inner_columns:
        coded.append("*")
    width_by = max(len(ask.total.by) for ask in asks)
    width_sums = max(len(ask.total.sums) for ask in asks)
    arms = [
        _arm(index, ask, keys, splits, sums, width_by, width_sums, weighted) for index, ask in enumerate(asks)
    ]
    return f"WITH coded AS (SELECT {', '.join(coded)} FROM {rows})\n" + "\nUNION ALL\n".join(arms)


def _numbered(expressions: object, prefix: str) -> dict[str, str]:
    unique = dict.fromkeys(expressions)  # type: ignore[call-overload]
    return {sql: f"{prefix}{index}" for index, sql in enumerate(unique)}


def _arm(
    index: int,
    ask: Ask,
    keys: dict[str, str],
    splits: dict[str, str],
    sums: dict[str, str],
    width_by: int,
    width_sums: int,
    weighted: bool,
) -> str:
    total, population = ask.total, splits[ask.split.sql]
    where = [f"{population} IS NOT NULL"]
    if total.grain.name != "planned":
        where.append("usable")
    if total.grain.inner:
        units = total.grain.inner.format(population=population, where=" AND ".join(where))
        source, condition = f"({units}) u", "true"
        key_sql = [key.sql for key in total.by]
        sum_sql = list(total.sums)
        code = "p"
    else:
        source, condition = "coded", " AND ".join(where)
        key_sql = [keys[key.sql] for key in total.by]
        sum_sql = [sums[sql] for sql in total.sums]
        code = population
    columns = [
        f"CAST({index} AS SMALLINT) AS arm",
        f"CAST({code} AS BIGINT) AS p",
        "CAST(g AS BIGINT) AS g",
    ]
    for axis in range(width_by):
        if axis < len(key_sql):
            columns.append(f"CAST(coalesce({key_sql[axis]}, {total.by[axis].size}) AS BIGINT) AS k{axis}")
        else:
            columns.append(f"CAST(0 AS BIGINT) AS k{axis}")
    columns.append("sum(w) AS n" if weighted else "CAST(count(*) AS DOUBLE) AS n")
    for position in range(width_sums):
        if position < len(sum_sql):
            times = "w * " if weighted else ""
            columns.append(f"CAST(sum({times}{sum_sql[position]}) AS DOUBLE) AS s{position}")
        else:
            columns.append(f"CAST(NULL AS DOUBLE) AS s{position}")
    by = ", ".join(str(position) for position in range(2, 4 + width_by))
    return f"SELECT {', '.join(columns)} FROM {source} WHERE {condition} GROUP BY {by}"
