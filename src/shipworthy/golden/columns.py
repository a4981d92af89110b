"""What a foreign file's columns mean: roles, slices and scores, found by the spec's mapping or by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from shipworthy.define.spec import ROLES
from shipworthy.errors import InputError, nearest
from shipworthy.tables.duck import ForeignFile, text_literal

__all__ = ["SYNONYMS", "Wanted", "check_mapping", "guess_roles", "locate", "locate_number", "rows_where"]

#: Names under which people keep these roles; used by `check`, which has no spec to read them from.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "case_id": ("case_id", "id", "case", "uid", "uuid", "question_id", "ticket", "ticket_id", "task_id"),
    "repeat": ("repeat", "trial", "epoch", "attempt"),
    "cluster_id": ("cluster_id", "cluster"),
    "query_id": ("query_id", "qid"),
    "stratum": ("stratum",),
    "label": ("label", "y_true", "y", "target", "expected", "ground_truth", "truth", "actual"),
    "prediction": ("prediction", "y_pred", "pred", "predicted"),
    "predicted_score": ("predicted_score", "y_score", "score", "probability", "proba", "p"),
    "grade": ("grade", "verdict", "rating"),
    "correct": ("correct", "is_correct", "passed", "pass"),
    "input": ("input", "question", "prompt", "query", "text"),
    "output": ("output", "answer", "response", "completion"),
    "latency_ms": ("latency_ms",),
    "run_cost": ("run_cost",),
    "weight": ("weight",),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that judging needs beside the roles.

    Args:
        slices: Columns compared as text.
        numbers: Columns averaged or compared as numbers.
    """

    slices: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


def guess_roles(file: ForeignFile) -> dict[str, str]:
    """Return the roles that a file's own column names suggest.

    Args:
        file: The file.

    Returns:
        Role -> column name; one column plays one role.
    """
    lowered = {name.lower(): name for name in file.names}
    found: dict[str, str] = {}
    for role, names in SYNONYMS.items():
        for name in names:
            if name in lowered and lowered[name] not in found.values():
                found[role] = lowered[name]
                break
    return found


def locate(file: ForeignFile, name: str, mapping: Mapping[str, str]) -> str | None:
    """Return the SQL that reads a role, slice or score from a file as text; None where it has none.

    Args:
        file: The file.
        name: Role, slice or score, by our name.
        mapping: Our name -> the file's column or path.

    Returns:
        A VARCHAR expression, or None.
    """
    if name in mapping:
        return file.text(mapping[name]) if file.find(mapping[name]) is not None else None
    if name in file.names:
        return file.text(name)
    if name == "case_id":
        return file.text("id") if "id" in file.names else None
    if name not in ROLES and file.find(name) is not None:
        return file.text(name)
    return None


def locate_number(file: ForeignFile, name: str, mapping: Mapping[str, str]) -> str | None:
    """Return the SQL that reads a role or score as a number where the file holds numbers; None elsewhere.

    Args:
        file: The file.
        name: Role or score, by our name.
        mapping: Our name -> the file's column or path.
    """
    if name in mapping:
        return file.number(mapping[name])
    return file.number(name) if name in file.names else None


def check_mapping(files: Iterable[ForeignFile], mapping: Mapping[str, str], where: str = "") -> None:
    """Refuse a mapped column that no file has.

    Raises:
        InputError: Naming the nearest column.
    """
    listed = list(files)
    for name, column in mapping.items():
        if all(file.find(column) is None for file in listed):
            names = [known for file in listed for known in file.names]
            raise InputError(
                f"`columns` maps {name!r} to {column!r}, which no file has.",
                where=where or ", ".join(str(file.path) for file in listed),
                fix=nearest(column, names),
            )


def rows_where(file: ForeignFile, where: Mapping[str, Any]) -> str:
    """Return an SQL condition that keeps the rows a spec asks for.

    Args:
        file: The file.
        where: Column -> value, or a list of values.

    Returns:
        A boolean expression, "true" where nothing is asked.

    Raises:
        InputError: If a column is missing.
    """
    conditions = []
    for name, value in where.items():
        if file.find(name) is None:
            raise InputError(
                f"`where` names the column {name!r}, which the file has not.",
                where=str(file.path),
                fix=nearest(name, file.names),
            )
        values = value if isinstance(value, (list, tuple)) else [value]
        listed = ", ".join(text_literal(_plain(item)) for item in values)
        conditions.append(f"{file.text(name)} IN ({listed})")
    return " AND ".join(conditions) or "true"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
