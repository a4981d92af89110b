"""Makes rows and files for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipworthy.tables.duck import quote, text_literal
from shipworthy.tables.row_plan import NUMBERS, TEXTS, Basis, RowsPlan, RowsProfile
from shipworthy.tables.rows import build_rows

Record = Mapping[str, Any]
Content = bytes | str | Sequence[Record]


def relation_of(rows: Sequence[Record], columns: Sequence[str]) -> str:
    """Return SQL of literal rows, every column as text."""
    names = ("case_id", *columns)
    if not rows:
        empty = ", ".join(f"CAST(NULL AS VARCHAR) AS {quote(name)}" for name in names)
        return f"SELECT {empty} WHERE false"
    values = ", ".join("(" + ", ".join(_literal(row.get(name)) for name in names) + ")" for row in rows)
    return f"SELECT * FROM (VALUES {values}) AS made({', '.join(quote(name) for name in names)})"


def _literal(value: Any) -> str:
    return "CAST(NULL AS VARCHAR)" if value is None else text_literal(str(value))


def make_rows(
    connection: Any, table: str, rows: Sequence[Record], basis: str = Basis.PREDICTION, **plan: Any
) -> RowsProfile:
    """Make canonical rows from plain records; every key that is no role is a slice unless named otherwise."""
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "case_id"))
    known = {*TEXTS, *NUMBERS, "repeat", *plan.get("numbers", ()), *plan.get("scorers", ())}
    plan.setdefault("slices", tuple(name for name in columns if name not in known))
    made = RowsPlan(None, relation_of(rows, columns), (), tuple(columns), basis=basis, source="rows", **plan)
    return build_rows(connection, made, table)


def write_file(path: Path, content: Content) -> Path:
    """Write bytes, text, or records as one JSON object per line."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path
