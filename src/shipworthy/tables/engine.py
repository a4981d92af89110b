"""What every engine looks like to the rest of the house, and how a table in a warehouse is named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from numpy.typing import NDArray

from shipworthy.errors import InputError

__all__ = ["Connection", "Result", "TableAddress", "Warehouse", "dialect_of", "read_address"]


class Result(Protocol):
    """What a query gave."""

    def fetchall(self) -> list[Any]:
        """Return every row as a tuple."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row; None where there is none."""
        ...

    def fetchnumpy(self) -> Mapping[str, NDArray[Any]]:
        """Return column name -> array, masked where a value is missing."""
        ...


class Connection(Protocol):
    """An engine that answers the house's SQL: DuckDB's words, the portable part of them for other engines."""

    def execute(self, query: str, parameters: Any = None, /) -> Result:
        """Run one statement."""
        ...

    def close(self) -> None:
        """Drop what was made on the way and let go of the engine."""
        ...


class Warehouse(Connection, Protocol):
    """An engine that holds the tables itself; rows never leave it, only totals and listed examples do."""

    dialect: str
    address: TableAddress

    def source(self, address: TableAddress) -> str:
        """Return the SQL name of a table there."""
        ...

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Return the names of a relation's columns with their types, in DuckDB's words."""
        ...

    def checksum(self, relation: str) -> str:
        """Return a hash of a relation's content, whatever the order of its rows."""
        ...


#: Scheme -> engine.
SCHEMES = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "spark": "spark",
    "spark+local": "spark",
    "sc": "spark",
}
#: A path type may have folded the two slashes of a URL into one.
_URL = re.compile(r"^(?P<scheme>postgresql|postgres|spark\+local|spark|sc):/{0,2}(?P<rest>[^\n]+)$")


@dataclass(frozen=True)
class TableAddress:
    """A table in a warehouse, named by URL; it stands where a path stands.

    Args:
        engine: "postgres" or "spark".
        server: The URL of the warehouse without any secret.
        table: The table, with its schema; for spark+local the Parquet file or folder.
        full_url: URL to connect with, as it was written; never shown and never recorded.
        has_secret: Whether that URL carries a password or a token.
    """

    engine: str
    server: str
    table: str
    full_url: str = field(repr=False, compare=False, default="")
    has_secret: bool = field(repr=False, compare=False, default=False)

    def __str__(self) -> str:
        if self.server == "spark+local":
            return f"spark+local://{self.table}"
        return f"{self.server}#{self.table}"

    @property
    def name(self) -> str:
        """The table's own name."""
        return self.table.rsplit("/", 1)[-1]

    @property
    def stem(self) -> str:
        """The table's name without its schema, or the file's without its ending."""
        return self.name.removesuffix(".parquet").rsplit(".", 1)[-1].strip('"')

    @property
    def suffix(self) -> str:
        """Nothing: a table is no file."""
        return ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the table's name: catalog, schema and table, as far as they are given."""
        found = re.findall(r'"((?:[^"]|"")+)"|([^."]+)', self.table)
        return tuple(quoted.replace('""', '"') or plain for quoted, plain in found)

    def resolve(self) -> TableAddress:
        """Return itself: an address is whole."""
        return self


def read_address(text: str) -> TableAddress | None:
    """Return the table that a URL names; None where the text is no such URL.

    Args:
        text: What stands where a path could stand.

    Raises:
        InputError: If it is such a URL and names no table.

    >>> str(read_address("postgresql://ana:secret@db:5432/shop#public.answers"))
    'postgresql://ana@db:5432/shop#public.answers'
    >>> str(read_address("spark+local:/data/answers.parquet"))
    'spark+local:///data/answers.parquet'
    """
    match = _URL.match(text)
    if match is None:
        return None
    scheme, rest = match["scheme"], match["rest"]
    if scheme == "spark+local":
        return TableAddress("spark", "spark+local", "/" + rest.lstrip("/"), full_url="local[*]")
    server, _, table = rest.partition("#")
    if not table:
        raise InputError(
            "The URL names no table.",
            where=_without_secrets(scheme, server)[0],
            fix="Write the table behind a #, for example postgresql://ana@db/shop#public.answers.",
        )
    shown, has_secret = _without_secrets(scheme, server)
    return TableAddress(SCHEMES[scheme], shown, unquote(table), f"{scheme}://{server}", has_secret)


def _without_secrets(scheme: str, server: str) -> tuple[str, bool]:
    """Return a server's URL without password and token, and whether it had one."""
    if scheme == "sc":
        # Spark Connect writes its parameters, tokens among them, behind the first semicolon.
        plain, _, parameters = server.partition(";")
        return f"sc://{plain.rstrip('/')}", "token" in parameters.lower()
    parsed = urlsplit(f"{scheme}://{server}")
    user, separator, host = parsed.netloc.rpartition("@")
    name, colon, _password = user.partition(":")
    options = parse_qsl(parsed.query, keep_blank_values=True)
    kept = [(key, value) for key, value in options if "password" not in key.lower()]
    query = f"?{urlencode(kept)}" if kept else ""
    shown = (
        f"{'postgresql' if scheme == 'postgres' else scheme}://{name}{separator}{host}{parsed.path}{query}"
    )
    return shown, bool(colon) or len(kept) < len(options)


def dialect_of(connection: Connection) -> str:
    """Return the engine behind a connection: "duckdb", "postgres" or "spark"."""
    return str(getattr(connection, "dialect", "duckdb"))
