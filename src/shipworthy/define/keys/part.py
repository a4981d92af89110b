"""What all parts of the spec share: they are frozen, refuse unknown keys, and may be written short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "Count",
    "Day",
    "Duration",
    "Listed",
    "Names",
    "Part",
    "Share",
    "Texts",
    "as_text",
    "length_of",
    "path_only",
    "value_at",
]


class Part(BaseModel):
    """A part of the spec: frozen, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


_Scalar = str | float | bool

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")


def length_of(text: str) -> timedelta:
    """Return a duration such as 60m, 24h, 7d or 2w.

    Args:
        text: A number and one of ms, s, m, h, d, w.

    Raises:
        ValueError: If it is no duration.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no duration; write a number and s, m, h, d or w, such as 60m or 7d")
    if found[2] == "ms":
        return timedelta(milliseconds=float(found[1]))
    try:
        return timedelta(**{UNITS[found[2]]: float(found[1])})
    except OverflowError:
        raise ValueError(f"{text!r} is longer than any calendar") from None


def _duration(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f"{value} has no unit; write it with s, m, h, d or w, such as {value}d")
    if isinstance(value, str):
        length_of(value)
        return value.strip()
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value.strip()):
        raise ValueError(f"{value!r} is no day; write it as 2026-01-31")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(
            f"{value!r} is no day of the calendar; write one that exists, such as 2026-01-31"
        ) from None


def as_text(value: Any) -> str:
    """Return a YAML scalar as the text that a data file would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    return [as_text(item) for item in (value if isinstance(value, list) else [value])]


def path_only(value: Any) -> Any:
    """Let a bare path stand for {path: path}."""
    return {"path": value} if isinstance(value, str) else value


# What a validator accepts beyond the type it returns is written beside it, for the published JSON Schema.

#: One text or several.
Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Names = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(_listed, json_schema_input_type=str | Annotated[list[str], Field(min_length=1)]),
]
#: A number and its unit, such as 60m or 7d.
Duration = Annotated[
    str,
    BeforeValidator(
        _duration, json_schema_input_type=Annotated[str, Field(pattern=f"^{_DURATION.pattern}$")]
    ),
]
Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]),
]
#: One scalar or several, kept as the texts that a data file would hold.
Texts = Annotated[list[str], BeforeValidator(_texts, json_schema_input_type=_Scalar | list[_Scalar])]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


def value_at(node: Any, path: Iterable[str | int]) -> Any:
    """Return what stands under a path of keys and indexes, named as in YAML; None where nothing does.

    Args:
        node: A spec or a part of one.
        path: Keys and indexes.
    """
    for key in path:
        if isinstance(node, BaseModel):
            fields = type(node).model_fields
            name = next((n for n, f in fields.items() if (f.alias or n) == key), None)
            node = getattr(node, name) if name is not None else None
        elif isinstance(node, Mapping):
            node = node.get(key)
        elif isinstance(node, (list, tuple)) and isinstance(key, int) and key < len(node):
            node = node[key]
        else:
            return None
    return node
