"""DuckDB: the connection, foreign files as relations, and foreign errors as ours."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
from numpy.typing import NDArray

from shipworthy.errors import InputError, ShipworthyError
from shipworthy.tables.engine import Connection, TableAddress

__all__ = [
    "ROW_NUMBER",
    "Column",
    "Connection",
    "ForeignFile",
    "connect",
    "fetch_columns",
    "open_file",
    "path_literal",
    "quote",
    "scalar",
    "streamed",
    "text_literal",
    "translated",
]

#: The column that stands in for ids in a file that has none.
ROW_NUMBER = "#row"

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")

#: Longest line of a CSV file and longest JSON object, in bytes.
LONGEST_ROW = 268_435_456
DELIMITERS = ",;\t|"

#: Types with one spelling for one value.
PLAIN_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "BOOLEAN")


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


def path_literal(path: Path | str) -> str:
    """Return a path as an SQL literal that names this one file, whatever brackets and stars are in it.

    >>> path_literal("answers[1].csv")
    "'answers[[]1].csv'"
    """
    return text_literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a foreign file, with its engine type."""

    name: str
    type: str


@dataclass(frozen=True)
class ForeignFile:
    """A file, or a table of a warehouse, as a relation, whose columns are read as text by `text`.

    Args:
        path: The file; the address of a table.
        relation: SQL that scans it.
        columns: Its columns.
        is_json: Whether every column arrives as JSON.
    """

    path: Path | TableAddress
    relation: str
    columns: tuple[Column, ...]
    is_json: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The column names, in the file's order."""
        return tuple(column.name for column in self.columns)

    @property
    def is_columnar(self) -> bool:
        """Whether it is a Parquet file."""
        return self.path.suffix.lower() == ".parquet"

    def find(self, wanted: str) -> Column | None:
        """Return the column a name or JSON path starts from; None where there is none."""
        return self._exact(wanted) or self._exact(wanted.split(".", 1)[0])

    def number(self, wanted: str) -> str | None:
        """Return SQL that reads a column of numbers as doubles; None where its values are texts.

        Args:
            wanted: A column name.
        """
        column = self._exact(wanted)
        numeric = column is not None and (
            column.type in ("DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT")
            or column.type.startswith("DECIMAL")
        )
        if column is None or not numeric or self.is_json or column.name == ROW_NUMBER:
            return None
        return f"CAST({quote(column.name)} AS DOUBLE)"

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
        raw = quote(column.name)
        if inside and isinstance(self.path, TableAddress):
            raise InputError(
                f"{wanted!r} looks inside a column, which is done for files only.",
                where=str(self.path),
                fix="Make a view that has it as a column, and name the view.",
            )
        if self.is_json or inside:
            path = "$" + "".join('."' + part.replace('"', '\\"') + '"' for part in inside)
            json = raw if column.type in ("JSON", "VARCHAR") else f"to_json({raw})"
            return _one_spelling(f"({json} ->> {text_literal(path)})")
        if column.type in ("DOUBLE", "FLOAT") or column.type.startswith("DECIMAL"):
            number = f"CAST({raw} AS DOUBLE)"
            return (
                f"CASE WHEN abs({number}) < 1e15 AND {number} = floor({number}) "
                f"THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE CAST({number} AS VARCHAR) END"
            )
        if column.type.startswith(("STRUCT", "MAP")) or column.type.endswith("[]"):
            return f"CAST(to_json({raw}) AS VARCHAR)"
        if column.type in PLAIN_TYPES:
            return f"CAST({raw} AS VARCHAR)"
        return _one_spelling(f"CAST({raw} AS VARCHAR)")


def _one_spelling(raw: str) -> str:
    # The plain test first: it spares nearly every value the pattern.
    whole = f"{raw} LIKE '%.0%' AND {raw} SIMILAR TO '-?[0-9]+\\.0+'"
    return f"nullif(CASE WHEN {whole} THEN split_part({raw}, '.', 1) ELSE {raw} END, '')"


def open_file(connection: Connection, path: Path, *, number_rows: bool = False) -> ForeignFile:
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
    if is_json:
        _check_objects(columns, path)
    _check_case(connection, path, columns)
    if number_rows:
        relation = f"(SELECT *, row_number() OVER () AS {quote(ROW_NUMBER)} FROM {relation})"
        columns = (*columns, Column(ROW_NUMBER, "BIGINT"))
    return ForeignFile(path, relation, columns, is_json)


