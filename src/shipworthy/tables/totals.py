"""Totals: GROUP BY small-integer keys, SUM of expressions, for every metric and slice in one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import UsageError
from shipworthy.tables.arms import Arm, Part, arms_sql, base_keys, plan_arms
from shipworthy.tables.asks import LOST, ROW, WHOLE, Ask, Grain, Key, Reading, Split, Total
from shipworthy.tables.blocks import are_worth_blocks, blocks_of, count_blocks
from shipworthy.tables.duck import Connection, fetch_columns
from shipworthy.tables.scans import fetch_all, watched

__all__ = [
    "LOST",
    "ROW",
    "WHOLE",
    "Ask",
    "Grain",
    "Key",
    "Reading",
    "Split",
    "Table",
    "Total",
    "read_totals",
    "table_from_plain",
    "totals_sql",
]

Floats = NDArray[np.float64]


#: Up to this many rows it is worth a look whether clusters repeat inside a population.
FEW_ROWS = 200_000


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
        labels: Name of each population, by code.
        asked: What the keys and sums are, so that only equal ones are added up; empty where they are ranks
            among these rows, which other rows do not share.
        spread: The same rows in wider bins, with groups of clusters kept apart; None where this table keeps
            them apart itself.
    """

    sizes: tuple[int, ...]
    groups: int
    populations: NDArray[np.int64]
    group_codes: NDArray[np.int64]
    keys: NDArray[np.int64]
    counts: Floats
    sums: Floats
    independent: frozenset[int] = frozenset()
    labels: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    spread: Table | None = None

    def at(self, code: int | None) -> tuple[Floats, tuple[Floats, ...]]:
        """Return one population as dense arrays.

        Args:
            code: The population; None for all of them together.

        Returns:
            Counts (groups, *sizes), and one array of that shape per sum.
        """
        here = slice(None) if code is None else self.populations == code
        return self._dense(self._cells[here], (self.groups, *self.sizes), here)

    def all(self) -> tuple[Floats, tuple[Floats, ...]]:
        """Return every population as dense arrays.

        Returns:
            Counts (populations, groups, *sizes), and one array of that shape per sum.
        """
        shape = (len(self.labels), self.groups, *self.sizes)
        return self._dense(self.populations * prod(shape[1:]) + self._cells, shape, slice(None))

    def against_rest(self, code: int) -> Table:
        """Return the table split into one population (0) and all others together (1).

        Args:
            code: The population.
        """
        alone = frozenset({0}) if code in self.independent else frozenset()
        others = (self.populations != code).astype(np.int64)
        spread = None if self.spread is None else self.spread.against_rest(code)
        return replace(
            self, populations=others, independent=alone, labels=(self.labels[code], "the rest"), spread=spread
        )

    @cached_property
    def _cells(self) -> NDArray[np.int64]:
        flat = self.group_codes
        for axis, size in enumerate(self.sizes):
            flat = flat * size + self.keys[:, axis]
        return flat

    def _dense(
        self, flat: NDArray[np.int64], shape: tuple[int, ...], here: Any
    ) -> tuple[Floats, tuple[Floats, ...]]:
        def dense(weights: Floats) -> Floats:
            return np.bincount(flat, weights, prod(shape)).astype(float).reshape(shape)

        sums = tuple(dense(self.sums[here, column]) for column in range(self.sums.shape[1]))
        return dense(self.counts[here]), sums

    def __add__(self, other: Table) -> Table:
        """Return the totals of both sets of rows together, population by population.

        The rows must be different ones, and every unit (a row, a case, a query) must lie in one of the two.

        Raises:
            UsageError: If the two do not count the same, or their codes mean something among their rows only.
        """
        if not self.asked or not other.asked:
            raise UsageError(
                "These totals cannot be added up: a rank, or an item seen before, means something among its "
                "own rows only.",
                fix="Read them from all the rows at once; scores can be asked for by bins.",
            )
        if (self.asked, self.sizes, self.groups) != (other.asked, other.sizes, other.groups):
            raise UsageError(
                "The two totals count by different keys, sums or groups of clusters.",
                fix="Add up totals of the same metric from the same spec.",
            )
        if (self.spread is None) != (other.spread is None):
            raise UsageError(
                "One of the two totals keeps groups of clusters apart in wider bins, the other does not.",
                fix="Add up totals of the same metric from the same spec.",
            )
        both = self.spread + other.spread if self.spread is not None and other.spread is not None else None
        labels = tuple(dict.fromkeys([*self.labels, *other.labels]))
        theirs = np.array([labels.index(label) for label in other.labels], dtype=np.int64)
        return _added_up(
            replace(
                self,
                populations=np.concatenate([self.populations, theirs[other.populations]]),
                group_codes=np.concatenate([self.group_codes, other.group_codes]),
                keys=np.concatenate([self.keys, other.keys]),
                counts=np.concatenate([self.counts, other.counts]),
                sums=np.concatenate([self.sums, other.sums]),
                # A cluster may have one row here and another there.
                independent=frozenset(),
                labels=labels,
                spread=both,
            )
        )

    def to_plain(self) -> dict[str, Any]:
        """Return it as lists, numbers and texts, without loss, to be stored as JSON.

        Raises:
            UsageError: If its codes mean something among its own rows only.
        """
        if not self.asked:
            raise UsageError(
                "These totals cannot be stored: a rank, or an item seen before, means something among its "
                "own rows only.",
                fix="Read them from all the rows at once; scores can be asked for by bins.",
            )
        return {
            "sizes": list(self.sizes),
            "groups": self.groups,
            "populations": self.populations.tolist(),
            "group_codes": self.group_codes.tolist(),
            "keys": self.keys.tolist(),
            "counts": self.counts.tolist(),
            "sums": self.sums.tolist(),
            "independent": sorted(self.independent),
            "labels": list(self.labels),
            "asked": list(self.asked),
            "spread": None if self.spread is None else self.spread.to_plain(),
        }


