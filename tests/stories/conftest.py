"""The command line and the real data for these tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.shipping import Ship, ship

__all__ = ["Ship", "real_folder", "ship"]


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """Recorded outputs and labels that nobody on this project made."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("SHIPWORTHY_REAL_DATA") or default)
    if not folder.is_dir():
        assert "SHIPWORTHY_REQUIRE_REAL_DATA" not in os.environ, f"no real data at {folder}"
        pytest.skip(f"no real data at {folder}")
    return folder
