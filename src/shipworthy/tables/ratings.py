"""What raters said of items, read from a file as small integers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import InputError
from shipworthy.tables.duck import Connection, ForeignFile, fetch_columns, text_literal, translated

__all__ = [
    "MOST_CLASSES",
    "Ratings",
    "read_counts",
    "read_ratings",
    "relation_of_columns",
    "relation_of_rows",
]

Codes = NDArray[np.int64]

MOST_CLASSES = 200


def _no_codes() -> Codes:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Ratings:
    """Labels given to items.

    Args:
        items: Names of the items, by code.
        classes: The classes, by code: rising where all are numbers, else by name.
        counts: (items, classes) how often each item was given each class.
        raters: Names of the raters, by code; empty where only counts are known.
        item_codes: (labels,) item of each label.
        rater_codes: (labels,) rater of each label.
        label_codes: (labels,) class of each label.
        missing: Places for a label that hold none.
    """

    items: tuple[str, ...]
    classes: tuple[str, ...]
    counts: NDArray[np.float64]
    raters: tuple[str, ...] = ()
    item_codes: Codes = field(default_factory=_no_codes)
    rater_codes: Codes = field(default_factory=_no_codes)
    label_codes: Codes = field(default_factory=_no_codes)
    missing: int = 0

    @property
    def numbers(self) -> NDArray[np.float64] | None:
        """The classes as numbers; None where one is none."""
        return numbers_of(self.classes)


def numbers_of(classes: Sequence[str]) -> NDArray[np.float64] | None:
    """Return classes as finite numbers; None where one is none."""
    try:
        values = np.array([float(name) for name in classes])
    except ValueError:
        return None
    return values if np.isfinite(values).all() else None


def relation_of_rows(file: ForeignFile, condition: str, item: str, rater: str, label: str) -> str:
    """Return SQL of (item, rater, label) from a file with one label per row.

    Args:
        file: The file.
        condition: Rows to keep, as SQL.
        item: Column of the item.
        rater: Column of the rater.
        label: Column of the label.
    """
    return (
        f"SELECT {file.text(item)} AS item, {file.text(rater)} AS rater, {file.text(label)} AS label "
        f"FROM {file.relation} WHERE {condition}"
    )


def relation_of_columns(file: ForeignFile, condition: str, item: str, raters: Sequence[str]) -> str:
    """Return SQL of (item, rater, label) from a file with one column per rater.

    Args:
        file: The file.
        condition: Rows to keep, as SQL.
        item: Column of the item.
        raters: Columns of the raters.
    """
    return " UNION ALL ".join(
        f"SELECT {file.text(item)} AS item, {text_literal(name)} AS rater, {file.text(name)} AS label "
        f"FROM {file.relation} WHERE {condition}"
        for name in raters
    )


def read_ratings(connection: Connection, relation: str, source: str) -> Ratings:
    """Read labels, each as the codes of item, rater and class.

    Args:
        connection: The engine.
        relation: SQL of item, rater and label as text.
        source: The file, for messages.

    Raises:
        InputError: If an item or rater is missing, a rater labels an item twice, or classes are too many.
    """
    with translated(source):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE ratings AS {relation}")
    _check(connection, source)
    missing = _count(connection, "SELECT count(*) FROM ratings WHERE label IS NULL")
    connection.execute("DELETE FROM ratings WHERE label IS NULL")
    written = _names(connection, "label")
    classes = _in_order(written, source)
    codes = fetch_columns(
        connection,
        "SELECT CAST(dense_rank() OVER (ORDER BY item) - 1 AS BIGINT) AS item, "
        "CAST(dense_rank() OVER (ORDER BY rater) - 1 AS BIGINT) AS rater, "
        "CAST(dense_rank() OVER (ORDER BY label) - 1 AS BIGINT) AS label FROM ratings",
    )
    # The engine ranks classes by name; ours may stand by number.
    place = np.array([classes.index(name) for name in written], dtype=np.int64)
    items, labels = codes["item"].astype(np.int64), place[codes["label"].astype(np.int64)]
    names = _names(connection, "item")
    counts = np.bincount(items * len(classes) + labels, minlength=len(names) * len(classes))
    return Ratings(
        items=names,
        classes=classes,
        counts=counts.reshape(len(names), len(classes)).astype(float),
        raters=_names(connection, "rater"),
        item_codes=items,
        rater_codes=codes["rater"].astype(np.int64),
        label_codes=labels,
        missing=missing,
    )


def read_counts(
    connection: Connection, file: ForeignFile, condition: str, item: str | None, columns: Sequence[str]
) -> Ratings:
    """Read how often each item was given each class, one column per class.

    Args:
        connection: The engine.
        file: The file.
        condition: Rows to keep, as SQL.
        item: Column of the item; None to number the rows.
        columns: Columns of the classes, in their order.

    Raises:
        InputError: If a count is no whole number of 0 or more.
    """
    name = file.text(item) if item is not None else "CAST(row_number() OVER () AS VARCHAR)"
    read = ", ".join(f"TRY_CAST({file.text(column)} AS DOUBLE) AS c{i}" for i, column in enumerate(columns))
    with translated(str(file.path)):
        found = fetch_columns(
            connection, f"SELECT {name} AS item, {read} FROM {file.relation} WHERE {condition}"
        )
    counts = np.column_stack([found[f"c{index}"].astype(float) for index in range(len(columns))])
    for index, column in enumerate(columns):
        wrong = ~(np.isfinite(counts[:, index]) & (counts[:, index] >= 0) & (counts[:, index] % 1 == 0))
        if wrong.any():
            raise InputError(
                f"{column!r} is no whole number of 0 or more in {int(wrong.sum()):,} rows, "
                f"for example at item {found['item'][wrong][0]!r}.",
                where=str(file.path),
                fix="Write how many raters gave that class; 0 where nobody did.",
            )
    if not counts.size:
        raise InputError("There are no rows.", where=str(file.path), fix="Check --where.")
    return Ratings(tuple(str(name) for name in found["item"]), tuple(columns), counts)


def _check(connection: Connection, source: str) -> None:
    if not _count(connection, "SELECT count(*) FROM ratings WHERE label IS NOT NULL"):
        raise InputError(
            "There are no labels.", where=source, fix="The label column is empty, or --where keeps no row."
        )
    for name in ("item", "rater"):
        nameless = _count(connection, f"SELECT count(*) FROM ratings WHERE {name} IS NULL")
        if nameless:
            raise InputError(
                f"{nameless:,} labels have no {name}.",
                where=source,
                fix=f"Every label needs its {name}; leave such rows out with --where.",
            )
    twice = connection.execute(
        "SELECT item, rater, count(*) FROM ratings GROUP BY item, rater HAVING count(*) > 1 "
        "ORDER BY 3 DESC, 1, 2 LIMIT 1"
    ).fetchone()
    if twice:
        raise InputError(
            f"Rater {twice[1]!r} labels item {twice[0]!r} {twice[2]} times.",
            where=source,
            fix="One label of each rater for each item: keep one round with --where, or another --item.",
        )


def _in_order(names: tuple[str, ...], source: str) -> tuple[str, ...]:
    if len(names) > MOST_CLASSES:
        raise InputError(
            f"The label column has {len(names):,} distinct values, too many for classes.",
            where=source,
            fix=f"At most {MOST_CLASSES} classes are compared; name the right column with --label.",
        )
    numbers = numbers_of(names)
    if numbers is None:
        return names
    return tuple(names[index] for index in np.argsort(numbers, kind="stable"))


def _names(connection: Connection, column: str) -> tuple[str, ...]:
    found = connection.execute(f"SELECT DISTINCT {column} FROM ratings ORDER BY 1").fetchall()
    return tuple(str(row[0]) for row in found)


def _count(connection: Connection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found else 0
