"""The JSON Schema of a spec: editors complete and check with it what reading and levels ask for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shipworthy.define.keys.part import Part
from shipworthy.define.levels import BOUNDS_AN_ANSWER, REQUIRED, Requirement
from shipworthy.define.spec import KINDS, LEVELS, Spec

__all__ = ["SCHEMA_FILE", "SCHEMA_LINE", "schema", "schema_text"]

#: Its name beside a spec.
SCHEMA_FILE = "spec.schema.json"
#: The comment that leads an editor from a spec to it.
SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA_FILE}"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: The conditions of `levels.CONDITIONS`, as a schema can ask them.
_IF: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "regulated": {
        "required": ["regulated"],
        "properties": {"regulated": {"not": {"enum": [None, "none", [], ["none"]]}}},
    },
    "routed": {"required": ["routing"], "properties": {"routing": {"type": "object"}}},
    "reviewed": {
        "required": ["routing"],
        "properties": {
            "routing": {
                "required": ["bands"],
                "properties": {
                    "bands": {
                        "type": "array",
                        "contains": {
                            "type": "object",
                            "required": ["by"],
                            "properties": {"by": {"const": "person"}},
                        },
                    }
                },
            }
        },
    },
    "rubric": {"required": ["rubric"], "properties": {"rubric": {"type": "array", "minItems": 1}}},
    "judged": {"required": ["judges"], "properties": {"judges": {"type": "array", "minItems": 1}}},
    "unbounded": {
        "properties": {
            "gates": {
                "not": {
                    "contains": {
                        "anyOf": [
                            {"type": "string", "pattern": BOUNDS_AN_ANSWER},
                            {
                                "type": "object",
                                "required": ["rule"],
                                "properties": {"rule": {"pattern": BOUNDS_AN_ANSWER}},
                            },
                        ]
                    }
                }
            }
        }
    },
    "trained": {
        "required": ["data"],
        "properties": {
            "data": {
                "type": "object",
                "required": ["training_window"],
                "properties": {"training_window": {"type": "object"}},
            }
        },
    },
}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec: keys, types, words, short forms, and the keys of each level."""
    found = Spec.model_json_schema(mode="validation")
    definitions = {name.lstrip("_"): _tidy(part) for name, part in found.pop("$defs").items()}
    return {
        "$schema": _DIALECT,
        **_tidy(found),
        "title": "Spec of an AI product, level judge, launch or operate",
        "allOf": _levels(),
        "$defs": definitions,
    }


def schema_text() -> str:
    """Return the JSON Schema of a spec as text, ready to be written to `SCHEMA_FILE`."""
    return json.dumps(schema(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _tidy(node: Any) -> Any:
    """Leave out what says nothing to a reader: titles made from names, empty defaults, inherited words."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: _tidy(part) for name, part in value.items()}
        elif key == "$ref":
            kept[key] = value.replace("#/$defs/_", "#/$defs/")
        elif key == "description":
            if value != _INHERITED:
                kept[key] = value
        elif key != "title" and (key, value) not in _SILENT:
            kept[key] = _tidy(value)
    return kept


_INHERITED = " ".join((Part.__doc__ or "").split())
_SILENT: tuple[tuple[str, Any], ...] = (("default", None), ("default", []), ("default", {}), ("default", ""))


def _levels() -> list[dict[str, Any]]:
    """Return one if-then for each level, kinds and condition that ask for further keys."""
    groups: dict[tuple[str, tuple[str, ...], str], list[Requirement]] = {}
    for need in REQUIRED:
        # Reading asks for these at every level, so they stand in the parts themselves.
        if need.level != LEVELS[0]:
            groups.setdefault((need.level, need.kinds, need.when), []).append(need)
    return [
        {"if": _asked(level, kinds, when), "then": _present([need.keys for need in needs])}
        for (level, kinds, when), needs in groups.items()
    ]


def _asked(level: str, kinds: tuple[str, ...], when: str) -> dict[str, Any]:
    condition = _IF[when]
    properties: dict[str, Any] = {
        "level": {"enum": list(LEVELS[LEVELS.index(level) :])},
        **condition.get("properties", {}),
    }
    if kinds != KINDS:
        properties["kind"] = {"enum": list(kinds)}
    return {"required": ["level", *condition.get("required", ())], "properties": properties}


def _present(paths: list[tuple[str, ...]]) -> dict[str, Any]:
    """Return a schema that asks for each path of keys."""
    inner: dict[str, list[tuple[str, ...]]] = {}
    for path in paths:
        inner.setdefault(path[0], [])
        if len(path) > 1:
            inner[path[0]].append(path[1:])
    found: dict[str, Any] = {"required": list(inner)}
    deeper = {name: _present(rest) for name, rest in inner.items() if rest}
    return {**found, "properties": deeper} if deeper else found
