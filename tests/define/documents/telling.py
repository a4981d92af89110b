"""Specs and evidence for the tests of documents."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from shipworthy.define.documents.evidence import GateMeasured, Measured, NumberMeasured
from shipworthy.define.documents.telling import Telling
from shipworthy.define.reading import SpecFile, spec_from_text

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
TODAY = date(2026, 2, 1)


def example(name: str, *edits: tuple[str, str]) -> SpecFile:
    """Return a published example with parts of its text replaced, each once."""
    text = (EXAMPLES / f"{name}.yaml").read_text("utf-8")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return spec_from_text(text, Path("shipworthy.yaml"))


def made(**spec: Any) -> SpecFile:
    """Return a small spec with these keys."""
    import json

    base: dict[str, Any] = {
        "shipworthy": 1,
        "id": "made",
        "kind": "classifier",
        "decision": {"prediction": "p", "action": "a", "actor": "b"},
        "golden": {"path": "golden.csv"},
        "gates": [{"id": "g", "rule": "accuracy >= 50%"}],
    }
    return spec_from_text(json.dumps(base | spec, indent=1), Path("shipworthy.yaml"))


def telling(file: SpecFile, measured: Measured | None = None) -> Telling:
    return Telling(file, measured or Measured(), TODAY)


def decided(**gates: GateMeasured) -> Measured:
    """Return a decision with these answers of gates."""
    return Measured(
        because="",
        decision="d1",
        day="2026-01-31",
        verdict="hold",
        headline="One gate is not proven.",
        system="candidate",
        golden_version="sha256:abc",
        population="all rows",
        cases=500,
        gates=gates,
        metrics=(NumberMeasured("accuracy", "83% (between 79.6 and 86.2 of 100)", 500, 0.83),),
        slices=(
            NumberMeasured("accuracy", "71%", 90, 0.71, "thin_file", "yes", "−14 points"),
            NumberMeasured("accuracy", "85%", 410, 0.85, "colour", "red"),
        ),
    )