def _relation(path: Path, suffix: str) -> tuple[str, bool]:
    name = path_literal(path)
    if suffix == ".parquet":
        return f"read_parquet({name}, hive_partitioning=false)", False
    if suffix in (".csv", ".tsv"):
        return _csv_relation(path, name, suffix), False
    if suffix == ".json":
        _check_closed(path)
    shape = "auto" if suffix == ".json" else "newline_delimited"
    return (
        f"read_json({name}, format='{shape}', maximum_depth=1, sample_size=-1, hive_partitioning=false, "
        f"map_inference_threshold=-1, maximum_object_size={LONGEST_ROW})",
        True,
    )


def _csv_relation(path: Path, name: str, suffix: str) -> str:
    """Return SQL that reads a CSV file by fixed rules and every cell as text.

    Nothing is sniffed but the delimiter: a sniffer takes '#' for a comment, an apostrophe for a quote, or the
    first row for the header, and cases are gone without a word. "007" stays an id.
    """
    delimiter, names = _header(path, suffix)
    columns = ", ".join(f"{text_literal(column)}: 'VARCHAR'" for column in names)
    return (
        f"read_csv({name}, auto_detect=false, header=true, delim={text_literal(delimiter)}, quote='\"', "
        f"escape='\"', comment='', skip=0, columns={{{columns}}}, hive_partitioning=false, "
        f"max_line_size={LONGEST_ROW})"
    )