def table_from_plain(plain: Mapping[str, Any]) -> Table:
    """Return a table that was stored with `Table.to_plain`.

    Args:
        plain: What that returned.
    """
    entries = len(plain["counts"])
    return Table(
        sizes=tuple(plain["sizes"]),
        groups=int(plain["groups"]),
        populations=np.array(plain["populations"], dtype=np.int64),
        group_codes=np.array(plain["group_codes"], dtype=np.int64),
        keys=np.array(plain["keys"], dtype=np.int64).reshape(entries, len(plain["sizes"])),
        counts=np.array(plain["counts"], dtype=np.float64),
        sums=np.array(plain["sums"], dtype=np.float64).reshape(entries, -1 if entries else 0),
        independent=frozenset(plain["independent"]),
        labels=tuple(plain["labels"]),
        asked=tuple(plain["asked"]),
        spread=None if plain["spread"] is None else table_from_plain(plain["spread"]),
    )


def _added_up(table: Table) -> Table:
    """Return the table with one entry per occupied cell."""
    length = prod((table.groups, *table.sizes))
    flat = table.populations * length + table._cells
    size = len(table.labels) * length
    where, cells = flat, np.arange(size)
    if size > max(4 * len(flat), 4096):
        # Too many cells to count through, so only the occupied ones are numbered.
        cells, where = np.unique(flat, return_inverse=True)
    counts = np.bincount(where, table.counts, len(cells)).astype(float)
    rows = np.bincount(where, minlength=len(cells)) > 0
    sums = [np.bincount(where, table.sums[:, at], len(cells))[rows] for at in range(table.sums.shape[1])]
    populations, within = np.divmod(cells[rows], length)
    codes = np.unravel_index(within, (table.groups, *table.sizes))
    empty = np.zeros((len(populations), 0))
    return replace(
        table,
        populations=populations.astype(np.int64),
        group_codes=np.asarray(codes[0], dtype=np.int64),
        keys=np.stack(codes[1:], axis=1).astype(np.int64) if table.sizes else empty.astype(np.int64),
        counts=counts[rows],
        sums=np.stack(sums, axis=1) if sums else empty,
    )


def read_totals(
    connection: Connection,
    rows: str,
    asks: Sequence[Ask],
    groups: int = 1,
    mean_weight: float | None = None,
    *,
    unscored: bool = True,
    clustered: bool = True,
    serves: str = "totals",
    blocks: Sequence[str] = (),
) -> dict[Ask, Table]:
    """Answer all asks with one scan of the rows.

    Args:
        connection: The engine.
        rows: Table, view or derived table of canonical rows.
        asks: What is asked; equal totals are computed once, and coarse ones are read off finer ones.
        groups: Number of cluster groups to keep apart; 1 where rows are independent.
        mean_weight: Mean weight, by which weights are scaled so that they add up to the rows; None where
            rows carry no weights.
        unscored: Whether any row may be unscored; else planned rows are the usable ones.
        clustered: Whether a cluster may have several rows; else groups hold single rows.
        serves: What the answers are for, as the list of scans shows it.
        blocks: Relations that the rows are put together from, none too large to be held; those of stored rows
            need not be told.

    Returns:
        One table per ask.
    """
    if not asks:
        return {}
    wanted = {ask: _in_two(ask, groups) for ask in asks}
    unique = list(dict.fromkeys(part for parts in wanted.values() for part in parts))
    arms, parts = plan_arms(unique, groups, unscored)
    sql = arms_sql(rows, arms, groups, mean_weight)
    if are_worth_blocks(connection, arms, groups):
        blocks = blocks or blocks_of(connection, rows)
    else:
        blocks = ()

    def fetch(connection: Connection, sql: str) -> Mapping[str, NDArray[Any]]:
        if blocks:
            return count_blocks(connection, blocks, arms, groups, mean_weight)
        return fetch_columns(connection, sql)

    found = dict(watched(connection, sql, serves, arms=len(arms), fetch=fetch))
    alone: dict[Split, frozenset[int]] = {}
    if clustered and groups > 1 and mean_weight is None:
        alone = _independent(connection, rows, list(dict.fromkeys(ask.split for ask in unique)))
    ends = np.searchsorted(_in_order(found), np.arange(len(arms) + 1))
    answers = {}
    for ask in unique:
        part = parts[ask]
        here = slice(int(ends[part.arm]), int(ends[part.arm + 1]))
        held = {name: column[here] for name, column in found.items()}
        table = _read_off(ask, arms[part.arm], part, held, groups if ask.by_group else 1)
        row_grain = ask.total.grain.name == "row"
        independent = alone.get(ask.split, frozenset()) if row_grain else frozenset()
        kept_apart = groups if ask.by_group else 1
        answers[ask] = _added_up(replace(table, groups=kept_apart, independent=independent))
    return {
        ask: replace(answers[own[0]], spread=answers[own[1]]) if own[1:] else answers[own[0]]
        for ask, own in wanted.items()
    }


