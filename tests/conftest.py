"""What every room's tests share: a connection, small products, and real data where it lies."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from making import Content, write_file
from shipworthy.api.product import Product, open_product
from shipworthy.tables.duck import connect


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Return a function that finds a real data set, and skips the test where there is none."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SHIPWORTHY_REAL_DATA") or beside)

    def find(name: str) -> Path:
        if not (folder / name).exists():
            assert "SHIPWORTHY_REQUIRE_REAL_DATA" not in os.environ, f"no real data at {folder / name}"
            pytest.skip(f"no real data at {folder / name}")
        return folder / name

    return find


@pytest.fixture
def connection() -> Iterator[Any]:
    made = connect()
    yield made
    made.close()


@pytest.fixture
def product(tmp_path: Path) -> Callable[..., Product]:
    """Return a function that writes a spec with its files and opens the product."""

    def write(files: Mapping[str, Content] | None = None, **spec: Any) -> Product:
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
