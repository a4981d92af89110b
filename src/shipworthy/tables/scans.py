"""The scans of a decision: what each query over rows serves, what it reads and how long it takes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from shipworthy.tables.duck import Connection

__all__ = ["Scan", "fetch_all", "scans_listed", "watched"]

_LISTED: ContextVar[list[Scan] | None] = ContextVar("scans", default=None)
#: Operators of the engines' plans that read a table or a file from its beginning.
_READS = re.compile(
    r"READ_PARQUET|PARQUET_SCAN|READ_CSV\w*|READ_JSON\w*|SEQ_SCAN|TABLE_SCAN|Seq Scan|FileScan"
    r"|InMemoryTableScan"
)


@dataclass(frozen=True, slots=True)
class Scan:
    """One query over rows.

    Args:
        serves: What its answer is for.
        tables: How often it reads a table or a file, from the engine's own plan.
        arms: Groupings that it computes side by side.
        rows_out: Rows of its answer.
        seconds: How long it took.
    """

    serves: str
    tables: int
    arms: int
    rows_out: int
    seconds: float


@contextmanager
def scans_listed(wanted: bool = True) -> Iterator[list[Scan]]:
    """List the scans that happen inside; costs one EXPLAIN per query.

    Args:
        wanted: Whether to list them at all.

    Yields:
        The list, which grows.
    """
    found: list[Scan] = []
    token = _LISTED.set(found if wanted else None)
    try:
        yield found
    finally:
        _LISTED.reset(token)


def watched(
    connection: Connection, sql: str, serves: str, *, arms: int = 1, fetch: Callable[[Connection, str], Any]
) -> Any:
    """Run a query over rows, and list it where scans are listed.

    Args:
        connection: The engine.
        sql: The query.
        serves: What its answer is for.
        arms: Groupings that it computes.
        fetch: Runs it and returns its answer.

    Returns:
        What `fetch` returned.
    """
    listed = _LISTED.get()
    if listed is None:
        return fetch(connection, sql)
    tables = _reads(connection, sql)
    started = time.perf_counter()
    found = fetch(connection, sql)
    seconds = time.perf_counter() - started
    listed.append(Scan(serves, tables, arms, _length(found), seconds))
    return found


def fetch_all(connection: Connection, sql: str) -> list[Any]:
    """Run a query and return its rows.

    Args:
        connection: The engine.
        sql: The query.
    """
    return connection.execute(sql).fetchall()


def _reads(connection: Connection, sql: str) -> int:
    plan = connection.execute(f"EXPLAIN {sql}").fetchall()
    return len(_READS.findall("\n".join(str(cell) for row in plan for cell in row)))


def _length(found: Any) -> int:
    if isinstance(found, dict):
        return len(next(iter(found.values()), ()))
    return len(found) if isinstance(found, list) else int(found is not None)