def _header(path: Path, suffix: str) -> tuple[str, list[str]]:
    """Return the delimiter and the column names of a CSV file.

    Raises:
        InputError: If the first line names no columns, or one twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except UnicodeDecodeError as error:
        raise InputError(
            f"The file is not UTF-8 text (byte {error.start}).", where=str(path), fix="Save it as UTF-8."
        ) from None
    line = first.rstrip("\r\n")
    if not line.strip():
        raise InputError("The first line is empty.", where=f"{path}:1", fix="It must name the columns.")
    if line.count('"') % 2:
        raise InputError(
            "A column name runs over a line end, or its quote is not closed.",
            where=f"{path}:1",
            fix="Give that column a name of one line.",
        )
    csv.field_size_limit(LONGEST_ROW)
    choices = "\t" if suffix == ".tsv" else DELIMITERS
    split = {mark: _cells(line, mark) for mark in choices}
    delimiter = max(split, key=lambda mark: len(split[mark]))
    names = [name.strip() or f"column{index}" for index, name in enumerate(split[delimiter])]
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            raise InputError(
                f"Two columns are called {name!r}."
                if seen[name.lower()] == name
                else f"The columns {seen[name.lower()]!r} and {name!r} differ only in case.",
                where=f"{path}:1",
                fix="Give one of them another name.",
            )
        seen[name.lower()] = name
    return delimiter, names


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        return [line]


def _check_closed(path: Path) -> None:
    """Refuse a JSON array that stops before its end: the engine would read what is there."""
    with path.open("rb") as file:
        first = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        file.seek(max(0, path.stat().st_size - 4096))
        last = file.read().rstrip()[-1:]
    if first == b"[" and last != b"]":
        raise InputError(
            "The JSON array does not end.", where=str(path), fix="The file is cut off; copy it again."
        )


def _check_objects(columns: tuple[Column, ...], path: Path) -> None:
    if len(columns) == 1 and columns[0].name == "json" and columns[0].type != "JSON":
        raise InputError(
            "The file holds no objects with named fields.",
            where=str(path),
            fix='Write one object per line, such as {"case_id": "1", "label": "yes"}.',
        )


def _check_case(connection: Connection, path: Path, columns: tuple[Column, ...]) -> None:
    """Refuse names that differ only in case, of which the engine silently calls the second one name_1."""
    lowered = {column.name.lower() for column in columns}
    renamed = [
        column.name
        for column in columns
        if (found := re.fullmatch(r"(.+)_\d+", column.name)) and found[1].lower() in lowered
    ]
    if not renamed or path.suffix.lower() in (".csv", ".tsv"):
        return
    file = path_literal(path)
    if path.suffix.lower() == ".parquet":
        names = f"SELECT DISTINCT name FROM parquet_schema({file})"
    else:
        names = (
            "SELECT DISTINCT unnest(json_keys(json)) AS name "
            f"FROM read_json_objects({file}, maximum_object_size={LONGEST_ROW})"
        )
    with translated(path):
        written = sorted(str(row[0]) for row in connection.execute(names).fetchall())
    seen: dict[str, str] = {}
    for name in written:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise InputError(
                f"The columns {other!r} and {name!r} differ only in case.",
                where=str(path),
                fix="Give one of them another name.",
            )


@contextmanager
def translated(path: Path | TableAddress | str) -> Iterator[None]:
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
        message = str(error)
        if "state machine reached an invalid state" in message and _has_mixed_ends(Path(str(path))):
            raise InputError(
                "The line ends are mixed: some lines end in CR LF (Windows), some in LF alone.",
                where=str(path),
                fix="Save it with one kind of line end.",
            ) from None
        raise InputError(_first_sentence(message), where=str(path), fix=_advice(message)) from None


def _has_mixed_ends(path: Path) -> bool:
    """Return whether a file has both kinds of line end."""
    with path.open("rb") as file:
        ends = {line[-2:-1] == b"\r" for line in file if line.endswith(b"\n")}
    return len(ends) == 2


def _first_sentence(message: str) -> str:
    ragged = re.search(
        r"Line: (\d+).*?Expected Number of Columns: (\d+) Found: (\d+)", message, flags=re.DOTALL
    )
    if ragged:
        return f"Line {ragged[1]} has {ragged[3]} columns, and the first line names {ragged[2]}."
    if "unterminated quote" in message:
        line = re.search(r"Line: (\d+)", message)
        return f"A quote is opened {f'at line {line[1]} ' if line else ''}and never closed."
    json = re.search(r"Malformed JSON in file .*?, at byte (\d+) in line (\d+): (.*)", message)
    if json:
        # The engine has moved on to the next line when it says so.
        return f"Malformed JSON at byte {json[1]} of line {max(int(json[2]) - 1, 1)}: {json[3]}"
    if "state machine reached an invalid state" in message:
        return "A quote stands inside a cell that does not begin with one."
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    text = lines[0] if lines else "The engine refused the file"
    return re.sub(r"^(Invalid Input|IO|Conversion|Binder|TransactionContext) Error: ", "", text)[:400]


def _advice(message: str) -> str:
    lowered = message.lower()
    if "byte order mark" in lowered:
        return "Save the file as UTF-8 without a byte order mark."
    if "magic bytes" in lowered or "parquet" in lowered or "thrift" in lowered or "footer" in lowered:
        return "The Parquet file is cut off or damaged; write or copy it again."
    if "csv" in lowered:
        if "utf-8" in lowered and "expected number" not in lowered:
            return "Save the file as UTF-8."
        return "Check quotes and the number of columns at that line; the first line must name the columns."
    if "utf-8" in lowered or "unicode" in lowered:
        return "Save the file as UTF-8."
    if "json" in lowered:
        return "Each line must be one JSON object; check the line it names."
    return "Write or copy the file again."


def streamed(connection: Connection, sql: str) -> duckdb.DuckDBPyConnection:
    """Run a query over files whose rows are fetched piece by piece while others run.

    Args:
        connection: DuckDB.
        sql: The query.
    """
    return cast(duckdb.DuckDBPyConnection, connection).cursor().execute(sql)


def fetch_columns(
    connection: Connection, sql: str, parameters: Sequence[Any] = ()
) -> Mapping[str, NDArray[Any]]:
    """Run a query and return its columns as arrays, with masked values as NaN or None.

    Args:
        connection: Where to run it.
        sql: The query.
        parameters: Values bound to its placeholders.

    Returns:
        Column name -> (rows,) array.
    """
    found: Mapping[str, Any] = connection.execute(sql, parameters).fetchnumpy()
    plain: dict[str, NDArray[Any]] = {}
    for name, values in found.items():
        masked: Any = values
        if isinstance(values, np.ma.MaskedArray):
            masked = masked.filled(None) if masked.dtype.kind == "O" else masked.astype(float).filled(np.nan)
        plain[name] = np.asarray(masked)
    return plain


def scalar(connection: Connection, sql: str) -> int:
    """Return the one number a query gives, 0 where it gives none."""
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found and found[0] is not None else 0