def _in_two(ask: Ask, groups: int) -> tuple[Ask, ...]:
    """Return narrow bins of all rows, and wider ones by group, where an ask keeps groups apart by those."""
    if groups < 2 or not ask.by_group or ask.total.wider is None:
        return (ask,)
    return replace(ask, by_group=False), Ask(ask.total.wider, ask.split)


def _read_off(ask: Ask, arm: Arm, part: Part, found: Mapping[str, NDArray[Any]], groups: int) -> Table:
    """Return the part of an arm that answers an ask, by the ask's own populations and keys."""
    populations = np.array(part.populations, dtype=np.int64)[found["p"]]
    inside = populations >= 0
    whole = inside.all()
    columns = found if whole else {name: column[inside] for name, column in found.items()}
    entries = len(columns["n"])
    sizes = [*(key.size + 1 for key in arm.keys), groups]
    *own, group_codes = _taken_apart(columns["k"], sizes)
    codes = dict(zip(arm.keys, own, strict=True))
    keys = [_key_codes(key, codes, arm.inner is not None, entries) for key in ask.total.by]
    sums = [columns[f"s{arm.sums.index(sql)}"].astype(float) for sql in ask.total.sums]
    local = any(key.is_local for key in base_keys(ask.total.by))
    return Table(
        sizes=tuple(key.size + 1 for key in ask.total.by),
        groups=1,
        populations=populations if whole else populations[inside],
        group_codes=group_codes,
        keys=np.stack(keys, axis=1) if keys else np.zeros((entries, 0), dtype=np.int64),
        counts=columns["n"].astype(float),
        sums=np.nan_to_num(np.stack(sums, axis=1)) if sums else np.zeros((entries, 0)),
        labels=ask.split.labels,
        asked=() if local else _asked(ask),
    )


def _taken_apart(joint: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[np.int64]]:
    """Return each code from the one number that they were counted by."""
    found, left = [], joint.astype(np.int64)
    for size in reversed(sizes):
        if size == 1:
            found.append(np.zeros(len(left), dtype=np.int64))
            continue
        left, code = np.divmod(left, size)
        found.append(code)
    return found[::-1]


def _key_codes(key: Key, codes: Mapping[Key, NDArray[Any]], is_own: bool, entries: int) -> NDArray[np.int64]:
    """Return the codes of a key, from those of the finer keys where it was counted by them."""
    if is_own or key in codes:
        return codes[key].astype(np.int64)
    flat = np.zeros(entries, dtype=np.int64)
    if key == LOST:
        return flat
    for position, finer in enumerate(key.of):
        own = _key_codes(finer, codes, False, entries)
        flat = own if not position else flat * (finer.size + 1) + own
    return np.array(key.codes, dtype=np.int64)[flat]


def _asked(ask: Ask) -> tuple[str, ...]:
    """Return what an ask counts, in words that two runs share when they count the same."""
    keys = [f"{key.name} in {key.size}: {key.sql}" for key in ask.total.by]
    return (ask.split.name, ask.total.grain.name, *keys, *ask.total.sums)


def _in_order(found: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Sort the answer by arm, in place, and return the arms."""
    if len(found["arm"]) > 1 and (np.diff(found["arm"]) < 0).any():
        order = np.argsort(found["arm"], kind="stable")
        for name in found:
            found[name] = found[name][order]
    return found["arm"]


def totals_sql(rows: str, asks: Sequence[Ask], groups: int = 1, mean_weight: float | None = None) -> str:
    """Return the one query behind `read_totals`.

    Args:
        rows: Table, view or derived table of canonical rows.
        asks: What is asked, without repetition.
        groups: Number of cluster groups.
        mean_weight: Mean weight; None where rows carry no weights.

    Returns:
        SQL with the columns arm, p, k (the codes of keys and group as one number), n, s0...
    """
    return arms_sql(rows, plan_arms(asks, groups)[0], groups, mean_weight)


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
    sql = " UNION ALL ".join(arms)
    for index, code in watched(connection, sql, "repeats of clusters", arms=len(arms), fetch=fetch_all):
        found[splits[index]] = found.get(splits[index], frozenset()) | {int(code)}
    return found
