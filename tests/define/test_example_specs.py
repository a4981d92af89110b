"""The specs that the docs show: they read, say what their level asks for, and lint finds no error in them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from shipworthy.api.lint import lint
from shipworthy.api.product import open_product
from shipworthy.define.reading import read_spec
from shipworthy.define.spec import LEVELS

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"

#: The day on which the examples were written: what they call recent is recent then.
WRITTEN = date(2026, 1, 20)

every_example = pytest.mark.parametrize("name", ["minimum", "loan", "support"])


@every_example
def test_lint_finds_no_error(name: str) -> None:
    report = lint(EXAMPLES / f"{name}.yaml", today=WRITTEN)
    assert [found for found in report.findings if found.severity == "error"] == []


@pytest.mark.parametrize(("name", "known"), [("minimum", set()), ("loan", set()), ("support", {"SW509"})])
def test_what_lint_warns_of_on_the_day_of_writing(name: str, known: set[str]) -> None:
    report = lint(EXAMPLES / f"{name}.yaml", today=WRITTEN)
    assert {found.code for found in report.findings if found.severity == "warning"} == known


def test_the_smallest_one_is_about_a_dozen_lines_and_is_judged(tmp_path: Path) -> None:
    lines = [line for line in (EXAMPLES / "minimum.yaml").read_text("utf-8").splitlines() if line[:1] != "#"]
    assert len(lines) <= 14
    (tmp_path / "shipworthy.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    (tmp_path / "graded.csv").write_bytes((EXAMPLES / "graded.csv").read_bytes())
    product = open_product(tmp_path)
    product.run()
    decision = product.decide().decision
    assert [gate.status.words for gate in decision.gates] == ["not proven", "met"]


@every_example
def test_every_level_below_is_held_too(name: str) -> None:
    spec = read_spec(EXAMPLES / f"{name}.yaml").spec
    for level in LEVELS[: LEVELS.index(spec.level) + 1]:
        report = lint(EXAMPLES / f"{name}.yaml", level=level, today=WRITTEN)
        assert [found for found in report.findings if found.severity == "error"] == [], level


@every_example
def test_what_an_example_names_exists_in_it(name: str) -> None:
    spec = read_spec(EXAMPLES / f"{name}.yaml").spec
    monitors, modes = {one.id for one in spec.monitors}, {one.id for one in spec.failure_modes}
    gates, metrics = {one.id for one in spec.gates}, {one.id for one in spec.metrics}
    assert {mode.monitor for mode in spec.failure_modes if mode.monitor} <= monitors
    assert {hit for event in spec.expect for hit in event.hits} <= modes
    assert {limit.evidence for limit in spec.limits if limit.evidence} <= gates
    assert {metric.pairs for metric in spec.metrics if metric.pairs} <= metrics
    if spec.launch is not None and spec.launch.rollback is not None:
        assert set(spec.launch.rollback.triggers) <= monitors
    if spec.learning is not None and spec.learning.retrain is not None:
        named = [*spec.learning.retrain.trigger, *spec.learning.retrain.stop]
        assert {word for word in named if re.match(r"m_", word)} <= monitors
        assert set(spec.learning.retrain.gate) <= gates
