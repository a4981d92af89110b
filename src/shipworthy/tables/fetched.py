"""What a warehouse answered, in the shape in which DuckDB answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fetched"]


class Fetched:
    """A small table that came back.

    Args:
        names: Names of its columns.
        rows: Its rows.
    """

    def __init__(self, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        self._names = tuple(names)
        self._rows = list(rows)

    def fetchall(self) -> list[Any]:
        """Return every row."""
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the first row; None where there is none."""
        return self._rows[0] if self._rows else None

    def fetchnumpy(self) -> Mapping[str, NDArray[Any]]:
        """Return column name -> array, masked where a value is missing."""
        columns = list(zip(*self._rows, strict=True)) if self._rows else [() for _ in self._names]
        return {name: _array(values) for name, values in zip(self._names, columns, strict=True)}


def _array(values: Sequence[Any]) -> NDArray[Any]:
    missing = np.array([value is None for value in values], dtype=bool)
    present = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in present):
        plain: NDArray[Any] = np.array(values, dtype=object)
    elif any(isinstance(value, float) for value in present) or not present:
        plain = np.array([0.0 if value is None else value for value in values], dtype=float)
    else:
        plain = np.array([0 if value is None else value for value in values], dtype=np.int64)
    return np.ma.MaskedArray(plain, missing) if missing.any() else plain
