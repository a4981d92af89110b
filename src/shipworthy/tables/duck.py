"""DuckDB: the connection, foreign files as relations, and foreign errors as ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import InputError, ShipworthyError

__all__ = ["ROW_NUMBER", "Column", "ForeignFile", "connect", "fetch_columns", "open_file", "quote", "text_literal"]

#: The column that stands in for ids in a file that has none.
ROW_NUMBER = "#row"

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")


def connect() -> duckdb.DuckDBPyConnection:
    """Return a private in-memory connection that never reaches for the network.

    Returns:
        A DuckDB connection.
    """
    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
        },
    )


def quote(name: str) -> str:
    """Return a column name as a quoted identifier.

    >>> quote('age')
    '"age"'
    """
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """Return text as an SQL literal.

    >>> text_literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a foreign file, with its engine type."""

    name: str
    type: str


@dataclass(frozen=True)
class ForeignFile:
    """A file as a relation, whose columns are read as text by `text`.

    Args:
        path: The file.
        relation: SQL that scans it.
        columns: Its columns.
        is_json: Whether every column arrives as JSON.
    """

    path: Path
    relation: str
    columns: tuple[Column, ...]
    is_json: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the file's order."""
        return tuple(column.name for column in self.columns)

    def find(self, wanted: str) -> Column | None:
        """Return the column a name or JSON path starts from; None where there is none."""
        return self._exact(wanted) or self._exact(wanted.split(".", 1)[0])

    def _exact(self, wanted: str) -> Column | None:
        for column in self.columns:
            if column.name == wanted:
                return column
        for column in self.columns:
            if column.name.lower() == wanted.lower():
                return column
        return None

    def text(self, wanted: str) -> str:
        """Return SQL that reads a column or a path as text, in one spelling for one value.

        Args:
            wanted: A column name or a JSON path such as a.b.

        Returns:
            A VARCHAR expression; whole floats lose their ".0", booleans are true and false.

        Raises:
            InputError: If the file has no such column.
        """
        whole = self._exact(wanted)
        column = whole or self._exact(wanted.split(".", 1)[0])
        if column is None:
            raise InputError(f"There is no column {wanted!r}.", where=str(self.path))
        inside = [] if whole is not None else wanted.split(".")[1:]
        if column.name == ROW_NUMBER:
            return f"CAST({quote(ROW_NUMBER)} AS VARCHAR)"
        if self.is_json or (inside and column.type in ("VARCHAR", "JSON")):
            path = "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in inside)
            raw = f"({quote(column.name)} ->> {text_literal(path)})"
            return f"nullif({_one_spelling(raw)}, '')"
        raw = quote(column.name) + "".join("." + quote(part) for part in inside)
        if column.type in ("DOUBLE", "FLOAT") or column.type.startswith("DECIMAL"):
            number = f"CAST({raw} AS DOUBLE)"
            return (
                f"CASE WHEN abs({number}) < 1e15 AND {number} = floor({number}) "
                f"THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE CAST({number} AS VARCHAR) END"
            )
        if column.type.startswith(("STRUCT", "MAP")) or column.type.endswith("[]"):
            return f"CAST(to_json({raw}) AS VARCHAR)"
        return _one_spelling(f"CAST({raw} AS VARCHAR)")


def _one_spelling(raw: str) -> str:
    return f"CASE WHEN {raw} SIMILAR TO '-?[0-9]+\\.0+' THEN split_part({raw}, '.', 1) ELSE {raw} END"


def open_file(
    connection: duckdb.DuckDBPyConnection, path: Path, *, number_rows: bool = False
) -> ForeignFile:
    """Return a CSV, JSONL, JSON or Parquet file as a relation.

    Args:
        connection: Where it will be scanned.
        path: The file.
        number_rows: Whether to add the column ROW_NUMBER, for files without ids.

    Returns:
        The relation and its columns.

    Raises:
        InputError: If it is missing, empty, broken, or of a kind that is not read.
    """
    if not path.exists():
        raise InputError(
            f"The file {str(path)!r} does not exist.",
            fix="Check the path; paths in a spec start from the spec's folder.",
        )
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder, not a file.", fix="Name the file inside it.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(
            f"{path.name!r} is of a kind that is not read here.", fix=f"Use one of {', '.join(SUFFIXES)}."
        )
    if path.stat().st_size == 0:
        raise InputError("The file is empty.", where=str(path), fix="It needs a header and rows.")
    relation, is_json = _relation(path, suffix)
    with translated(path):
        described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    columns = tuple(Column(str(row[0]), str(row[1])) for row in described)
    if number_rows:
        relation = f"(SELECT *, row_number() OVER () AS {quote(ROW_NUMBER)} FROM {relation})"
        columns = (*columns, Column(ROW_NUMBER, "BIGINT"))
    return ForeignFile(path, relation, columns, is_json)


def _relation(path: Path, suffix: str) -> tuple[str, bool]:
    name = text_literal(str(path))
    if suffix == ".parquet":
        return f"read_parquet({name})", False
    if suffix in (".csv", ".tsv"):
        # Everything as text: "007" stays an id, and one spelling is chosen by us and not by a sniffer.
        delimiter = ", delim='\t'" if suffix == ".tsv" else ""
        return f"read_csv({name}, header=true, all_varchar=true, sample_size=-1{delimiter})", False
    shape = "auto" if suffix == ".json" else "newline_delimited"
    return (
        f"read_json({name}, format='{shape}', maximum_depth=1, sample_size=-1, "
        "maximum_object_size=268435456)",
        True,
    )


@contextmanager
def translated(path: Path | str) -> Iterator[None]:
    """Translate the engine's errors into ours at this one edge.

    Args:
        path: The file that was being read.

    Raises:
        InputError: For anything the engine says about the file.
    """
    try:
        yield
    except ShipworthyError:
        raise
    except duckdb.Error as error:
        raise InputError(_first_sentence(str(error)), where=str(path), fix=_advice(str(error))) from None


def _first_sentence(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else "The engine refused the file"
    for prefix in ("Invalid Input Error: ", "IO Error: ", "Conversion Error: ", "Binder Error: "):
        text = text.removeprefix(prefix)
    return text[:400]


def _advice(message: str) -> str:
    lowered = message.lower()
    if "magic bytes" in lowered or "parquet" in lowered or "thrift" in lowered or "footer" in lowered:
        return "The Parquet file is cut off or damaged; write or copy it again."
    if "utf" in lowered or "unicode" in lowered:
        return "Save the file as UTF-8."
    if "csv" in lowered:
        return "Check quotes and the number of columns at that line; the first line must name the columns."
    if "json" in lowered:
        return "Each line must be one JSON object; check the line it names."
    return "Write or copy the file again."


def fetch_columns(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Any] = ()
) -> Mapping[str, NDArray[Any]]:
    """Run a query and return its columns as arrays, with masked values as NaN or None.

    Args:
        connection: Where to run it.
        sql: The query.
        parameters: Values bound to its placeholders.

    Returns:
        Column name -> (rows,) array.
    """
    found = connection.execute(sql, parameters).fetchnumpy()
    plain: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        if isinstance(values, np.ma.MaskedArray):
            kind = values.dtype.kind
            values = values.filled(None) if kind == "O" else values.astype(float).filled(np.nan)
        plain[name] = np.asarray(values)
    return plain
