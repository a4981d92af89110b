"""What several families write alike: the smallest fix as YAML, and findings about keys a level asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shipworthy.define.levels import Requirement, missing_keys
from shipworthy.define.library.modes import modes_for
from shipworthy.define.lint.rule import Finding, Promise
from shipworthy.define.rules import Population, metrics_within

__all__ = ["DAY", "example_of", "metric_of", "missing_of", "yaml_snippet"]

#: Stands for the day of something that has to happen first; a spec that holds it is refused.
DAY = "YYYY-MM-DD"

_PLAIN = re.compile(r"[A-Za-z_][\w./% -]*[\w./%]|[A-Za-z_]", re.ASCII)
_WORDS_OF_YAML = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")


def yaml_snippet(path: str, value: object) -> str:
    """Return the lines that set one key, from the top of the file.

    Args:
        path: The key, dotted.
        value: What stands there: a text, number, day, mapping or list; a list of mappings gets one line each.

    >>> print(yaml_snippet("golden.strata", {"edge": 59}))
    golden:
      strata: {edge: 59}
    >>> print(yaml_snippet("gates", [{"id": "g", "rule": "good[plan = pro] >= 80%"}]))
    gates:
      - {id: g, rule: "good[plan = pro] >= 80%"}
    """
    *outer, last = path.split(".")
    lines = [f"{'  ' * depth}{name}:" for depth, name in enumerate(outer)]
    indent = "  " * len(outer)
    if isinstance(value, list) and value and all(isinstance(entry, dict) for entry in value):
        return "\n".join([*lines, f"{indent}{last}:", *(f"{indent}  - {_flow(entry)}" for entry in value)])
    return "\n".join([*lines, f"{indent}{last}: {_flow(value)}"])


def _flow(value: object) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
            return value
        # JSON's strings are YAML's double-quoted ones.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def metric_of(promise: Promise) -> str:
    """Return the first metric that a gate of the spec bounds, as rules write it."""
    for gate in promise.spec.gates:
        for call in metrics_within(gate.parsed.left):
            return str(replace(call, population=Population()))
    return "accuracy"


def example_of(promise: Promise, need: Requirement) -> str:
    """Return lines that add a missing key, with the names of this product where it has some.

    Args:
        promise: The spec and what is known beside it.
        need: The key.
    """
    spec, golden, metric = promise.spec, promise.golden, metric_of(promise)
    if need.key == "golden.strata" and golden is not None:
        if golden.strata:
            return yaml_snippet(need.key, dict(golden.strata))
        if "stratum" not in (*golden.columns, *spec.golden.columns):
            # A name that no file has: pasted as it is, it is refused with its line.
            return need.yaml + "\n  columns: {stratum: COLUMN}"
    strata = list(spec.golden.strata) or ["representative"]
    known: dict[str, object] = {
        "metrics": [
            {"id": metric, "role": "primary"},
            {"id": "what_users_feel", "layer": "online", "pairs": metric},
        ],
        "failure_modes": [
            {
                "id": mode.id,
                "severity": mode.severity,
                "cases": mode.stratum if mode.stratum in strata else strata[0],
                "mitigation": mode.guardrails[0],
            }
            for mode in modes_for(spec.kind)[:3]
        ],
        "groups": [(spec.slices or ["COLUMN"])[0]],
        "monitors": [
            {
                "id": f"m_{re.sub(r'[^a-z0-9]+', '_', metric).strip('_')}",
                "series": metric,
                "rule": "drop > 0.05 for 7d",
                "do": "page",
                "owner": "oncall",
            }
        ],
        "learning.retrain": {"trigger": "every 90d", "gate": [spec.gates[0].id], "owner": "ml"},
    }
    return yaml_snippet(need.key, known[need.key]) if need.key in known else need.yaml


def missing_of(promise: Promise, code: str) -> Iterator[Finding]:
    """Yield a finding for each missing key of which this rule is the one to speak.

    Args:
        promise: The spec and what is known beside it.
        code: The rule.
    """
    for need in missing_keys(promise.spec):
        if need.rule == code:
            yield Finding(need.keys, f"`{need.key}` is missing", example_of(promise, need), missing=True)
