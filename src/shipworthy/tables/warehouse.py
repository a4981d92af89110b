"""Opens what a spec names: files in DuckDB on this machine, tables in the warehouse that holds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from shipworthy.errors import InputError
from shipworthy.tables.duck import Column, Connection, ForeignFile, connect, open_file
from shipworthy.tables.engine import Warehouse, read_address

__all__ = [
    "connect_for",
    "content_of",
    "is_there",
    "is_warehouse",
    "open_source",
    "refuse_secret",
    "require_files",
    "without_secret",
]


def connect_for(source: str) -> Connection:
    """Return the engine that holds a golden set.

    Args:
        source: The golden set's path or URL; everything else of a product lies in the same engine.

    Returns:
        DuckDB for a file, else a session in the warehouse that the URL names.

    Raises:
        InputError: If the warehouse cannot be reached.
    """
    address = read_address(source)
    if address is None:
        return connect()
    if address.engine == "postgres":
        from shipworthy.tables.postgres import Postgres

        return Postgres(address)
    from shipworthy.tables.spark import Spark

    return Spark(address)


def is_warehouse(connection: Connection) -> bool:
    """Return whether rows stay in an engine of their own."""
    return hasattr(connection, "dialect")


def without_secret(source: str) -> str:
    """Return a source as it may be shown and recorded.

    >>> without_secret("postgresql://ana:pw@db/shop#answers")
    'postgresql://ana@db/shop#answers'
    >>> without_secret("golden/cases.csv")
    'golden/cases.csv'
    """
    address = read_address(source)
    return source if address is None else str(address)


def is_there(source: str, folder: Path) -> bool:
    """Return whether a file is there; of a table it shows when it is opened.

    Args:
        source: A path, or the URL of a table.
        folder: Where relative paths start.
    """
    return read_address(source) is not None or (folder / source).is_file()


def refuse_secret(source: str, where: str) -> None:
    """Refuse a password or token in a text that is kept in version control and copied into records.

    Args:
        source: A path or URL as written there.
        where: File and line.

    Raises:
        InputError: If the URL carries one.
    """
    address = read_address(source)
    if address is not None and address.has_secret:
        raise InputError(
            f"The URL of {str(address)!r} carries a password or token, which records would repeat.",
            where=where,
            fix="Take it out; the password is read from PGPASSWORD or ~/.pgpass, "
            "Spark's token from SPARK_CONNECT_AUTHENTICATE_TOKEN.",
        )


def open_source(
    connection: Connection, source: str, folder: Path, *, number_rows: bool = False
) -> ForeignFile:
    """Return a file, or a table of the warehouse in use, as a relation.

    Args:
        connection: The engine in use.
        source: A path, or the URL of a table.
        folder: Where relative paths start.
        number_rows: Whether rows without ids are to be numbered, which only a file allows.

    Raises:
        InputError: If it lies in another engine, or cannot be read.
    """
    address = read_address(source)
    if address is None:
        if is_warehouse(connection):
            raise _elsewhere(source, str(cast(Warehouse, connection).address))
        return open_file(connection, folder / source, number_rows=number_rows)
    if not is_warehouse(connection):
        raise _elsewhere(str(address), "a file")
    warehouse = cast(Warehouse, connection)
    if address.server != warehouse.address.server:
        raise _elsewhere(str(address), str(warehouse.address))
    if number_rows:
        raise InputError(
            "A table's rows have no order, so they cannot stand for ids.",
            where=str(address),
            fix="Name a column of ids: golden: {columns: {case_id: ...}} (in `check`: --id COLUMN).",
        )
    relation = warehouse.source(address)
    columns = tuple(Column(name, type_) for name, type_ in warehouse.columns(relation))
    return ForeignFile(address, relation, columns)


def content_of(connection: Connection, file: ForeignFile) -> str:
    """Return the hash of a table's content, whatever the order of its rows.

    It is a sum over rows, so it notices a change and withstands no forger.

    Args:
        connection: The warehouse.
        file: The table.
    """
    return f"rows:{cast(Warehouse, connection).checksum(file.relation)}"


def require_files(connection: Connection, what: str, sources: Sequence[str]) -> None:
    """Refuse what is done row by row in Python on a table that stays in its warehouse.

    Args:
        connection: The engine.
        what: What was asked, as the beginning of a sentence.
        sources: Where the rows lie.

    Raises:
        InputError: If the engine is a warehouse.
    """
    if is_warehouse(connection):
        raise InputError(
            f"{what} reads every row in Python, and rows of a warehouse stay there.",
            where=", ".join(sources),
            fix="Compute the value in the warehouse and map its column (grade, correct, or one to average), "
            "or export the table to Parquet and name the file.",
        )


def _elsewhere(source: str, other: str) -> InputError:
    return InputError(
        f"{source!r} lies in another engine than the golden set ({other}).",
        fix="Put both in one: load the answers as a table beside the golden set, or export both to files.",
    )
