"""Reports for machines: plain JSON, and SARIF that code hosts accept."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import jsonschema
import pytest

from shipworthy.define.lint.facts import Unknown
from shipworthy.define.lint.reporting import as_data, as_sarif, sentence, summary

from .mutating import linted

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}

#: What SARIF 2.1.0 requires of the properties in use, and which others it knows there (OASIS, section 3).
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "run": {
            "type": "object",
            "required": ["tool"],
            "additionalProperties": False,
            "properties": {
                "tool": {
                    "type": "object",
                    "required": ["driver"],
                    "additionalProperties": False,
                    "properties": {"driver": {"$ref": "#/$defs/component"}},
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "invocations": {"type": "array", "items": {"$ref": "#/$defs/invocation"}},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "component": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                "rules": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/descriptor"}},
            },
        },
        "descriptor": {
            "type": "object",
            "required": ["id"],
            "additionalProperties": False,
            "properties": {
                "id": {"type": "string"},
                "name": {"type": "string"},
                "shortDescription": TEXT,
                "fullDescription": TEXT,
                "help": TEXT,
                "defaultConfiguration": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"level": LEVEL},
                },
                "properties": {"type": "object"},
            },
        },
        "invocation": {
            "type": "object",
            "required": ["executionSuccessful"],
            "additionalProperties": False,
            "properties": {
                "executionSuccessful": {"type": "boolean"},
                "toolExecutionNotifications": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["message"],
                        "additionalProperties": False,
                        "properties": {"level": LEVEL, "message": TEXT},
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "required": ["message"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": -1},
                "level": LEVEL,
                "message": TEXT,
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "locations": {"type": "array", "items": {"$ref": "#/$defs/location"}},
                "suppressions": {
                    "type": "array",
                    "uniqueItems": True,
                    "items": {
                        "type": "object",
                        "required": ["kind"],
                        "additionalProperties": False,
                        "properties": {
                            "kind": {"enum": ["inSource", "external"]},
                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                            "justification": {"type": "string"},
                        },
                    },
                },
            },
        },
        "location": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "physicalLocation": {
                    "type": "object",
                    "required": ["artifactLocation"],
                    "additionalProperties": False,
                    "properties": {
                        "artifactLocation": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                        },
                        "region": {
                            "type": "object",
                            "additionalProperties": False,
                            "properties": {"startLine": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
                "logicalLocations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"fullyQualifiedName": {"type": "string"}},
                    },
                },
            },
        },
    },
}

ASIDE = [{"rule": "SW107", "reason": "same hour lost", "owner": "Ana", "expires": date(2026, 6, 1)}]
BROKEN = linted(
    "loan",
    {"costs.false_negative": 420, "lint.ignore": ASIDE, "decision.actor": "TBD", "owners.retraining": ""},
    {"runs": Unknown("there is no run yet")},
)


@pytest.mark.parametrize(
    "report", [BROKEN, linted("loan"), linted("support")], ids=["broken", "loan", "support"]
)
def test_sarif_has_what_the_standard_requires_and_nothing_it_does_not_know(report: Any) -> None:
    jsonschema.validate(json.loads(json.dumps(as_sarif(report, "1.2.3"))), SARIF)


def test_sarif_names_rule_severity_line_and_explanation() -> None:
    [run] = as_sarif(BROKEN, "1.2.3")["runs"]
    [result] = [one for one in run["results"] if one["ruleId"] == "SW102"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == "SW102"
    assert "needs no model" in rule["help"]["text"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert result["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "decision.actor"}]


def test_sarif_keeps_what_was_set_aside_as_suppressed() -> None:
    results = as_sarif(BROKEN, "1.2.3")["runs"][0]["results"]
    [aside] = [one for one in results if "suppressions" in one]
    assert aside["ruleId"] == "SW107"
    assert aside["suppressions"][0]["justification"] == "same hour lost (Ana, until 2026-06-01)"


def test_sarif_says_what_could_not_be_looked_at() -> None:
    [invocation] = as_sarif(BROKEN, "1.2.3")["runs"][0]["invocations"]
    said = " ".join(one["message"]["text"] for one in invocation["toolExecutionNotifications"])
    assert "Could not look: There is no run yet." in said


def test_plain_values_hold_counts_findings_and_what_was_set_aside() -> None:
    found = as_data(BROKEN)
    assert json.loads(json.dumps(found)) == found
    assert found["errors"] == 2
    assert [one["code"] for one in found["findings"] if one["severity"] == "error"] == ["SW102", "SW111"]
    assert found["set_aside"][0]["until"] == "2026-06-01"


def test_the_summary_counts_in_words() -> None:
    assert summary(BROKEN).startswith("2 errors")
    assert "1 set aside" in summary(BROKEN)


def test_a_name_keeps_its_spelling_at_the_start_of_a_sentence() -> None:
    assert sentence("the gate fails") == "The gate fails."
    assert sentence("g_leak is not met.") == "g_leak is not met."
