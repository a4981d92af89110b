"""A report of lint for machines: plain values, and SARIF 2.1.0 for code hosts and editors."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from shipworthy.define.lint.rule import RULES, LintRule
from shipworthy.define.lint.running import Found, Report

__all__ = ["as_data", "as_sarif", "described_rule", "missing_in_one_piece", "sentence", "summary"]

SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sentence(text: str) -> str:
    """Return a finding's words as a sentence, from a capital letter to a full stop.

    >>> sentence("no owner for retraining")
    'No owner for retraining.'
    """
    if not text:
        return text
    whole = text if text.endswith((".", "?", "!")) else f"{text}."
    # A name such as g_leak or recall[plan=pro] stays as it is written in the spec.
    return whole[0].upper() + whole[1:] if whole.split(maxsplit=1)[0].isalpha() else whole


def summary(report: Report) -> str:
    """Return the report in one line.

    >>> summary(Report("shipworthy.yaml", "judge", 40, (), (), ()))
    'No finding: 40 rules asked at level judge.'
    """
    counts = []
    for severity, one, many in (
        ("error", "error", "errors"),
        ("warning", "warning", "warnings"),
        ("info", "hint", "hints"),
    ):
        n = sum(found.severity == severity for found in report.findings)
        if n:
            counts.append(f"{n} {one if n == 1 else many}")
    aside = f", {len(report.set_aside)} set aside" if report.set_aside else ""
    blind = sum(len(one.rules) for one in report.not_looked_at)
    unseen = f", {blind} could not look" if blind else ""
    rules = "1 rule" if report.asked == 1 else f"{report.asked} rules"
    return f"{', '.join(counts) or 'No finding'}: {rules} asked at level {report.level}{aside}{unseen}."


def as_data(report: Report) -> dict[str, Any]:
    """Return a report as plain values, JSON-ready.

    Args:
        report: The report.
    """
    return {
        "path": report.path,
        "level": report.level,
        "asked": report.asked,
        "errors": len(report.of("error")),
        "warnings": len(report.of("warning")),
        "infos": len(report.of("info")),
        "findings": [_finding(found) for found in report.findings],
        "set_aside": [
            {
                **_finding(one.found),
                "reason": one.reason,
                "owner": one.owner,
                "until": one.until.isoformat(),
            }
            for one in report.set_aside
        ],
        "not_looked_at": [{"because": one.because, "rules": list(one.rules)} for one in report.not_looked_at],
    }


def _finding(found: Found) -> dict[str, Any]:
    return {
        "code": found.code,
        "severity": found.severity,
        "line": found.line,
        "key": found.key,
        "id": found.id,
        "what": sentence(found.what),
        "why": found.why,
        "fix": found.fix,
        "fix_kind": found.fix_kind,
        "example": found.example and found.fix_kind == "yaml",
    }


def missing_in_one_piece(report: Report) -> str:
    """Return the lines that add all missing keys at once, each outer key written once; "" below two.

    Args:
        report: The report.
    """
    adding = [found for found in report.findings if found.missing and found.fix_kind == "yaml"]
    tree: dict[str, Any] = {}
    for found in adding:
        _graft(tree, found.fix.splitlines())
    return "\n".join(_lines(tree)) if len(adding) > 1 else ""


def _graft(tree: dict[str, Any], lines: list[str]) -> None:
    """Add a snippet of nested keys, one a line, to a tree of them."""
    branch: list[dict[str, Any]] = [tree]
    for line in lines:
        name, _colon, value = line.strip().partition(":")
        depth = (len(line) - len(line.lstrip())) // 2
        parent = branch[depth]
        del branch[depth + 1 :]
        if line.lstrip().startswith("- "):
            # An entry of a list, whole in its line.
            parent.setdefault(line.strip(), None)
        elif not value:
            held = parent.setdefault(name, {})
            if isinstance(held, str):
                # It is written in braces; what is below it goes inside.
                held = parent[name] = {"": held}
            branch.append(held)
        elif isinstance(parent.get(name), dict):
            parent[name][""] = value.strip()
        else:
            parent.setdefault(name, value.strip())


def _lines(tree: dict[str, Any], depth: int = 0) -> list[str]:
    lines: list[str] = []
    for name, held in tree.items():
        indent = "  " * depth
        if held is None:
            lines.append(f"{indent}{name}")
        elif isinstance(held, str):
            lines.append(f"{indent}{name}: {held}")
        elif "" in held:
            lines.append(f"{indent}{name}: {_in_braces(held)}")
        else:
            lines += [f"{indent}{name}:", *_lines(held, depth + 1)]
    return lines


def _in_braces(held: dict[str, Any]) -> str:
    own = str(held[""]).removeprefix("{").removesuffix("}")
    inner = [
        f"{name}: {below if isinstance(below, str) else _in_braces({'': '{}', **below})}"
        for name, below in held.items()
        if name
    ]
    return "{" + ", ".join([*([own] if own else []), *inner]) + "}"


def described_rule(one: LintRule) -> dict[str, Any]:
    """Return a rule as plain values, JSON-ready.

    Args:
        one: The rule.
    """
    return {
        "code": one.code,
        "severity": one.severity,
        "level": one.level,
        "needs": list(one.needs),
        "title": one.title,
        "why": one.why,
        "explanation": one.explanation,
    }


def as_sarif(report: Report, version: str) -> dict[str, Any]:
    """Return a report as SARIF 2.1.0, JSON-ready.

    Args:
        report: The report.
        version: Shipworthy's version.

    Source: OASIS, Static Analysis Results Interchange Format 2.1.0, sections 3.13 to 3.27 and 3.35.
    """
    shown = [*report.findings, *(one.found for one in report.set_aside)]
    codes = sorted({found.code for found in shown})
    results = [_result(found, codes, report.path) for found in report.findings]
    for one in report.set_aside:
        suppression = {
            "kind": "inSource",
            "status": "accepted",
            "justification": f"{one.reason} ({one.owner}, until {one.until.isoformat()})",
        }
        results.append({**_result(one.found, codes, report.path), "suppressions": [suppression]})
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Shipworthy",
                        "semanticVersion": version,
                        "rules": [_descriptor(RULES.get(code)) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {
                                "level": "note",
                                "message": {
                                    "text": f"Could not look: {sentence(one.because)} "
                                    f"({', '.join(one.rules)})"
                                },
                            }
                            for one in report.not_looked_at
                        ],
                    }
                ],
                "results": results,
            }
        ],
    }


def _descriptor(one: LintRule) -> dict[str, Any]:
    return {
        "id": one.code,
        "name": "".join(word.capitalize() for word in one.check.__name__.split("_")),
        "shortDescription": {"text": one.title},
        "fullDescription": {"text": f"{one.title} {one.why}"},
        "help": {"text": one.explanation, "markdown": one.explanation},
        "defaultConfiguration": {"level": SARIF_LEVELS[one.severity]},
        "properties": {"level": one.level, "needs": list(one.needs)},
    }


def _result(found: Found, codes: list[str], path: str) -> dict[str, Any]:
    fix = f"\n\n{found.fix}" if found.fix else ""
    return {
        "ruleId": found.code,
        "ruleIndex": codes.index(found.code),
        "level": SARIF_LEVELS[found.severity],
        "message": {"text": f"{sentence(found.what)} {found.why}{fix}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(path)},
                    "region": {"startLine": found.line},
                },
                "logicalLocations": [{"fullyQualifiedName": found.key or "spec"}],
            }
        ],
        "partialFingerprints": {"shipworthy/v1": f"{found.code}:{found.id or found.key}"},
    }


def _uri(path: str) -> str:
    """Return a path as SARIF wants it: relative to where it was called, or a file URI."""
    from urllib.parse import quote

    pure = PurePath(path)
    posix = quote(pure.as_posix())
    return f"file://{posix}" if pure.is_absolute() else posix
