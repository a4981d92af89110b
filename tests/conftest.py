"""What every room's tests share: a connection, small products, canonical rows, and real data where it lies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from shipworthy.tables.duck import connect, quote, text_literal
from shipworthy.tables.rows import NUMBERS, TEXTS, Basis, RowsPlan, RowsProfile, build_rows

HERE = Path(__file__).resolve()


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Return a function that finds a real data set, and skips the test where there is none."""
    folder = Path(os.environ.get("SHIPWORTHY_REAL_DATA") or HERE.parents[2] / "shared" / "data")

    def find(name: str) -> Path:
        if not (folder / name).exists():
            pytest.skip(f"no real data at {folder / name}")
        return folder / name

    return find


@pytest.fixture
def connection() -> Iterator[Any]:
    made = connect()
    yield made
    made.close()


Record = Mapping[str, Any]


def relation_of(rows: Sequence[Record], columns: Sequence[str]) -> str:
    """Return SQL of literal rows, every column as text."""
    names = ", ".join(["case_id", *(quote(name) for name in columns)])
    if not rows:
        return f"SELECT {', '.join(f'CAST(NULL AS VARCHAR) AS {quote(n)}' for n in ('case_id', *columns))} WHERE false"
    values = ", ".join(
        "(" + ", ".join(_literal(row.get(name)) for name in ("case_id", *columns)) + ")" for row in rows
    )
    return f"SELECT * FROM (VALUES {values}) AS made({names})"


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


@pytest.fixture
def product(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that writes a spec with its files and opens the product."""

    def write(files: Mapping[str, bytes | str | Sequence[Record]] | None = None, **spec: Any) -> Any:
        from shipworthy.api.product import open_product

        folder = tmp_path / "product"
        folder.mkdir(exist_ok=True)
        for name, content in (files or {}).items():
            write_file(folder / name, content)
        base: dict[str, Any] = {
            "shipworthy": 1,
            "id": "made",
            "kind": "classifier",
            "decision": {"prediction": "p", "action": "a", "actor": "b"},
            "golden": {"path": "golden.csv"},
            "gates": ["accuracy >= 50%"],
        }
        # JSON is YAML.
        (folder / "shipworthy.yaml").write_text(json.dumps(base | spec), encoding="utf-8")
        return open_product(folder)

    return write


def write_file(path: Path, content: bytes | str | Sequence[Record]) -> Path:
    """Write bytes, text, or records in the format the suffix names."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    return path


def evidence_of(product: Any, name: str = "candidate") -> Any:
    """Return what was measured for a product's decision."""
    return product.decide(name).decision.evidence
