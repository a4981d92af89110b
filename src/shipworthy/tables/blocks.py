"""Rows that DuckDB codes in this process, counted block by block.

A grouping looks up each row in a table of its keys. Where every code is a small number, its place in a dense
array is the sum of a few products: a fraction of the work, over blocks that fit in memory beside the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.tables.arms import Arm, Counted, coded_and_counted
from shipworthy.tables.duck import Connection, scalar, text_literal
from shipworthy.tables.engine import dialect_of
from shipworthy.tables.row_plan import numbered

__all__ = ["BLOCK", "are_worth_blocks", "blocks_of", "count_blocks"]

#: Rows of a block: two row groups of a stored run.
BLOCK = 2 * 122_880
#: Rows that are counted at a time, so that their codes stay in the processor's cache.
TOGETHER = 65_536
#: Below so many cells an engine's own tables are as quick.
FEWEST_CELLS = 10_000
#: Numbers that the dense arrays of all arms may hold together.
MOST_NUMBERS = 8_000_000

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


def are_worth_blocks(connection: Connection, arms: Sequence[Arm], groups: int) -> bool:
    """Return whether the arms can be counted in dense arrays, block by block, and are worth it.

    Units of several rows, and ranks among other rows, may reach over the end of a block.

    Args:
        connection: The engine.
        arms: The arms.
        groups: Number of cluster groups.
    """
    numbers = sum((1 + len(arm.sums)) * _cells(arm, groups) for arm in arms)
    return (
        dialect_of(connection) == "duckdb"
        and sum(_cells(arm, groups) for arm in arms) >= FEWEST_CELLS
        and numbers <= MOST_NUMBERS
        and not any(_reaches_over(arm) for arm in arms)
    )


def _cells(arm: Arm, groups: int) -> int:
    return arm.cells_with(()) * (groups if arm.by_group else 1)


def _reaches_over(arm: Arm) -> bool:
    expressions = [arm.cut.sql, *(key.sql for key in arm.keys), *arm.sums]
    return arm.inner is not None or any("OVER (" in sql.upper() for sql in expressions)


def blocks_of(connection: Connection, rows: str) -> tuple[str, ...]:
    """Return the relations that stored rows are read in, block by block; none where the rows are not stored.

    Args:
        connection: DuckDB.
        rows: Table, view or derived table of canonical rows.
    """
    if not rows.isidentifier() or not _are_numbered(connection, rows):
        return ()
    count = scalar(connection, f"SELECT count(*) FROM {rows}")
    if count <= BLOCK:
        return (rows,)
    return tuple(
        f"(SELECT * FROM {numbered(rows)} WHERE file_row_number >= {first} "
        f"AND file_row_number < {first + BLOCK}) block"
        for first in range(0, count, BLOCK)
    )


def _are_numbered(connection: Connection, rows: str) -> bool:
    """Return whether the name still stands for the stored rows that it was attached to with their numbers."""
    names = [text_literal(name) for name in (rows, numbered(rows))]
    found = connection.execute(
        f"SELECT view_name, sql FROM duckdb_views() WHERE view_name IN ({', '.join(names)})"
    ).fetchall()
    reads = {name: sql.partition(" AS ")[2] for name, sql in found}
    return len(found) == 2 and reads[rows] == reads[numbered(rows)].replace("*, file_row_number ", "* ", 1)


def count_blocks(
    connection: Connection, blocks: Iterable[str], arms: Sequence[Arm], groups: int, mean_weight: float | None
) -> Mapping[str, NDArray[Any]]:
    """Return what the one query of all arms returns over the blocks together.

    Args:
        connection: DuckDB.
        blocks: Relations of rows that share no row.
        arms: The arms.
        groups: Number of cluster groups.
        mean_weight: Mean weight; None where rows carry no weights.
    """
    counts: list[_Cells] = []
    with ThreadPoolExecutor(1) as beside:
        counting: Future[None] | None = None
        for block in blocks:
            coded, counted = coded_and_counted(block, arms, groups, mean_weight)
            counts = counts or [
                _Cells(arm, columns, groups) for arm, columns in zip(arms, counted, strict=True)
            ]
            # The next block is read while the one before it is counted.
            columns = connection.execute(coded).fetchnumpy()
            if counting is not None:
                counting.result()
            counting = beside.submit(_count, counts, columns)
        if counting is not None:
            counting.result()
    widest = max(len(arm.sums) for arm in arms)
    parts = [cells.entries(index, widest) for index, cells in enumerate(counts)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _count(counts: Sequence[_Cells], columns: Mapping[str, NDArray[Any]]) -> None:
    rows = len(next(iter(columns.values())))
    for first in range(0, rows, TOGETHER):
        part = _Rows({name: column[first : first + TOGETHER] for name, column in columns.items()})
        for cells in counts:
            cells.take(part)


class _Rows:
    """Some coded rows, each column made ready once for all arms."""

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self.columns = columns
        self.length = len(next(iter(columns.values())))
        self.ready: dict[tuple[str, int], NDArray[Any]] = {}

    def codes(self, name: str, times: int = 1, missing: int = 0) -> Codes | int:
        """Return a column of codes, multiplied; "0" stands for none."""
        if name == "0":
            return 0
        if (name, times) not in self.ready:
            held = self.columns[name]
            if isinstance(held, np.ma.MaskedArray):
                held = np.where(np.ma.getmaskarray(held), missing, held.data)
            self.ready[name, times] = np.multiply(held, times, dtype=np.int64, casting="unsafe")
        return self.ready[name, times]

    def numbers(self, name: str) -> Floats:
        """Return a column of numbers, 0 where there is none."""
        held = self.columns[name]
        return np.asarray(held.filled(0.0) if isinstance(held, np.ma.MaskedArray) else held, dtype=np.float64)

    def present(self, name: str) -> NDArray[np.bool_] | None:
        """Return where a column holds a number; None for everywhere."""
        held = self.columns[name]
        return ~np.ma.getmaskarray(held) if isinstance(held, np.ma.MaskedArray) else None

    def inside(self, names: Sequence[str]) -> NDArray[np.bool_] | None:
        """Return where all columns are true; None for everywhere."""
        masks = [np.ma.filled(self.columns[name], False) for name in names]
        return np.logical_and.reduce(masks) if masks else None


class _Cells:
    """The dense table of one arm, as it fills."""

    def __init__(self, arm: Arm, columns: Counted, groups: int) -> None:
        self.columns, self.others = columns, arm.cut.size + 1
        # Places of a column's values count from 1, which the last slot's does too.
        self.first = 1 if arm.cut.column else 0
        self.width = prod(key.size + 1 for key in arm.keys) * (groups if arm.by_group else 1)
        self.size = self.width * (self.others + self.first)
        self.rows = np.zeros(self.size, dtype=np.int64)
        self.weights = np.zeros(self.size) if columns.weighted else None
        self.sums = [np.zeros(self.size) for _sum in columns.sums]

    def take(self, rows: _Rows) -> None:
        """Count some rows."""
        cells = np.broadcast_to(
            np.asarray(
                rows.codes(self.columns.population, self.width, self.others) + rows.codes(self.columns.code)
            ),
            rows.length,
        )
        inside = rows.inside(self.columns.where)
        cells = cells if inside is None else cells[inside]
        counted = np.bincount(cells, minlength=self.size)
        self.rows += counted
        weights = rows.numbers("w") if self.columns.weighted else None
        if weights is not None and self.weights is not None:
            self.weights += self._added(cells, weights, inside)
        for sums, (name, kind) in zip(self.sums, self.columns.sums, strict=True):
            present = rows.present(name) if kind == "presence" else None
            if kind == "presence" and present is None:
                sums += counted
                continue
            numbers = rows.numbers(name) if present is None else present.astype(np.float64)
            numbers = numbers * numbers if kind == "square" else numbers
            sums += self._added(cells, numbers if weights is None else weights * numbers, inside)

    def _added(self, cells: Codes, numbers: Floats, inside: NDArray[np.bool_] | None) -> Floats:
        own = numbers if inside is None else numbers[inside]
        return np.asarray(np.bincount(cells, own, self.size), dtype=np.float64)

    def entries(self, arm: int, widest: int) -> dict[str, NDArray[Any]]:
        """Return the occupied cells as rows of an answer, with so many sums."""
        held = np.flatnonzero(self.rows)
        places, codes = np.divmod(held, self.width)
        found = {"arm": np.full(len(held), arm), "p": places - self.first, "k": codes}
        found["n"] = (self.rows if self.weights is None else self.weights)[held].astype(np.float64)
        for position in range(widest):
            own = self.sums[position][held] if position < len(self.sums) else np.full(len(held), np.nan)
            found[f"s{position}"] = own
        return found
